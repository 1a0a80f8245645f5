"""Inverses of matrices, one or millions.

`inv` stands in for ``numpy.linalg.inv`` and ``scipy.linalg.inv``; `inv_ex` says what is known of every
matrix beside. `matinv.torch` and `matinv.jax` have inverses that can be differentiated.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy.typing as npt

from matinv import _arrays, _matinv
from matinv._errors import IllConditionedWarning
from matinv._threads import get_threads, set_threads, threads
from matinv._verdicts import Status, Structure

__all__ = [
    "IllConditionedWarning",
    "Status",
    "Structure",
    "get_threads",
    "info",
    "inv",
    "inv_ex",
    "set_threads",
    "threads",
]

__version__: str = _matinv.version

_Policy = Literal["raise", "nan", "keep", "pinv"]

# Looked up once: calls on small matrices notice.
_inv = _matinv.inv


def inv(
    a: npt.ArrayLike,
    *,
    assume_a: str | None = None,
    lower: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    out: npt.NDArray[Any] | None = None,
    on_failure: _Policy = "raise",
    min_rcond: float | None = None,
    threads: int | None = None,
) -> npt.NDArray[Any]:
    """Compute the inverse of a matrix, or of every matrix of a stack.

    Parameters
    ----------
    a : array_like, shape (..., M, M)
        A square matrix or a stack of them, of any strides.
    assume_a : str, optional
        What is known of the matrices: 'general' (or 'gen'), 'diagonal', 'upper triangular', 'lower
        triangular', 'pos' (positive definite), 'sym' (symmetric), 'her' (Hermitian). If None, it is
        found out for each. Elements that the structure makes superfluous are not read.
    lower : bool, optional
        For 'pos', 'sym' and 'her': read the lower triangle; the upper one if False, as by default.
    overwrite_a : bool, optional
        Invert in the memory of `a` and return `a`. Without effect if that cannot be: `a` is read-only,
        or not an array of float32, float64, complex64 or complex128.
    check_finite : bool, optional
        Refuse NaN and infinity. Without the check they spread as arithmetic has it.
    out : ndarray, shape (..., M, M), optional
        Where to write the inverses, with any strides; returned. It may be `a` or overlap it.
    on_failure : {'raise', 'nan', 'keep', 'pinv'}, optional
        What to do about matrices that have no inverse: raise `LinAlgError`, which names them all; or
        let the result be NaN, the matrix as it was, or the Moore-Penrose pseudo-inverse.
    min_rcond : float, optional
        Matrices with a reciprocal condition number below count as having no inverse. If None, those
        below the machine epsilon are inverted, and an `IllConditionedWarning` tells.
    threads : int, optional
        Threads to use. If None, as many as `get_threads` says.

    Returns
    -------
    ndarray, shape (..., M, M)
        The inverses, of the kind that `a` is: a subclass of ndarray, a torch tensor or a jax array gives
        the same. Integers and bools are inverted as float64, float16 as float32, long doubles as
        double; complex alike.

    Raises
    ------
    numpy.linalg.LinAlgError
        If `a` is no square matrix and no stack of them, or, by default, if some matrix has no inverse:
        it is singular, an element is NaN or infinite, it is not positive definite as assumed, or the
        inverse overflows. The attribute `indices` then lists the failing matrices. After that, `out`
        (or `a`, if overwritten) holds nothing of use for these. It is a ValueError.
    TypeError
        If the elements are no numbers.
    ValueError
        If an option is none of the choices, or `out` does not fit.
    MemoryError
        If there is no room for the result.

    Warns
    -----
    IllConditionedWarning
        Once in a call, with the number of matrices that are singular to working precision and the worst
        of them. Not if `min_rcond` is given.

    See Also
    --------
    inv_ex : The inverse with a verdict on every matrix.

    Notes
    -----
    Other Python threads run meanwhile, unless the work is done in microseconds. Ctrl-C stops the work,
    inside a large matrix, too; what `out` or an overwritten `a` then holds is partly done, or of no use.
    (A build with OpenBLAS first finishes a matrix that is with LAPACK.) The result is the same, bit by
    bit, for a matrix alone and in any stack, and for every number of threads.

    Symmetric and Hermitian matrices that are not positive definite have a method of their own, whose
    inverse is exactly symmetric, too. For small ones it takes longer than ``assume_a="gen"``.

    Examples
    --------
    >>> import numpy as np
    >>> import matinv
    >>> matinv.inv([[1.0, 2.0], [3.0, 4.0]]).round(12)
    array([[-2. ,  1. ],
           [ 1.5, -0.5]])

    One singular matrix in a stack:

    >>> stack = np.array([[[2.0, 0.0], [0.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]])
    >>> matinv.inv(stack, on_failure="nan")[:, 0]
    array([[0.5, 0. ],
           [nan, nan]])
    >>> try:
    ...     matinv.inv(stack)
    ... except np.linalg.LinAlgError as error:
    ...     print(error.indices)
    [[1]]
    """
    x = _inv(
        a, out, overwrite_a, assume_a, lower, check_finite, on_failure, min_rcond, threads, 2
    )
    if x is NotImplemented:
        options = _arrays.Options(assume_a, lower, check_finite, on_failure, min_rcond, threads)
        x = _arrays.inv(a, options, overwrite_a, out)
    return x  # type: ignore[no-any-return]


def inv_ex(
    a: npt.ArrayLike,
    *,
    assume_a: str | None = None,
    lower: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    out: npt.NDArray[Any] | None = None,
    on_failure: _Policy = "nan",
    min_rcond: float | None = None,
    threads: int | None = None,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Compute inverses, and tell what is known of every matrix.

    Parameters
    ----------
    a : array_like, shape (..., M, M)
        As of `inv`.
    assume_a, lower, overwrite_a, check_finite, out, min_rcond, threads : optional
        As of `inv`.
    on_failure : {'nan', 'keep', 'pinv', 'raise'}, optional
        As of `inv`, but by default nothing is raised for a matrix without inverse.

    Returns
    -------
    inverse : ndarray, shape (..., M, M)
        As of `inv`.
    info : structured ndarray, shape (...)
        A record for each matrix, with the fields

        ``status``
            What became of it, a `Status`: 0 if it was inverted.
        ``pivot``
            The column of a singular matrix that depends on those before it, or the row at which one
            turned out not to be positive definite; -1 if neither is the case.
        ``rcond``
            The reciprocal condition number in the 1-norm, estimated; NaN if not known.
        ``structure``
            The factorization that was used, a `Structure`.
        ``sign``, ``logabsdet``
            The determinant is ``sign * exp(logabsdet)``, as in ``numpy.linalg.slogdet``.

    Raises
    ------
    numpy.linalg.LinAlgError, TypeError, ValueError, MemoryError
        As by `inv`.

    See Also
    --------
    inv : The inverse alone, in less time.

    Examples
    --------
    >>> import numpy as np
    >>> import matinv
    >>> stack = np.array([[[2.0, 0.0], [0.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]])
    >>> x, info = matinv.inv_ex(stack)
    >>> info["status"] == matinv.Status.INVERTED
    array([ True, False])
    >>> info["pivot"]
    array([-1,  1])
    >>> info["rcond"]
    array([0.5, 0. ])
    """
    options = _arrays.Options(assume_a, lower, check_finite, on_failure, min_rcond, threads)
    return _arrays.inv_ex(a, options, overwrite_a, out)


def info() -> dict[str, Any]:
    """Tell what this package runs on, for those who report or compare.

    Returns
    -------
    dict
        ``version``, ``threads`` (what `get_threads` says), ``instruction_sets`` of the processor,
        ``native_set`` (the one of this package's own kernels), and of OpenBLAS, None unless it was built
        in, ``blas`` (version and build options), ``blas_core`` (its kernels), ``blas_threading``,
        ``blas_linked``, ``blas_sound`` (whether it passes the test at its first use).

    Examples
    --------
    >>> import matinv
    >>> matinv.info()["version"] == matinv.__version__
    True
    """
    return _matinv.platform()
