"""Sums, means, products and truth values of whole tensors or along dimensions.

`dim` is an int, several ints, or None for all; with `keepdim` the reduced dimensions stay, with size 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import OUT
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.comparison import ne
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import as_float, check_tensor
from scratchnet.ops.reducing import Reduction, kept_shape, numpy_names, reduce, reduced_dims, reduction_input

__all__ = ["all", "any", "count_nonzero", "logsumexp", "mean", "nanmean", "nansum", "prod", "sum"]


class Sum(Reduction):
    """y = Σ x.  dL/dx = g, repeated"""

    arithmetic = True

    def forward(self, x: Any) -> Any:
        return reduce(np.add, x, self.dims, self.keepdim, dtype=_wide(x))

    def backward(self, g: Any) -> Any:
        return self.spread(g)


class Mean(Reduction):
    """y = Σ x / n.  dL/dx = g / n, repeated"""

    arithmetic = True

    def forward(self, x: Any) -> Any:
        half = x.dtype == np.float16  # the sum may overflow where the mean does not
        total = reduce(np.add, x, self.dims, self.keepdim, dtype=np.float32 if half else None)
        return (total / self.count).astype(x.dtype)

    def backward(self, g: Any) -> Any:
        return self.spread(g / self.count)


class Prod(Reduction):
    """y = Π x, for x without zeros.  dL/dx = g · y / x"""

    reads = (0, OUT)
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return reduce(np.multiply, x, self.dims, self.keepdim, dtype=_wide(x))

    def backward(self, g: Any) -> Any:
        return self.spread(g * self.output) / self.inputs[0]


class LogSumExp(Reduction):
    """y = ln Σ eˣ.  dL/dx = g · eˣ⁻ʸ"""

    reads = (0, OUT)

    def forward(self, x: Any) -> Any:
        top = reduce(np.maximum, x, self.dims, True, initial=-np.inf)
        top = np.where(np.isfinite(top), top, 0)  # ∞ − ∞ would be NaN
        y = np.log(reduce(np.add, np.exp(x - top), self.dims, True)) + top
        return y if self.keepdim else y.squeeze(self.dims)

    def backward(self, g: Tensor) -> Tensor:
        return self.keep(g) * (self.inputs[0] - self.keep(self.output)).exp()


class Truth(Reduction):
    """y = whether any (or all) of x are not 0: a bool without gradient; 0 or 1 for uint8, as in torch."""

    def __init__(self, dims: tuple[int, ...], keepdim: bool, of_all: bool) -> None:
        super().__init__(dims, keepdim)
        self.of_all = of_all

    def forward(self, x: Any) -> Any:
        y = (x.all if self.of_all else x.any)(self.dims, keepdims=self.keepdim)
        return y.astype(np.uint8) if x.dtype == np.uint8 else y


def _wide(x: Any) -> Any:
    """Integers and bools are summed as int64."""
    return None if x.dtype.kind == "f" else np.int64


# ---- functions ---------------------------------------------------------------------------------------------
@method()
@numpy_names
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Σ input, over `dim` or all dimensions. Integers and bools are summed as int64.

    Parameters
    ----------
    dim : int, tuple of ints or None
    keepdim : bool
    dtype : dtype, optional
        Convert the input first.
    """
    x = reduction_input(input, "sum", dtype)
    y = Sum(reduced_dims(dim, x.array.ndim), keepdim)(x)
    return y if dtype is None else y.to(dtype)


@method()
@numpy_names
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Σ input, over `dim` or all dimensions; NaN counts as 0."""
    return sum(check_tensor(input, "nansum").where(~input.isnan(), 0), dim, keepdim, dtype=dtype)


@method()
@numpy_names
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Σ input / n, over `dim` or all dimensions; NaN if n = 0.

    Raises
    ------
    RuntimeError
        If the input holds integers and no floating-point `dtype` is given.
    """
    x = reduction_input(input, "mean", dtype, floating=True)
    return Mean(reduced_dims(dim, x.array.ndim), keepdim)(x)


@method()
@numpy_names
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of those elements that are not NaN."""
    x = reduction_input(reduction_input(input, "nanmean", floating=True), "nanmean", dtype, floating=True)
    return nansum(x, dim, keepdim) / sum(~x.isnan(), dim, keepdim)


@method()
@numpy_names
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Π input, along one dimension or of all elements. Integers and bools are multiplied as int64.

    The gradient g · y / x is none where x is 0. If there are zeros, the product is therefore made of n − 1
    ordinary products, whose gradients are right to any order.
    """
    x = reduction_input(input, "prod", dtype)
    shape = x.array.shape
    dims = reduced_dims(None if dim is None else wrap_dim(dim, len(shape)), len(shape))
    if x.requires_grad and x.array.size and (x.array.size == 1 or not x.array.all()):
        y = _prod_of_halves(x.flatten(), 0) if dim is None or not dims else _prod_of_halves(x, dims[0])
        return y.reshape(kept_shape(shape, dims)) if keepdim else y
    y = Prod(dims, keepdim)(x)
    return y if dtype is None else y.to(dtype)


def _prod_of_halves(x: Tensor, dim: int) -> Tensor:
    """Multiply the first half with the second until one is left."""
    odd = None
    while (n := x.array.shape[dim]) > 1:
        if n % 2:
            last = x.narrow(dim, n - 1, 1)
            odd = last if odd is None else odd * last
        x = x.narrow(dim, 0, n // 2) * x.narrow(dim, n // 2, n // 2)
    return (x if odd is None else x * odd).squeeze(dim)


@method()
@numpy_names
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """ln Σ exp(input) over `dim`, without overflow; −∞ for no elements."""
    x = as_float(input, "logsumexp")
    return LogSumExp(reduced_dims(dim, x.array.ndim), keepdim)(x)


@method()
@numpy_names
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether any element is not 0, over `dim` or all dimensions."""
    return _truth(input, dim, keepdim, "any")


@method()
@numpy_names
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether no element is 0, over `dim` or all dimensions."""
    return _truth(input, dim, keepdim, "all")


def _truth(input: Tensor, dim: Any, keepdim: bool, function: str) -> Tensor:
    ndim = check_tensor(input, function).array.ndim
    dims = () if dim == () else reduced_dims(dim, ndim)  # () reduces nothing here, as in torch
    return Truth(dims, keepdim, function == "all")(input)


@method()
@numpy_names
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """The number of elements that are not 0, over `dim` or all dimensions."""
    return sum(ne(check_tensor(input, "count_nonzero"), 0), dim)
