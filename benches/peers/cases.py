"""What is measured: the cases of a quick and of a full run, and their matrices."""

from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

import numpy as np

SCALARS = {"f32": np.float32, "f64": np.float64, "c64": np.complex64, "c128": np.complex128}

SINGLE_ORDERS = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]
STACK_ORDERS = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256]
# Where a scalar or structure is shown beside float64 and general, every other order will do.
FEWER_SINGLES = [4, 16, 64, 256, 1024]
FEWER_STACKS = [2, 4, 8, 16, 32, 64, 128]

# Above this order some peers do not take part, see peers.py, and float64 is all.
LARGE = 1024
LARGEST = 2048

IN_CACHE = 512 << 10
OUT_OF_CACHE = 64 << 20


@dataclass(frozen=True)
class Case:
    """Matrices of one kind, all alike, inverted in one call."""

    order: int
    count: int
    scalar: str
    structure: str  # general, definite
    threads: int

    @property
    def is_single(self):
        return self.count == 1

    @property
    def bytes(self):
        return self.count * self.order**2 * np.dtype(SCALARS[self.scalar]).itemsize

    @property
    def memory(self):
        if self.is_single:
            return "single"
        return "cache" if self.bytes <= 2 * IN_CACHE else "memory"

    @property
    def id(self):
        return f"{self.scalar}-{self.structure}-{self.order}x{self.count}-t{self.threads}"

    def as_dict(self):
        return {**asdict(self), "id": self.id, "memory": self.memory}

    def matrices(self):
        """The stack, always the same one for the same case: normal elements; definite ones are
        GGᴴ/n + I."""
        scalar = SCALARS[self.scalar]
        source = np.random.default_rng([self.order, self.count])
        shape = (self.count, self.order, self.order)
        a = source.standard_normal(shape)
        if np.issubdtype(scalar, np.complexfloating):
            a = a + 1j * source.standard_normal(shape)
        if self.structure == "definite":
            adjoint = a.conj().swapaxes(-1, -2)
            a = a @ adjoint / self.order + np.eye(self.order)
            # Exactly equal to its adjoint, whatever the order of the sums.
            a = (a + a.conj().swapaxes(-1, -2)) / 2
        return np.ascontiguousarray(a.astype(scalar))


def stack(order, size, scalar, structure, threads):
    """A stack of about `size` bytes, of two matrices at least."""
    each = order**2 * np.dtype(SCALARS[scalar]).itemsize
    return Case(order, max(2, size // each), scalar, structure, threads)


def plan(quick, threads, only=None):
    """The cases of one number of threads, the important ones first; only those whose names match the
    pattern, if one is given."""
    return [case for case in _plan(quick, threads) if only is None or fnmatchcase(case.id, only)]


def _plan(quick, threads):
    if quick:
        orders = [8, 16, 32, 64, 128, 256, 512, 1024]
        singles = [Case(n, 1, "f64", "general", threads) for n in orders]
        orders = [2, 3, 4, 8, 16, 32, 64, 128]
        stacks = [stack(n, IN_CACHE, "f64", "general", threads) for n in orders]
        stacks += [stack(n, OUT_OF_CACHE // 2, "f64", "general", threads) for n in orders[::2]]
        other = [
            Case(64, 1, "f32", "general", threads),
            Case(256, 1, "f64", "definite", threads),
            stack(8, IN_CACHE, "f32", "general", threads),
            stack(16, IN_CACHE, "f64", "definite", threads),
        ]
        return singles + stacks + other
    cases = []
    for scalar, structure in [
        ("f64", "general"),
        ("f32", "general"),
        ("c128", "general"),
        ("c64", "general"),
        ("f64", "definite"),
    ]:
        real = scalar in ("f64", "f32") and structure == "general"
        singles = SINGLE_ORDERS if real else FEWER_SINGLES
        stacks = STACK_ORDERS if real else FEWER_STACKS
        singles = [n for n in singles if n <= LARGEST or scalar == "f64"]
        cases += [Case(n, 1, scalar, structure, threads) for n in singles]
        large = {"f64": OUT_OF_CACHE, "f32": OUT_OF_CACHE // 2}[scalar] if real else OUT_OF_CACHE // 4
        for size in (IN_CACHE, large):
            cases += [stack(n, size, scalar, structure, threads) for n in stacks]
    return list(dict.fromkeys(cases))


def expected(case):
    """Seconds that one call of a middling peer is likely to take."""
    rate = {"f32": 60e9, "f64": 30e9, "c64": 15e9, "c128": 7e9}[case.scalar] * case.threads**0.7
    return case.count * (2 * case.order**3 * (1 + 30 / case.order) / rate + 100e-9)


def cost(case, effort, peers):
    """Seconds that a case is likely to take: for the progress bar, not for the report."""
    run = expected(case)
    peers *= 0.8 if case.order > LARGE or not case.is_single else 1
    return peers * (3 * run if run > 1 else max(effort.budget, 3 * run) + 2 * run) + case.bytes / 100e6
