"""Runs in turn, medians, and the check that comes before a time counts."""

from dataclasses import dataclass

import numpy as np

THRESHOLD = 30  # of LAPACK's tests
CHECKED = 200  # matrices of a stack, at most
COLUMNS = 64  # of a large matrix
LONG = 1.0  # seconds: enough in two rounds
RESULTS = 2  # as many of a result's size are made ready before it is timed
LEAST = 1 << 20  # bytes of a result that comes from the system, not from what the process has
# Seconds of a run from which on it does not matter that it begins after a rest, with cold caches, a slow
# clock and threads asleep.
COLD = 0.1


@dataclass(frozen=True)
class Effort:
    """How long to measure one peer of one case."""

    slice: float  # seconds of one measurement, at least, by repetition
    budget: float  # seconds of all of them
    rounds: int  # at most


QUICK = Effort(slice=0.001, budget=0.02, rounds=7)
FULL = Effort(slice=0.003, budget=0.12, rounds=15)


def ratios(a, x):
    """‖I − XA‖₁ and ‖I − AX‖₁ over n ‖A‖₁ ‖X‖₁ ε, LAPACK's ratios, of one matrix; computed in
    double precision. ε belongs to the type of x. Of orders above 512 some columns stand for all."""
    n = a.shape[-1]
    epsilon = np.finfo(x.dtype).eps / 2
    double = np.result_type(a.dtype, np.float64)
    a, x = a.astype(double), x.astype(double)
    if not np.isfinite(x).all():
        return np.inf, np.inf
    every = np.arange(n) if n <= 512 else np.linspace(0, n - 1, COLUMNS).astype(int)
    identity = np.eye(n)[:, every]
    unit = n * _norm(a) * _norm(x) * epsilon
    if unit == 0:
        return 1 / epsilon, 1 / epsilon
    return _norm(identity - x @ a[:, every]) / unit, _norm(identity - a @ x[:, every]) / unit


def _norm(a):
    return np.abs(a).sum(axis=0).max()


def worst_ratio(a, x):
    """The better side of the worst matrix among those looked at."""
    if x.shape != a.shape:
        return np.inf
    looked_at = np.unique(np.linspace(0, len(a) - 1, min(len(a), CHECKED)).astype(int))
    return max(min(ratios(a[i], x[i])) for i in looked_at)


def product_is_right(a, product):
    """Whether a multiplication did what it is measured for."""
    n = a.shape[-1]
    every = np.arange(n) if n <= 512 else np.linspace(0, n - 1, COLUMNS).astype(int)
    double = np.result_type(a.dtype, np.float64)
    expected = a.astype(double) @ a.astype(double)[:, every]
    bound = n * _norm(a) * _norm(a) * np.finfo(a.dtype).eps
    return bool(_norm(expected - product[:, every]) <= bound)


def measure(case, a, peers, effort, step=lambda peer: None, settle=None):
    """Figures of every peer by name. `peers` are prepared here, checked, and timed in turn. `step` is
    told whose turn it is, `settle`, if there is one, called before."""
    figures, running = {}, []
    for peer in peers:
        step(peer.name)
        try:
            peer.prepare(case, a)
            result = peer.result()
        except Absent as reason:
            figures[peer.name] = {"status": "absent", "why": str(reason)}
            continue
        except ServerEnded:
            raise
        except Exception as error:  # a peer that fails is a result, too
            figures[peer.name] = failure(error)
            continue
        step(None)
        if peer.is_gemm:
            right, ratio = product_is_right(a[0], result[0]), None
        else:
            ratio = float(worst_ratio(a, result))
            right = ratio < THRESHOLD
        del result
        if right:
            running.append((peer, ratio))
        else:
            figures[peer.name] = {"status": "wrong", "ratio": ratio}
    figures.update(_times(running, effort, step, settle, a.nbytes))
    step(None)
    for peer in peers:
        peer.release()
    return figures


def failure(error):
    return {"status": "failed", "why": f"{type(error).__name__}: {error}"[:200]}


@dataclass
class _Turns:
    """The measurements of a peer."""

    peer: object
    ratio: float | None
    once: float  # seconds of a call, as far as is known before
    times: int  # calls of a measurement
    rounds: int
    taken: list  # seconds of a call, on average of each measurement


def _times(running, effort, step, settle, size):
    figures, turns = {}, []

    def run(peer, times, once=np.inf):
        """Seconds, or none of a peer that fails now."""
        make_memory_ready(size)
        if settle:
            settle()
        step(peer.name)
        try:
            if settle and once * times < COLD:
                peer.run(times)
            return peer.run(times)
        except ServerEnded:
            raise
        except Exception as error:
            figures[peer.name] = failure(error)
            return None

    for peer, ratio in running:
        once = run(peer, 1)
        if once is None:
            continue
        # A run as long as a measurement is one: the first round. A shorter one says how often to repeat it.
        taken = [once] if once >= (COLD if settle else effort.slice) else []
        times = 1
        # First calls take longest.
        for _ in range(0 if taken else 2):
            once = min(once, run(peer, times, once) or once)
            times = max(1, int(effort.slice / max(once, 1e-9)))
        turns.append(_Turns(peer, ratio, once, times, rounds_for(once * times, effort), taken))
    while waiting := [turn for turn in turns if len(turn.taken) < turn.rounds and turn.peer.name not in figures]:
        for turn in waiting:
            turn.taken.append(run(turn.peer, turn.times, turn.once))
    for turn in turns:
        if turn.peer.name not in figures:
            figures[turn.peer.name] = {
                "status": "ok",
                "ratio": turn.ratio,
                "times": turn.times,
                **summary(turn.taken),
            }
    return figures


def make_memory_ready(size):
    """Has the system bring in memory for results of that size, and gives it back. Of a virtual machine,
    memory that nobody has used for some seconds is the host's, and to get it back takes ten times as long
    as to clear it: whose turn comes first would pay for all."""
    if size >= LEAST:
        np.empty(RESULTS * size, np.uint8).fill(0)


def rounds_for(seconds, effort):
    """Rounds of a measurement that takes so long; the longest ones say enough in one or two."""
    least = 3 if seconds < LONG else 2 if seconds < 10 * LONG else 1
    return max(least, min(effort.rounds, int(effort.budget / seconds)))


def summary(seconds):
    """Median, quartiles and their distance as a share of the median."""
    q1, median, q3 = (float(q) for q in np.quantile(seconds, [0.25, 0.5, 0.75]))
    return {
        "median": median,
        "q1": q1,
        "q3": q3,
        "spread": (q3 - q1) / median,
        "rounds": len(seconds),
    }


class Absent(Exception):
    """The peer does not take part in this case; says why."""


class ServerEnded(Exception):
    """The process of the Rust peers has ended, and with it this one has to."""
