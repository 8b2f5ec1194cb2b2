"""Running sums, products, maxima and minima along a dimension, and differences."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, OUT, OUTPUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import as_float, check_tensor
from scratchnet.ops.promotion import cast
from scratchnet.ops.selection import where

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "diff", "logcumsumexp"]


class Scan(Function):
    """Base of running results along one dimension, from the first element on, or from the last if `reverse`."""

    ufunc: Any
    reads = NOTHING

    def __init__(self, dim: int, reverse: bool = False) -> None:
        self.dim, self.reverse = dim, reverse

    def forward(self, x: Any) -> Any:
        if self.reverse:
            return np.flip(self.ufunc.accumulate(np.flip(x, self.dim), self.dim), self.dim)
        return self.ufunc.accumulate(x, self.dim, dtype=None if x.dtype.kind == "f" else np.int64)


class Cumsum(Scan):
    """y_i = Σ_{j ≤ i} x_j.  dL/dx_j = Σ_{i ≥ j} g_i: the running sum from the other end"""

    ufunc = np.add

    def backward(self, g: Tensor) -> Tensor:
        return Cumsum(self.dim, not self.reverse)(g)

    def fused_backward(self, g: Any) -> Any:
        return Cumsum(self.dim, not self.reverse).forward(g)


class Cumprod(Scan):
    """y_i = Π_{j ≤ i} x_j, for x without zeros.  dL/dx_j = Σ_{i ≥ j} g_i · y_i / x_j"""

    ufunc = np.multiply
    reads = (0, OUT)

    def backward(self, g: Tensor) -> Tensor:
        return Cumsum(self.dim, reverse=True)(g * self.output) / self.inputs[0]


class LogCumSumExp(Scan):
    """y_i = ln Σ_{j ≤ i} exp(x_j).

    dL/dx_j = Σ_{i ≥ j} g_i · exp(x_j − y_i), computed with the logarithms of the positive and of the negative g_i, because
    neither exp(x_j) nor exp(−y_i) alone need be finite.
    """

    ufunc = np.logaddexp
    reads = (0, OUT)

    def backward(self, g: Tensor) -> Tensor:
        (x,), y = self.inputs, self.output
        total = None
        for sign in (1, -1):
            has_sign = g * sign > 0
            log = where(has_sign, where(has_sign, g * sign, 1.0).log(), -np.inf)
            part = sign * (x + LogCumSumExp(self.dim, not self.reverse)(log - y)).exp()
            total = part if total is None else total + part
        return total


def _scan_input(input: Tensor, dim: int, dtype: Any, function: str) -> tuple[Tensor, int]:
    x = check_tensor(input, function)
    return (x if dtype is None else cast(x, np.dtype(dtype))), wrap_dim(dim, x.array.ndim)


@method()
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sum of each element and those before it along `dim`. Integers and bools are summed as int64."""
    x, dim = _scan_input(input, dim, dtype, "cumsum")
    return Cumsum(dim)(x) if x.array.ndim else x.clone()


@method()
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The product of each element and those before it along `dim`.

    As in `prod`, zeros are met with ordinary products, ⌈log₂ n⌉ of them: after k steps each element has taken in the
    2ᵏ − 1 before it.
    """
    x, dim = _scan_input(input, dim, dtype, "cumprod")
    if not x.array.ndim:
        return x.clone()
    if not x.requires_grad or x.array.all():
        return Cumprod(dim)(x)
    from scratchnet.ops.joining import cat

    n, reach = x.array.shape[dim], 1
    while reach < n:
        x = cat([x.narrow(dim, 0, reach), x.narrow(dim, reach, n - reach) * x.narrow(dim, 0, n - reach)], dim)
        reach *= 2
    return x


@method()
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithm of the running sum of exponentials along `dim`, without overflow."""
    x, dim = _scan_input(input, dim, None, "logcumsumexp")
    return LogCumSumExp(dim)(as_float(x, "logcumsumexp")) if x.array.ndim else x.clone()
