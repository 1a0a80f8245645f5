"""Inverses of jax arrays: under `jit`, `vmap`, `jvp` and `grad`."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import matinv

__all__ = ["inv"]


class _Options(NamedTuple):
    assume_a: str | None
    lower: bool
    check_finite: bool
    on_failure: str
    min_rcond: float | None
    threads: int | None


def inv(
    a: Any,
    *,
    assume_a: str | None = None,
    lower: bool = False,
    check_finite: bool = True,
    on_failure: str = "raise",
    min_rcond: float | None = None,
    threads: int | None = None,
) -> jax.Array:
    """Compute the inverse of a matrix, or of every matrix of a stack.

    Parameters
    ----------
    a : array_like, shape (..., M, M)
        A square matrix or a stack of them.
    assume_a, lower, check_finite, on_failure, min_rcond, threads : optional
        As of `matinv.inv`.

    Returns
    -------
    jax.Array, shape (..., M, M)
        The inverses. float16 and bfloat16 are inverted as float32; integers and bools as float64, or
        float32 unless ``jax_enable_x64`` is set.

    Raises
    ------
    numpy.linalg.LinAlgError, TypeError, ValueError, MemoryError
        As by `matinv.inv`; while a compiled function runs, as jax reports errors of callbacks.

    Notes
    -----
    The work is done by the CPU, in a callback: an array of another device is copied there and back. The
    derivative is that of A⁻¹ for a matrix whose elements are all variables, also if `assume_a` says that
    some are not read.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> import matinv.jax
    >>> jax.grad(lambda d: matinv.jax.inv(d * jnp.eye(2)).trace())(2.0)
    Array(-0.5, dtype=float32, weak_type=True)
    """
    options = _Options(
        assume_a, bool(lower), bool(check_finite), on_failure, min_rcond, threads
    )
    a = jnp.asarray(a)
    if a.dtype in (jnp.float16, jnp.bfloat16):
        a = a.astype(jnp.float32)
    elif not jnp.issubdtype(a.dtype, jnp.inexact):
        a = a.astype(jax.dtypes.canonicalize_dtype(np.float64))
    if isinstance(a, jax.core.Tracer):
        if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
            raise np.linalg.LinAlgError(f"only square matrices have an inverse, found {a.shape}")
        return _inv(options, a)
    # Without a trace there is no need for a callback, and errors come as they are.
    return jnp.asarray(_on_host(options, a))


def _on_host(options: _Options, a: Any) -> np.ndarray[Any, Any]:
    return matinv.inv(np.asarray(a), **options._asdict())


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _inv(options: _Options, a: jax.Array) -> jax.Array:
    like = jax.ShapeDtypeStruct(a.shape, a.dtype)
    x: jax.Array = jax.pure_callback(
        partial(_on_host, options), like, a, vmap_method="broadcast_all"
    )
    return x


@_inv.defjvp
def _inv_jvp(options: _Options, primals: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
    x = _inv(options, primals[0])
    return x, -(x @ tangents[0] @ x)
