"""What the peers do where it hurts: every line is what came of running it just now."""

import argparse
import contextlib
import json
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import machine


def callables():
    """Everyone's plain call, from arrays to arrays."""
    import scipy.linalg

    found = {}
    try:
        import matinv

        found["matinv"] = matinv.inv
        found["matinv nan"] = lambda a: matinv.inv(a, on_failure="nan")
    except (ImportError, AttributeError):
        pass
    found["numpy"] = np.linalg.inv
    found["scipy"] = scipy.linalg.inv
    found["scipy tuned"] = lambda a: scipy.linalg.inv(a, check_finite=False, assume_a="general")
    try:
        import torch

        found["torch inv_ex"] = lambda a: torch.linalg.inv_ex(torch.from_numpy(a))[0].numpy()
    except ImportError:
        pass
    try:
        import jax

        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")
        jitted = jax.jit(jax.numpy.linalg.inv)
        found["jax"] = lambda a: np.asarray(jitted(a))
    except ImportError:
        pass
    return found


def outcome(inv, a):
    """The result (None where it raised), the error's text, and whether it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return inv(a), None, bool(caught)
        except Exception as error:  # what is raised is what is asked for
            return None, f"{type(error).__name__}: {error}", bool(caught)


def stack():
    return np.random.default_rng(0).standard_normal((1000, 8, 8))


def spoilt(inv, matrix):
    """A stack of which one matrix cannot be inverted."""
    good = stack()
    bad = good.copy()
    bad[700] = matrix
    x, error, warned = outcome(inv, bad)
    if error:
        named = "names 700" if "700" in error else "does not say which"
        return f"raises, {named}; no result"
    rest = np.delete(np.arange(1000), 700)
    residual = np.abs(bad[rest] @ x[rest] - np.eye(8)).max()
    fine = "the rest inverted" if residual < 1e-6 else "the rest wrong"
    marked = "NaN there" if np.isnan(x[700]).all() else "inf/NaN there" if not np.isfinite(x[700]).all() else "numbers there"
    return f"{marked}, {fine}{', warns' if warned else ', silent'}"


def singular(inv):
    return spoilt(inv, np.zeros((8, 8)))


def not_a_number(inv):
    bad = np.eye(8)
    bad[3, 4] = np.nan
    return spoilt(inv, bad)


def near_singular(inv):
    """Singular but for rounding."""
    a = np.arange(1.0, 10.0).reshape(3, 3)
    a[2, 2] += 1e-15
    x, error, warned = outcome(inv, a)
    if error:
        return "raises"
    if not np.isfinite(x).all():
        return "inf/NaN, " + ("warns" if warned else "silent")
    return f"numbers of {np.abs(x).max():.0e}, " + ("warns" if warned else "silent")


@contextlib.contextmanager
def limited(threads):
    """Everybody held to so many threads, each by the means it has."""
    own = contextlib.nullcontext()
    with contextlib.suppress(ImportError, AttributeError):
        import matinv

        own = matinv.threads(threads)
    with threadpool_limits(threads), own:
        yield


def same_bits_for_any_threads(inv):
    a = np.random.default_rng(0).standard_normal((500, 500))
    results = []
    for threads in (1, len(machine.processors())):
        with limited(threads):
            results.append(np.array(outcome(inv, a)[0]))
    return "same bits" if np.array_equal(*results) else "other bits"


def same_bits_in_a_stack(inv):
    a = stack()
    whole = outcome(inv, a)[0]
    same = all(np.array_equal(outcome(inv, a[i])[0], whole[i]) for i in (0, 1, 500, 999))
    return "same bits" if same else "other bits"


def other_threads_go_on(inv):
    """Longest time that another Python thread had to wait, as a share of the call."""
    a = np.random.default_rng(0).standard_normal((20000, 16, 16))
    outcome(inv, a)
    gaps, stop = [0.0], threading.Event()

    def tick():
        last = time.perf_counter()
        while not stop.is_set():
            time.sleep(0.0002)
            now = time.perf_counter()
            gaps[0] = max(gaps[0], now - last)
            last = now

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    for _ in range(5):
        outcome(inv, a)
    call = (time.perf_counter() - start) / 5
    stop.set()
    thread.join()
    return f"others go on (waited {gaps[0] * 1e3:.0f} ms of {call * 1e3:.0f})" if gaps[0] < call / 2 else (
        f"others wait ({gaps[0] * 1e3:.0f} ms of {call * 1e3:.0f})"
    )


def empty(inv):
    x, error, _ = outcome(inv, np.zeros((0, 3, 3)))
    return "raises" if error else f"shape {tuple(np.shape(x))}"


def integers(inv):
    x, error, _ = outcome(inv, np.array([[2, 1], [1, 1]]))
    return "raises" if error else str(np.asarray(x).dtype)


QUESTIONS = {
    "One singular matrix in a stack of 1000": singular,
    "A NaN in one matrix of the stack": not_a_number,
    "A matrix singular but for rounding": near_singular,
    "One thread and all, order 500": same_bits_for_any_threads,
    "A matrix alone and in a stack": same_bits_in_a_stack,
    "Other Python threads meanwhile": other_threads_go_on,
    "An empty stack (0, 3, 3)": empty,
    "Integers": integers,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", type=Path, help="not used: the children of bench.py are called alike")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    found = callables()
    rows = [
        {"what": what, "who": {name: answered(ask, inv) for name, inv in found.items()}}
        for what, ask in QUESTIONS.items()
    ]
    (args.out / "behaviour.json").write_text(json.dumps(rows, indent=1))


def answered(ask, inv):
    try:
        return ask(inv)
    except Exception as error:  # the question itself could not be put
        return f"{type(error).__name__}"


if __name__ == "__main__":
    sys.exit(main())
