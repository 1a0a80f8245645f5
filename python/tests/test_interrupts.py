"""Ctrl-C while one large matrix is inverted."""

import subprocess
import sys
import textwrap

import pytest

# Sends itself SIGINT once the inverse is under way. That it was ended, and not finished before the
# exception came, is seen in what it has written.
SCRIPT = textwrap.dedent(
    """
    import os, signal, sys, threading, time
    import numpy as np
    import matinv

    kind, n, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = np.random.default_rng(0)
    a = rng.standard_normal((n, n))
    options = {"threads": threads, "assume_a": "gen"}
    if kind == "pos":
        a[np.diag_indices(n)] += 4 * n
        options = {"threads": threads, "assume_a": "pos", "lower": True}
        a = np.tril(a) + np.tril(a, -1).T
    elif kind == "sym":
        a = np.tril(a) + np.tril(a, -1).T
        options = {"threads": threads, "assume_a": "sym"}
    elif kind == "auto":
        options = {"threads": threads}
    elif kind == "pinv":
        a[:, 0] = 0
        options["on_failure"] = "pinv"
    small = rng.standard_normal((300, 300))
    expected = matinv.inv(small, threads=threads)
    out = np.full((n, n), np.nan)
    entered = threading.Event()

    def interrupt():
        entered.wait()
        time.sleep(0.2)
        interrupt.at = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    entered.set()
    try:
        matinv.inv(a, out=out, **options)
        sys.exit("not interrupted")
    except KeyboardInterrupt:
        print("seconds until the exception:", time.perf_counter() - interrupt.at)
    b = rng.standard_normal(n)
    with np.errstate(all="ignore"):
        rest = np.abs(a @ (out @ b) - b).max()
    if rest < 1e-3:
        sys.exit(f"finished first: {rest}")
    if not np.array_equal(matinv.inv(small, threads=threads), expected):
        sys.exit("the next inverse is another one")
    print("done")
    """
)


def run(*arguments):
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl-C there")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("kind", "n"), [("gen", 6000), ("auto", 6000), ("pos", 6000), ("sym", 4000), ("pinv", 2500)]
)
def test_ctrl_c_ends_the_work_on_one_matrix(kind, n, threads):
    done = run(kind, n, threads)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "done"


def test_a_handler_that_raises_nothing_lets_the_work_go_on():
    script = textwrap.dedent(
        """
        import os, signal, threading, time
        import numpy as np
        import matinv

        calls = []
        signal.signal(signal.SIGUSR1, lambda *_: calls.append(time.perf_counter()))
        a = np.random.default_rng(0).standard_normal((2500, 2500))
        expected = matinv.inv(a, threads=1)
        stop = threading.Event()

        def signals():
            while not stop.wait(0.02):
                os.kill(os.getpid(), signal.SIGUSR1)

        sender = threading.Thread(target=signals)
        sender.start()
        x = matinv.inv(a, threads=1)
        stop.set()
        sender.join()
        assert np.array_equal(x, expected)
        assert calls
        print("done")
        """
    )
    if sys.platform == "win32":
        pytest.skip("there are no such signals")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stdout == "done\n", done.stdout + done.stderr
