"""Whatever can be inverted, as the plain arrays that the extension takes; and back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from matinv import _matinv
from matinv._verdicts import info_dtype

Array = npt.NDArray[Any]

_KEEPS_ORIGINAL = ("keep", "pinv")

# The extension and ndarray, on which it stands, have no more axes; numpy 2 has 64.
_MOST_AXES = 32

# kDLCPU, kDLCUDAHost, kDLROCMHost, kDLCUDAManaged: memory that this processor reads.
_HOST_DEVICES = (1, 3, 11, 13)


class Options(NamedTuple):
    """Those that go to the extension as they are, in its order."""

    assume_a: str | None
    lower: object
    check_finite: object
    on_failure: str
    min_rcond: float | None
    threads: int | None


class _Source(NamedTuple):
    array: Array
    """A plain `numpy.ndarray` of a type that is inverted."""
    fresh: bool
    """Whether nobody else sees it."""
    wrap: Callable[[Array], Any]
    """Makes a result the kind of thing that the source is."""
    leading: tuple[int, ...]
    """The axes of the source before the last two."""


def inv(a: object, options: Options, overwrite_a: object, out: object) -> Any:
    """Invert what is no plain array, or into what is none."""
    other = _other_library(a)
    if other is not None:
        if out is not None:
            raise TypeError("out= is for numpy arrays; the inverse of a tensor is a new tensor")
        return other(a, **options._asdict())
    array, fresh, wrap, _ = _source(a)
    keeps_original = options.on_failure in _KEEPS_ORIGINAL
    if out is None:
        if overwrite_a and not fresh and keeps_original and array.flags.writeable:
            np.copyto(array, _call(array, None, False, options))
            return a
        result = _call(array, None, (fresh or overwrite_a) and not keeps_original, options)
        return a if result is array and not fresh else wrap(result)
    target = _checked_out(out, array)
    result = _call(array, target, False, options)
    if result is NotImplemented:
        result = _call(array, None, fresh and not keeps_original, options)
        np.copyto(target, result, casting="same_kind")
    return target


def inv_ex(
    a: object, options: Options, overwrite_a: object, out: object
) -> tuple[Any, Array]:
    """Invert, and tell what is known of every matrix."""
    array, fresh, wrap, leading = _source(a)
    target = None
    if out is not None:
        target = _checked_out(out, array)
    elif overwrite_a and not fresh and array.flags.writeable:
        target = array
    # Frames: this function, `matinv.inv_ex`, its caller.
    done = _matinv.inv_ex(array, target, *options, 3)
    if done is NotImplemented:
        done = _matinv.inv_ex(array, None, *options, 3)
        if target is not None:
            np.copyto(target, done[0], casting="same_kind")
    x, columns = done
    info = np.empty(leading, info_dtype(array.dtype))
    for name, column in zip(info.dtype.names or (), columns, strict=True):
        info[name] = column.reshape(leading)
    if target is None:
        return wrap(x), info
    return (target if out is not None else a), info


def _call(array: Array, out: Array | None, overwrite: object, options: Options) -> Any:
    # Frames: this function, `inv` here, `matinv.inv`, its caller.
    return _matinv.inv(array, out, overwrite, *options, 4)


def _other_library(a: object) -> Callable[..., Any] | None:
    """Return the function for tensors of torch and arrays of jax, if `a` is one."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(a, getattr(torch, "Tensor", ())):
        import matinv.torch

        return matinv.torch.inv
    jax = sys.modules.get("jax")
    if jax is not None and isinstance(a, getattr(jax, "Array", ())):
        import matinv.jax

        return matinv.jax.inv
    return None


def _source(a: object) -> _Source:
    """Read `a` without a copy where it can be read where it lies."""
    if hasattr(a, "tocsr") and hasattr(a, "toarray"):
        raise TypeError("sparse matrices are not inverted: most inverses are dense; use a.toarray()")
    wrap: Callable[[Array], Any] = _unchanged
    if not isinstance(a, np.ndarray) and hasattr(a, "__dlpack__"):
        array, wrap = _from_dlpack(a)
    else:
        array = np.asanyarray(a)
        if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
            raise ValueError("a masked element has no value to invert with; use a.filled(value)")
        if type(a) is not np.ndarray:
            wrap = getattr(a, "__array_wrap__", _unchanged)
    target = _computed_in(array.dtype)
    plain = np.asarray(array)
    if _is_readable(plain, target):
        return _Source(plain, False, wrap, plain.shape[:-2])
    copy = np.array(plain, dtype=target, order="K")
    if copy.ndim > _MOST_AXES:
        shape = copy.shape
        copy = np.ascontiguousarray(copy).reshape(-1, *shape[-2:])
        return _Source(copy, True, lambda x: wrap(x.reshape(shape)), shape[:-2])
    return _Source(copy, True, wrap, copy.shape[:-2])


def _unchanged(x: Array) -> Array:
    return x


def _is_readable(array: Array, target: np.dtype[Any]) -> bool:
    """Whether the extension takes the array as it is."""
    return (
        array.dtype == target
        and array.dtype.isnative
        and array.dtype.char == target.char
        and array.flags.aligned
        and array.ndim <= _MOST_AXES
        and all(stride % array.itemsize == 0 for stride in array.strides)
    )


def _from_dlpack(a: Any) -> tuple[Array, Callable[[Array], Any]]:
    """Read an array of another library, by the protocols of the array API standard."""
    device = int(a.__dlpack_device__()[0])
    if device not in _HOST_DEVICES:
        raise TypeError(f"the array is on a device (DLPack type {device}); copy it to the CPU first")
    array: Array = np.from_dlpack(a)
    namespace = getattr(a, "__array_namespace__", None)
    if namespace is None:
        return array, _unchanged
    library = namespace()
    return array, lambda x: library.asarray(x)


def _computed_in(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that the inverse of a matrix of this type is computed in."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    if dtype.kind == "f":
        return np.dtype(np.float32 if dtype.itemsize <= 4 else np.float64)
    if dtype.kind == "c":
        return np.dtype(np.complex64 if dtype.itemsize <= 8 else np.complex128)
    if dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
        return np.dtype(np.float32)
    raise TypeError(
        f"an array of {dtype.name} cannot be inverted, only numbers can: "
        "bool, integers, floats and complex; convert it, as with a.astype(float)"
    )


def _checked_out(out: object, array: Array) -> Array:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a {type(out).__name__}, but must be a numpy array")
    if out.shape != array.shape:
        raise ValueError(f"out has shape {out.shape}, but the inverse has {array.shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    if not np.can_cast(array.dtype, out.dtype, "same_kind"):
        raise TypeError(f"out has the type {out.dtype}, but the inverse has {array.dtype}")
    return out
