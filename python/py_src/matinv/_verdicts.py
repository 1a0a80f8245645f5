"""What `inv_ex` says of every matrix."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np


class Status(IntEnum):
    """What became of a matrix: the field ``status`` of `inv_ex`."""

    INVERTED = 0
    """The result is the inverse."""
    PSEUDO_INVERTED = 1
    """There is no (acceptable) inverse; the result is the Moore-Penrose pseudo-inverse."""
    SINGULAR = 2
    """Elimination found no pivot."""
    NOT_POSITIVE_DEFINITE = 3
    """The matrix was declared positive definite, and is not."""
    ILL_CONDITIONED = 4
    """The reciprocal condition number is below `min_rcond`."""
    NON_FINITE = 5
    """An element is NaN or infinite."""
    OVERFLOW = 6
    """An element of the inverse is too large for its type."""
    NO_CONVERGENCE = 7
    """The singular value decomposition of a pseudo-inverse did not converge."""


class Structure(IntEnum):
    """Which factorization was used: the field ``structure`` of `inv_ex`."""

    GENERAL = 0
    DIAGONAL = 1
    UPPER_TRIANGULAR = 2
    LOWER_TRIANGULAR = 3
    POSITIVE_DEFINITE = 4
    SYMMETRIC = 5
    HERMITIAN = 6


def info_dtype(scalar: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of a verdict on a matrix of this type."""
    return np.dtype(
        [
            ("status", np.int8),
            ("pivot", np.int64),
            ("rcond", np.float64),
            ("structure", np.int8),
            ("sign", scalar),
            ("logabsdet", np.float64),
        ],
        align=True,
    )
