"""Softmax and its logarithm."""

from __future__ import annotations

import warnings
from typing import Any

from scratchnet import kernels, ops
from scratchnet.autograd.function import OUTPUT, Function
from scratchnet.autograd.tensor import Tensor, method
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
        Deprecated, as in torch: without it, dimension 0 of inputs with 0, 1 or 3 dimensions, and 1 of others.
    dtype : dtype, optional
        Convert to it first.
    """
    return _along(Softmax, "softmax", input, dim, _stacklevel, dtype)


@method()
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """x_i − log Σ_j exp(x_j) along `dim`: the logarithm of softmax, without overflow or underflow.

    Parameters are those of `softmax`.
    """
    return _along(LogSoftmax, "log_softmax", input, dim, _stacklevel, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(−x)"""
    return _along(Softmax, "softmin", -input, dim, _stacklevel, dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax((x + noise) / tau): a draw from the classes of these logits that can be differentiated.

    Without the softmax, the largest of x + noise would be a class drawn with probability softmax(x); noise of the
    Gumbel distribution, −log(−log(uniform)), has this property.

    Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax", 2016; Maddison, Mnih and Teh, "The
    Concrete Distribution", 2016.

    Parameters
    ----------
    logits : [..., classes, ...]
    tau : float
        Temperature: the lower, the nearer to one class.
    hard : bool
        Give the one class as 0 and 1, with the gradient of the softmax.
    eps : float
        Has no effect; torch's deprecated argument.
    """
    require_float(logits, "gumbel_softmax", "logits")
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -ops.log(ops.empty(logits.shape, dtype=logits.dtype).exponential_())
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    one_hot = ops.zeros_like(logits).scatter_(dim, soft.argmax(dim, keepdim=True), 1.0)
    return one_hot - soft.detach() + soft


def _along(op: Any, name: str, x: Tensor, dim: int | None, stacklevel: int, dtype: Any) -> Tensor:
    check_tensor(x, name)
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as "
            "an argument.",
            stacklevel=stacklevel,
        )
        dim = 0 if x.array.ndim in (0, 1, 3) else 1
    if dtype is not None:
        x = x.to(dtype)
    require_float(x, name)
    dim = wrap_dim(dim, x.array.ndim)
    if x.array.size == 0:
        return x * 1
    return op(dim)(x) if x.array.ndim else op(0)(x.reshape(1)).reshape(())
