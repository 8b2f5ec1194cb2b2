"""Variance and standard deviation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.function import OUT
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.reducing import Reduction, numpy_names, reduce, reduced_dims
from scratchnet.ops.selection import where

__all__ = ["std", "std_mean", "var", "var_mean"]


class Var(Reduction):
    """y = Σ (x − x̄)² / (n − correction).  dL/dx = 2g · (x − x̄) / (n − correction)"""

    reads: Any = (0,)

    def __init__(self, dims: tuple[int, ...], keepdim: bool, correction: float) -> None:
        super().__init__(dims, keepdim)
        self.correction = correction

    def forward(self, x: Any) -> Any:
        deviation = x - reduce(np.add, x, self.dims, True) / self.count
        total = reduce(np.add, deviation * deviation, self.dims, self.keepdim)
        return total / max(self.count - self.correction, 0)

    def backward(self, g: Tensor) -> Tensor:
        (x,) = self.inputs
        freedom = self.count - self.correction
        return self.keep(g) * (x - x.mean(self.dims, keepdim=True)) * (2 / freedom if freedom else math.inf)


class Std(Var):
    """y = √(Σ (x − x̄)² / (n − correction)).  dL/dx = g · (x − x̄) / (y · (n − correction)), 0 if y = 0"""

    reads = (0, OUT)

    def forward(self, x: Any) -> Any:
        return np.sqrt(super().forward(x))

    def backward(self, g: Tensor) -> Tensor:
        y = self.output
        return super().backward(where(y == 0, 0.0, g / (2 * y)))


@method()
@numpy_names
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Variance: Σ (x − x̄)² / (n − correction), over `dim` or all dimensions.

    Parameters
    ----------
    dim : int, tuple of ints or None
    unbiased : bool, optional
        The old spelling of `correction`: True is 1, False is 0.
    correction : number
        Bessel's correction by default, 1. NaN results where n ≤ correction.

    Raises
    ------
    RuntimeError
        If the input does not hold floats.
    """
    return _spread_of(Var, input, dim, unbiased, keepdim, correction)


@method()
@numpy_names
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """Standard deviation: the square root of `var`, with its parameters. Its gradient is 0 where it is 0."""
    return _spread_of(Std, input, dim, unbiased, keepdim, correction)


def _spread_of(
    op: type[Var], input: Tensor, dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None
) -> Tensor:
    if check_tensor(input, op.__name__.lower()).array.dtype.kind != "f":
        raise RuntimeError(f"std and var only support floating point dtypes, got {input.dtype}")
    if isinstance(dim, bool):  # var(input, unbiased)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{op.__name__.lower()}: give unbiased or correction, not both")
    if correction is None:
        correction = 0 if unbiased is False else 1
    return op(reduced_dims(dim, input.array.ndim), keepdim, correction)(input)


@numpy_names
def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """(var, mean), with the parameters of `var`."""
    return var(input, dim, unbiased, keepdim, correction=correction), _mean_beside(input, dim, keepdim)


@numpy_names
def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """(std, mean), with the parameters of `var`."""
    return std(input, dim, unbiased, keepdim, correction=correction), _mean_beside(input, dim, keepdim)


def _mean_beside(input: Tensor, dim: Any, keepdim: bool) -> Tensor:
    return input.mean(None if isinstance(dim, bool) else dim, keepdim)
