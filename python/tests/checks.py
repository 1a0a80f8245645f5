"""How good an inverse is, and matrices to invert."""

import numpy as np

SCALARS = [np.float32, np.float64, np.complex64, np.complex128]
THRESHOLD = 30  # of LAPACK's own tests


def unit_roundoff(dtype):
    return np.finfo(dtype).eps / 2


def ratio(a, x):
    """The better of ||I - XA|| and ||I - AX|| in the unit n ||A|| ||X|| eps, the worst of a stack."""
    wide = np.clongdouble if np.iscomplexobj(a) else np.longdouble
    a, x_wide = np.asarray(a).astype(wide), np.asarray(x).astype(wide)
    n = a.shape[-1]
    if a.size == 0:
        return 0.0
    norm = lambda m: np.abs(m).sum(axis=-2).max(axis=-1)
    unit = n * norm(a) * norm(x_wide) * unit_roundoff(x.dtype)
    sides = [norm(np.eye(n) - p) / unit for p in (x_wide @ a, a @ x_wide)]
    return float(np.minimum(*sides).max())


def is_inverse(a, x):
    return np.shape(a) == x.shape and ratio(a, x) < THRESHOLD


def random_stack(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape)
    if np.issubdtype(dtype, np.complexfloating):
        a = a + 1j * rng.standard_normal(shape)
    return a.astype(dtype)


def structured(name, shape, dtype, seed=0):
    """A stack of matrices that have the structure with this name, as `assume_a` calls it."""
    a = random_stack(shape, dtype, seed)
    n = shape[-1]
    adjoint = a.conj().swapaxes(-1, -2)
    shifted = a + n * np.eye(n, dtype=dtype)
    match name:
        case None | "gen" | "general":
            return a
        case "diagonal":
            return (shifted * np.eye(n)).astype(dtype)
        case "upper triangular":
            return np.triu(shifted)
        case "lower triangular":
            return np.tril(shifted)
        case "pos":
            return (a @ adjoint + n * np.eye(n)).astype(dtype)
        case "sym":
            return a + a.swapaxes(-1, -2)
        case "her":
            return a + adjoint
    raise ValueError(name)
