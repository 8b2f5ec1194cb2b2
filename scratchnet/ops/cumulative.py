"""Running sums, products, maxima and minima along a dimension, and differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, OUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.extrema import pick
from scratchnet.ops.joining import cat
from scratchnet.ops.promotion import cast
from scratchnet.ops.reducing import values_indices
from scratchnet.ops.selection import where

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "diff", "logcumsumexp"]


class Scan(Function):
    """Base of running results along one dimension, from the first element on, or back from the last."""

    ufunc: Any
    reads = NOTHING

    def __init__(self, dim: int, reverse: bool = False) -> None:
        self.dim, self.reverse = dim, reverse

    def forward(self, x: Any) -> Any:
        if self.reverse:
            return np.flip(self.ufunc.accumulate(np.flip(x, self.dim), self.dim), self.dim)
        return self.ufunc.accumulate(x, self.dim, dtype=x.dtype)


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

    dL/dx_j = Σ_{i ≥ j} g_i · exp(x_j − y_i), computed with the logarithms of the positive and of the negative
    g_i, because neither exp(x_j) nor exp(−y_i) alone need be finite.
    """

    ufunc = np.logaddexp
    reads = (0, OUT)

    def backward(self, g: Tensor) -> Tensor:
        (x,), y = self.inputs, self.output
        log_0 = float(np.finfo(x.array.dtype).min) / 2  # finite: differences of infinities would be NaN
        parts = []
        for sign in (1, -1):
            has_sign = g * sign > 0
            log = where(has_sign, where(has_sign, g * sign, 1.0).log(), log_0)
            parts.append((x + LogCumSumExp(self.dim, not self.reverse)(log - y)).exp())
        return parts[0] - parts[1]


def _scan(op: type[Scan], x: Tensor, dim: int) -> Tensor:
    return op(dim)(x) if x.array.ndim else op(0)(x.unsqueeze(0)).squeeze(0)


def _scan_input(input: Tensor, dim: int, function: str) -> tuple[Tensor, int]:
    x = check_tensor(input, function)
    return x, wrap_dim(dim, x.array.ndim)


def _accumulated(input: Tensor, dim: int, dtype: Any, function: str) -> tuple[Tensor, int]:
    """The input in the dtype of its running sums or products: int64 for integers and bools if none is named."""
    x, dim = _scan_input(input, dim, function)
    dtype = np.dtype(dtype) if dtype is not None else x.array.dtype if x.array.dtype.kind == "f" else np.dtype(np.int64)
    if dtype.kind == "b":
        raise NotImplementedError(f"{function}: not defined for dtype=bool; expected a dtype of numbers")
    return cast(x, dtype), dim


@method()
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sum of each element and those before it along `dim`. Integers and bools are summed as int64."""
    x, dim = _accumulated(input, dim, dtype, "cumsum")
    return _scan(Cumsum, x, dim)


@method()
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The product of each element and those before it along `dim`.

    As in `prod`, zeros are met with ordinary products, ⌈log₂ n⌉ of them: after k steps each element has taken
    in the 2ᵏ − 1 before it.
    """
    x, dim = _accumulated(input, dim, dtype, "cumprod")
    if not x.requires_grad or x.array.all():
        return _scan(Cumprod, x, dim)
    n, reach = x.array.shape[dim] if x.array.ndim else 1, 1
    while reach < n:
        x = cat([x.narrow(dim, 0, reach), x.narrow(dim, reach, n - reach) * x.narrow(dim, 0, n - reach)], dim)
        reach *= 2
    return x


@method()
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """The logarithm of the running sum of exponentials along `dim`, without overflow."""
    x, dim = _scan_input(input, dim, "logcumsumexp")
    if x.array.dtype.kind != "f":
        raise NotImplementedError(f"logcumsumexp: not defined for {x.dtype}")
    return _scan(LogCumSumExp, x, dim)


# ---- running extremes --------------------------------------------------------------------------------------
class RunningArg(Function):
    """y_i = the index of the greatest (or smallest) of x_0 … x_i, the last of equal ones; the last NaN."""

    reads = NOTHING

    def __init__(self, dim: int, greatest: bool) -> None:
        self.dim, self.greatest = dim, greatest

    def forward(self, x: Any) -> Any:
        extreme = np.maximum if self.greatest else np.minimum
        so_far = extreme.accumulate(x, self.dim)
        sizes = [1] * x.ndim
        sizes[self.dim] = -1
        position = np.arange(x.shape[self.dim], like=x).reshape(sizes)
        return np.maximum.accumulate(np.where((x == so_far) | (x != x), position, 0), self.dim)


CumMax, CumMin = values_indices("cummax"), values_indices("cummin")


@method()
def cummax(input: Tensor, dim: int) -> Any:
    """(values, indices) of the greatest of each element and those before it along `dim`."""
    return _running_extreme(input, dim, True, CumMax)


@method()
def cummin(input: Tensor, dim: int) -> Any:
    """(values, indices) of the smallest of each element and those before it along `dim`."""
    return _running_extreme(input, dim, False, CumMin)


def _running_extreme(input: Tensor, dim: int, greatest: bool, result: Any) -> Any:
    x, dim = _scan_input(input, dim, result.__name__)
    if not x.array.ndim:
        return result(x.clone(), Tensor(np.zeros((), np.int64, like=x.array)))
    indices = RunningArg(dim, greatest)(x.detach())
    return result(pick(x, dim, indices), indices)


@method()
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The n-th differences x_{i+1} − x_i along `dim`, after joining `prepend` and `append` to it.

    For bools: which differ from the one before.

    Raises
    ------
    RuntimeError
        If the input has no dimension, or n is negative.
    """
    if check_tensor(input, "diff").array.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"diff: order n must not be negative, got {n}")
    dim = wrap_dim(dim, input.array.ndim)
    parts = [x for x in (prepend, input, append) if x is not None]
    if len({x.array.ndim for x in parts}) > 1:
        raise RuntimeError("diff: prepend and append must have as many dimensions as the input")
    x = cat(parts, dim) if len(parts) > 1 and n else input
    for _ in range(min(n, x.array.shape[dim])):
        rest = x.array.shape[dim] - 1
        later, earlier = x.narrow(dim, 1, rest), x.narrow(dim, 0, rest)
        x = later != earlier if x.array.dtype.kind == "b" else later - earlier
    return x


for _function in (cumsum, cumprod):
    method(_function.__name__ + "_")(in_place(_function))
