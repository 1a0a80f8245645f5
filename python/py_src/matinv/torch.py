"""Inverses of torch tensors, which autograd differentiates as often as wanted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import matinv

__all__ = ["inv"]


def inv(
    a: torch.Tensor,
    *,
    assume_a: str | None = None,
    lower: bool = False,
    check_finite: bool = True,
    on_failure: str = "raise",
    min_rcond: float | None = None,
    threads: int | None = None,
) -> torch.Tensor:
    """Compute the inverse of a matrix, or of every matrix of a stack.

    Parameters
    ----------
    a : torch.Tensor, shape (..., M, M)
        A square matrix or a stack of them, on the CPU, of any strides.
    assume_a, lower, check_finite, on_failure, min_rcond, threads : optional
        As of `matinv.inv`.

    Returns
    -------
    torch.Tensor, shape (..., M, M)
        The inverses. Types as of `matinv.inv`; bfloat16 gives float32.

    Raises
    ------
    TypeError
        If `a` is not on the CPU, or not dense.
    numpy.linalg.LinAlgError, ValueError, MemoryError
        As by `matinv.inv`.

    Notes
    -----
    The derivative is that of A⁻¹ for a matrix whose elements are all variables, also if `assume_a` says
    that some are not read. Derivatives of any order, forward mode and ``torch.func.vmap`` work. Where
    there is no inverse, see `on_failure`, there is no derivative of use either.

    Examples
    --------
    >>> import torch
    >>> import matinv.torch
    >>> a = torch.tensor([[2.0, 0.0], [0.0, 4.0]], requires_grad=True)
    >>> matinv.torch.inv(a).trace().backward()
    >>> a.grad
    tensor([[-0.2500, -0.0000],
            [-0.0000, -0.0625]])
    """
    if a.device.type != "cpu":
        raise TypeError(f"the tensor is on {a.device}; copy it to the CPU first: a.cpu()")
    if a.layout != torch.strided:
        raise TypeError(f"the tensor has the layout {a.layout}; make it dense first: a.to_dense()")
    # Conversions are left to torch, which differentiates them.
    computed_in = _COMPUTED_IN.get(a.dtype, a.dtype)
    options = {
        "assume_a": assume_a,
        "lower": lower,
        "check_finite": check_finite,
        "on_failure": on_failure,
        "min_rcond": min_rcond,
        "threads": threads,
    }
    x: torch.Tensor = _Inverse.apply(a.to(computed_in), options)
    return x


_COMPUTED_IN = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.complex32: torch.complex64,
    torch.bool: torch.float64,
    torch.uint8: torch.float64,
    torch.int8: torch.float64,
    torch.int16: torch.float64,
    torch.int32: torch.float64,
    torch.int64: torch.float64,
}


class _Inverse(torch.autograd.Function):
    """X = A⁻¹, with dX = −X dA X."""

    @staticmethod
    def forward(a: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
        array = a.detach().resolve_conj().resolve_neg().numpy()
        x: np.ndarray[Any, Any] = matinv.inv(array, **options)
        return torch.from_numpy(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,) = ctx.saved_tensors
        return -(x.mH @ grad @ x.mH), None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, _: None) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        return -(x @ tangent @ x)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], a: torch.Tensor, options: dict[str, Any]
    ) -> tuple[torch.Tensor, int | None]:
        axis = in_dims[0]
        if axis is None:
            return _Inverse.apply(a, options), None
        return _Inverse.apply(a.movedim(axis, 0), options), 0
