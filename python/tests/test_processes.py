"""Threads, processes, signals."""

import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from checks import SCALARS, is_inverse, random_stack

import matinv


def check_everything(seed):
    for n in (3, 60, 250):
        a = random_stack((40 if n < 100 else 3, n, n), np.float64, seed)
        if not is_inverse(a, matinv.inv(a)):
            return False
    return True


def test_thread_counts():
    default = matinv.get_threads()
    assert default >= 1
    matinv.set_threads(3)
    assert matinv.get_threads() == 3 == matinv.info()["threads"]
    with matinv.threads(1) as entered:
        assert matinv.get_threads() == 1
        with entered, matinv.threads(None):
            assert matinv.get_threads() == default
        assert matinv.get_threads() == 1
    assert matinv.get_threads() == 3
    with pytest.raises(ZeroDivisionError), matinv.threads(2):
        _ = 1 / 0
    assert matinv.get_threads() == 3
    for bad in (0, -1):
        with pytest.raises(ValueError), matinv.threads(bad):
            pass
    matinv.set_threads(None)
    assert matinv.get_threads() == default


def run_python(code, variable=None, before=(), **environment):
    """What a Python of its own prints, with this value of MATINV_NUM_THREADS."""
    environment = {**os.environ, **environment}
    environment.pop("MATINV_NUM_THREADS", None)
    if variable is not None:
        environment["MATINV_NUM_THREADS"] = variable
    command = [*before, sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_environment_sets_the_number_of_threads():
    code = """
        import matinv
        print(matinv.get_threads(), matinv.info()["threads"])
        with matinv.threads(2):
            print(matinv.get_threads())
        print(matinv.get_threads())
        matinv.set_threads(4)
        print(matinv.get_threads())
        matinv.set_threads(None)
        print(matinv.get_threads())
    """
    assert run_python(code, "3") == ["3", "3", "2", "3", "4", "3"]
    usual = run_python("import matinv; print(matinv.get_threads())")
    assert run_python("import matinv; print(matinv.get_threads())", "") == usual


def test_a_number_of_threads_that_means_nothing():
    code = """
        import numpy as np
        import matinv
        a, stack = np.full((1, 1), 4.0), np.ones((100, 50, 50)) + 9 * np.eye(50)
        for call in (matinv.get_threads, lambda: matinv.inv(a), lambda: matinv.inv_ex(stack)):
            try:
                call()
            except ValueError as error:
                assert type(error) is ValueError
                print('MATINV_NUM_THREADS is "lots"' in str(error) and "1 to 1024" in str(error))
        # Whoever says how many needs no variable.
        print(matinv.inv(a, threads=1)[0, 0], matinv.inv(stack, threads=2).shape == stack.shape)
        with matinv.threads(2):
            print(matinv.inv(stack).shape == stack.shape)
    """
    assert run_python(code, "lots") == ["True", "True", "True", "0.25", "True", "True"]


def limited_to_one_process():
    """What to put before a command for the system to refuse it threads; None if that cannot be had."""
    limit = ["prlimit", "--nproc=1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # The limit does not bind root.
        allowed = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]  # to read this program
        limit = ["setpriv", "--reuid=65534", "--clear-groups", *allowed, *limit]
    code = "import threading; threading.Thread(target=print).start()"
    try:
        done = subprocess.run([*limit, sys.executable, "-c", code], capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return limit if "can't start new thread" in done.stderr else None


def test_without_threads_from_the_system_the_caller_works_alone():
    # Those of numpy's BLAS are no concern of this test.
    limit, few = limited_to_one_process(), {"OPENBLAS_NUM_THREADS": "1"}
    if limit is None:
        pytest.skip("nobody here can be refused threads")
    code = """
        import numpy as np
        import matinv
        stack = np.ones((3000, 30, 30)) + 9 * np.eye(30)
        alone = matinv.inv(stack, threads=1)
        def attempt(**options):
            try:
                print(np.array_equal(matinv.inv(stack, **options), alone))
            except OSError as error:
                print("3 worker threads could not be started" in str(error) and "refused")
        attempt()
        attempt(threads=3)
        with matinv.threads(3):
            attempt()
        # What was set before the block was nothing, and is nothing after it.
        attempt()
    """
    default = run_python(code, None, limit, **few)
    assert default == ["True", "refused", "refused", "True"]
    assert run_python(code, "3", limit, **few) == ["refused"] * 4


def test_many_python_threads_at_once():
    def work(seed):
        for n in (97, 128, 200, 300):
            dtype = SCALARS[seed % 4]
            a = random_stack((n, n), dtype, seed)
            if not is_inverse(a, matinv.inv(a, threads=1 + seed % 3)):
                return False
            b = random_stack((500, 5, 5), dtype, seed)
            if not is_inverse(b, matinv.inv(b)):
                return False
        return True

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


def test_other_python_threads_run_meanwhile():
    # A thread that counts gets on while an inversion is under way. With the lock held it would stand
    # still, whatever the machine is doing besides.
    done, counted = threading.Event(), [0]

    def count():
        while not done.is_set():
            counted[0] += 1
            time.sleep(0)

    other = threading.Thread(target=count)
    other.start()
    try:
        a = random_stack((1500, 1500), np.float64)
        while counted[0] == 0:
            time.sleep(0.001)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(60)  # nobody is asked to give the lock up
        before = counted[0]
        matinv.inv(a, threads=1)
        after = counted[0]
    finally:
        sys.setswitchinterval(interval)
        done.set()
        other.join()
    assert after > before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_forked_children():
    assert check_everything(0)  # so that the parent has its threads
    stop = threading.Event()

    # The large ones are shared by several threads.
    small, large = random_stack((1000, 5, 5), np.float64), random_stack((700, 700), np.float32)
    definite = np.eye(1500, dtype=np.float32) * 2 + np.float32(0.5)

    def busy():
        while not stop.is_set():
            matinv.inv(small)
            matinv.inv(large, threads=2)
            matinv.inv(definite, threads=2, assume_a="pos")

    # Fork also while others are at work.
    others = [threading.Thread(target=busy)]
    for other in others:
        other.start()
    try:
        for seed in range(3):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    signal.alarm(120)  # stuck is failed
                    grandchild = os.fork()
                    status = 0 if check_everything(seed) else 1
                    if grandchild:
                        _, of_grandchild = os.waitpid(grandchild, 0)
                        status |= of_grandchild != 0
                finally:
                    os._exit(status)
            _, status = os.waitpid(child, 0)
            assert status == 0
    finally:
        stop.set()
        for other in others:
            other.join()
    assert check_everything(1)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_multiprocessing(method):
    assert check_everything(0)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert all(pool.map_async(check_everything, range(4)).get(timeout=120))


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("call", "matrix", "count"),
    [
        ("inv(a, threads=1, out=out)", "rng.standard_normal((400, 400))", 300),
        ("inv(a, threads=1, out=out, assume_a='sym')", "np.ones((60, 60)) + np.eye(60)", 15_000),
        ("inv(a, out=out, on_failure='pinv')", "np.ones((50, 50))", 20_000),
        ("inv_ex(a, out=out, on_failure='pinv')", "np.ones((50, 50))", 20_000),
    ],
)
def test_ctrl_c_stops_a_long_batch(call, matrix, count):
    code = f"""
import os, signal, threading, time
import numpy as np, matinv
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may have it ignored
rng = np.random.default_rng(0)
matrix = {matrix}
a = np.broadcast_to(matrix, ({count}, *matrix.shape))
out = np.full_like(a, np.nan)
def interrupt():
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
thread = threading.Thread(target=interrupt)
try:
    thread.start()
    matinv.{call}
    thread.join()
except KeyboardInterrupt:
    print(*np.isnan(out[[0, -1], 0, 0]))
else:
    print("not interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    # It had begun, and was not done: no time has to be measured for that.
    assert done.stdout.split() == ["False", "True"], done.stderr


def test_interruption_leaves_nothing_behind():
    a = random_stack((20_000, 30, 30), np.float64)
    references = sys.getrefcount(a)
    raised = []

    def handler(*_):
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        pytest.skip("signals are for the main thread of POSIX systems")
    before = signal.signal(signal.SIGALRM, handler)
    try:
        for _ in range(3):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            try:
                for _ in range(10_000):
                    matinv.inv(a)
            except KeyboardInterrupt:
                raised.append(True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(raised) == 3
    assert sys.getrefcount(a) == references
    assert is_inverse(a[:100], matinv.inv(a[:100]))


def test_sub_interpreters_are_refused_clearly():
    code = """
import matinv
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    try:
        import _interpreters as interpreters
    except ImportError:
        raise SystemExit
created = interpreters.create()
try:
    problem = interpreters.run_string(created, "import matinv._matinv")
    print(problem)
except Exception as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if not done.stdout:
        pytest.skip("this Python has no sub-interpreters")
    # numpy, which is imported first, refuses in words of its own.
    assert "ImportError" in done.stdout
    assert "interpreter" in done.stdout or "once per process" in done.stdout


def test_the_command_line_tool():
    tool = [sys.executable, "-m", "matinv"]
    run = lambda *arguments, **more: subprocess.run(  # noqa: E731
        [*tool, *arguments], capture_output=True, text=True, **more
    )
    assert run("--version").stdout.split() == ["matinv", matinv.__version__]
    done = run("inv", "-", "--format", "csv", input="2,0\n0,4\n")
    assert done.returncode == 0, done.stderr
    assert [float(x) for x in done.stdout.replace("\n", ",").strip(",").split(",")] == [0.5, 0, 0, 0.25]
    assert run("inv", "-", input="1,2\n2,4\n").returncode == 1
    assert run("inv", "no-such-file").returncode == 2
    assert run("nonsense").returncode == 2


def test_the_tool_inside_a_program_leaves_its_signals_alone():
    code = """
import os, signal, sys
from matinv import _matinv
signals = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
signal.signal(signal.SIGTERM, lambda *_: print("mine", flush=True))
def caught():
    # What the system has, in which Python cannot see who was there before.
    with open("/proc/self/status") as status:
        return [line for line in status if line.startswith(("SigCgt", "SigIgn"))]
before = caught()
assert _matinv.run(["matinv", "completions", "bash"]) == 0
assert caught() == before
os.kill(os.getpid(), signal.SIGTERM)
try:
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("mine\ninterrupted\n"), ran.stdout[-200:]
