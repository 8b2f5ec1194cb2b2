"""Softmax and its logarithm."""

from __future__ import annotations

import warnings
from typing import Any

from scratchnet import ops
from scratchnet.autograd.function import OUTPUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.nn.functional import _stand_in as kernels
from scratchnet.nn.functional.arguments import require_float
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor


class Softmax(Function):
    """y_i = exp(x_i) / Σ_j exp(x_j) along one dimension.

    dL/dx = y · (g − Σ_j g_j y_j)
    """

    reads = OUTPUT

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        return kernels.softmax(x, self.dim)

    def backward(self, g: Tensor) -> Tensor:
        y = self.output
        return y * (g - (g * y).sum(self.dim, keepdim=True))

    def fused_backward(self, g: Any) -> Any:
        return kernels.softmax_backward(g, self.output, self.dim)


class LogSoftmax(Function):
    """y_i = x_i − log Σ_j exp(x_j) along one dimension.

    dL/dx = g − exp(y) · Σ_j g_j
    """

    reads = OUTPUT

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        return kernels.log_softmax(x, self.dim)

    def backward(self, g: Tensor) -> Tensor:
        return g - ops.exp(self.output) * g.sum(self.dim, keepdim=True)

    def fused_backward(self, g: Any) -> Any:
        return kernels.log_softmax_backward(g, self.output, self.dim)


@method()
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(x_i) / Σ_j exp(x_j) along `dim`: positive numbers that sum to 1.

    Parameters
    ----------
    input : Tensor
    dim : int
        (Without it, dimension 0 of inputs with 0, 1 or 3 dimensions and 1 of others: deprecated, as in torch.)
    dtype : dtype, optional
        Convert to it first.
    """
    return _along(Softmax, "softmax", input, dim, _stacklevel, dtype)


@method()
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """x_i − log Σ_j exp(x_j) along `dim`: the logarithm of softmax, without overflow or underflow. Parameters as there."""
    return _along(LogSoftmax, "log_softmax", input, dim, _stacklevel, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(−x)"""
    return _along(Softmax, "softmin", -input, dim, _stacklevel, dtype)


def _along(op: Any, name: str, x: Tensor, dim: int | None, stacklevel: int, dtype: Any) -> Tensor:
    check_tensor(x, name)
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
            stacklevel=stacklevel,
        )
        dim = 0 if x.array.ndim in (0, 1, 3) else 1
    if dtype is not None:
        x = x.to(dtype)
    require_float(x, name)
    dim = wrap_dim(dim, x.array.ndim)
    return op(dim)(x) if x.array.ndim else op(0)(x.reshape(1)).reshape(())
