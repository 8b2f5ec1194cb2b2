"""Maxima and minima, and where they are. NaN counts as the greatest and as the smallest."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scratchnet.autograd.function import OUT
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.indexing import Index, open_grid
from scratchnet.ops.reducing import (
    Reduction,
    check_nonempty,
    numpy_names,
    reduce,
    reduced_dims,
    values_indices,
)
from scratchnet.ops.selection import maximum, minimum, where

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "min"]


class Amax(Reduction):
    """y = max x.  dL/dx = g, shared evenly by the elements that equal y"""

    reads = (0, OUT)

    def forward(self, x: Any) -> Any:
        return reduce(np.maximum, x, self.dims, self.keepdim)

    def backward(self, g: Tensor) -> Tensor:
        chosen = self.inputs[0] == self.keep(self.output)
        return self.keep(g) * chosen / chosen.sum(self.dims, keepdim=True)


class Amin(Amax):
    """y = min x.  dL/dx = g, shared evenly by the elements that equal y"""

    def forward(self, x: Any) -> Any:
        return reduce(np.minimum, x, self.dims, self.keepdim)


class MaxOfAll(Amax):
    """y = the greatest of all elements.  As Amax, but of a NaN the NaNs get the gradient, not NaN for all."""

    def backward(self, g: Tensor) -> Tensor:
        x, y = self.inputs[0], self.keep(self.output)
        return share_among_ties(self, g, (x == y) | (x.isnan() & y.isnan()))


class MinOfAll(MaxOfAll, Amin):
    """y = the smallest of all elements.  As Amin, but of a NaN the NaNs get the gradient."""


def share_among_ties(reduction: Reduction, g: Tensor, chosen: Tensor) -> Tensor:
    """The gradient `g` of a chosen value, in equal parts to all elements that have this value."""
    ties = chosen.sum(reduction.dims, keepdim=True)
    return where(chosen, reduction.keep(g) / ties, 0.0)


class Arg(Reduction):
    """y = the index of the first greatest (or smallest) element along one dimension. It has no gradient."""

    def __init__(self, dim: int, keepdim: bool, greatest: bool) -> None:
        super().__init__((dim,), keepdim)
        self.greatest = greatest

    def forward(self, x: Any) -> Any:
        return (np.argmax if self.greatest else np.argmin)(x, self.dims[0], keepdims=self.keepdim)


# ---- functions ---------------------------------------------------------------------------------------------
@method()
@numpy_names
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The greatest elements, over `dim` or all dimensions. Equal ones share the gradient evenly."""
    return _extreme(Amax, input, dim, keepdim, "amax")


@method()
@numpy_names
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest elements, over `dim` or all dimensions. Equal ones share the gradient evenly."""
    return _extreme(Amin, input, dim, keepdim, "amin")


def _extreme(op: type[Amax], input: Tensor, dim: Any, keepdim: bool, function: str) -> Tensor:
    shape = check_tensor(input, function).array.shape
    dims = reduced_dims(dim, len(shape))
    check_nonempty(shape, dims, dim if dim != () else None, function)
    return op(dims, keepdim)(input)


RESULTS = {"max": values_indices("max"), "min": values_indices("min")}


@method()
@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, **other: Tensor) -> Any:
    """The greatest element, the greatest along a dimension, or the greater of two tensors.

        max(input)                       the greatest of all; equal ones share the gradient evenly
        max(input, dim, keepdim=False)   (values, indices); the gradient goes to the first of equal ones
        max(input, other)                maximum(input, other)

    Raises
    ------
    RuntimeError, IndexError
        If there are no elements to choose from.
    """
    return _max_or_min(input, dim, keepdim, other, "max")


@method()
@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, **other: Tensor) -> Any:
    """The smallest element, the smallest along a dimension, or the smaller of two tensors: see `max`."""
    return _max_or_min(input, dim, keepdim, other, "min")


def _max_or_min(input: Tensor, dim: Any, keepdim: bool, other: dict, function: str) -> Any:
    greatest = function == "max"
    if other:
        if dim is not None or list(other) != ["other"]:
            raise TypeError(f"{function}() takes dim and keepdim, or other, got {', '.join(other)} as well")
        dim = other["other"]
    if isinstance(dim, Tensor):
        return (maximum if greatest else minimum)(input, dim)
    if dim is None:
        return _extreme(MaxOfAll if greatest else MinOfAll, input, None, keepdim, function)
    x = check_tensor(input, function)
    if x.array.ndim == 0:
        x = x.unsqueeze(0)
    dim = wrap_dim(dim, x.array.ndim)
    check_nonempty(x.array.shape, (dim,), dim, function)
    indices = Arg(dim, True, greatest)(x.detach())
    return values_at(x, dim, indices, keepdim and input.array.ndim > 0, RESULTS[function])


def pick(x: Tensor, dim: int, indices: Tensor) -> Tensor:
    """`x.gather(dim, indices)`, for indices that were computed here and need no checks."""
    ndim, index = x.array.ndim, indices.array
    places = [indices if d == dim % ndim else open_grid(index.shape, d, like=index) for d in range(ndim)]
    return Index(tuple(range(ndim)))(x, *places)


def values_at(x: Tensor, dim: int, indices: Tensor, keepdim: bool, result: Any) -> Any:
    """The (values, indices) of chosen elements: the gradient goes where they came from."""
    values = pick(x, dim, indices)
    return result(values, indices) if keepdim else result(values.squeeze(dim), indices.squeeze(dim))


@method()
@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """(min, max): `amin` and `amax`."""
    dims = () if dim is None else dim
    return MinMax(amin(input, dims, keepdim), amax(input, dims, keepdim))


class MinMax(NamedTuple):
    """What `aminmax` returns."""

    min: Tensor
    max: Tensor


@method()
@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first greatest element along `dim`, or in the flattened tensor."""
    return _arg(input, dim, keepdim, "argmax")


@method()
@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first smallest element along `dim`, or in the flattened tensor."""
    return _arg(input, dim, keepdim, "argmin")


def _arg(input: Tensor, dim: int | None, keepdim: bool, function: str) -> Tensor:
    x = check_tensor(input, function).detach()
    if x.array.dtype.kind == "b":
        raise RuntimeError(f"{function}(): does not support bool input")
    if dim is None:
        check_nonempty(x.array.shape, tuple(range(x.array.ndim)), None, function)
        index = Arg(0, False, function == "argmax")(x.flatten())
        return index.reshape((1,) * x.array.ndim) if keepdim else index
    axis = wrap_dim(dim, x.array.ndim)
    if x.array.ndim == 0:
        return _arg(x, None, False, function)
    check_nonempty(x.array.shape, (axis,), dim, function)
    return Arg(axis, keepdim, function == "argmax")(x)
