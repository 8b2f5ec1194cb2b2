"""Diagonals of matrices, and what lies on one side of them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import ViewFunction, in_place
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.indexing import put_
from scratchnet.ops.layout import clone
from scratchnet.ops.shape import reshape

__all__ = ["tril", "triu", "diagonal", "diag", "diag_embed", "diagflat"]


class Triangle(Function):
    """y = x on one side of a diagonal of its matrices, 0 on the other.  dL/dx = g there, 0 on the other."""

    reads = NOTHING

    def __init__(self, lower: bool, diagonal: int) -> None:
        self.lower, self.diagonal = lower, diagonal

    def forward(self, x: Any) -> Any:
        return (np.tril if self.lower else np.triu)(x, self.diagonal)

    def backward(self, g: Tensor) -> Tensor:
        return Triangle(self.lower, self.diagonal)(g)


class Diagonal(ViewFunction):
    """y[…, i] = x[…, i, …, i + offset, …], a diagonal.  dL/dx = zeros with g on that diagonal."""

    reads = NOTHING

    def __init__(self, offset: int, dim1: int, dim2: int) -> None:
        self.place = offset, dim1, dim2

    def forward(self, x: Any) -> Any:
        self.source_shape = x.shape
        return writable_diagonal(x, *self.place)

    def backward(self, g: Tensor) -> Tensor:
        return PlaceDiagonal(self.source_shape, *self.place)(g)


class PlaceDiagonal(Function):
    """y = zeros with x on a diagonal, the adjoint of `Diagonal`.  dL/dx = that diagonal of g"""

    reads = NOTHING

    def __init__(self, shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> None:
        self.target, self.place = shape, (offset, dim1, dim2)

    def forward(self, x: Any) -> Any:
        y = np.zeros(self.target, x.dtype, like=x)
        writable_diagonal(y, *self.place)[...] = x
        return y

    def backward(self, g: Tensor) -> Tensor:
        return Diagonal(*self.place)(g)


def writable_diagonal(x: Any, offset: int, dim1: int, dim2: int) -> Any:
    """NumPy's diagonal, which is a view but marked as read-only."""
    y = x.diagonal(offset, dim1, dim2)
    if x.flags.writeable:
        y.flags.writeable = True
    return y


def _triangle(input: Tensor, lower: bool, diagonal: int) -> Tensor:
    if input.array.ndim < 2:
        raise RuntimeError(f"{'tril' if lower else 'triu'}: input tensor must have at least 2 dimensions")
    return Triangle(lower, operator.index(diagonal))(input)


@method()
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Matrices (the last two dimensions) with zeros above a diagonal; `diagonal` > 0 is above the main."""
    check_tensor(input, "tril")
    return _triangle(input, True, diagonal)


@method()
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Matrices (the last two dimensions) with zeros below a diagonal; `diagonal` > 0 is above the main."""
    check_tensor(input, "triu")
    return _triangle(input, False, diagonal)


tril_, triu_ = method("tril_")(in_place(tril)), method("triu_")(in_place(triu))


def _two_dims(dim1: int, dim2: int, ndim: int) -> tuple[int, int]:
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return first, second


@method()
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of a diagonal of two dimensions, which becomes the last dimension."""
    check_tensor(input, "diagonal")
    return Diagonal(offset, *_two_dims(dim1, dim2, input.array.ndim))(input)


@method()
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices, in dimensions `dim1` and `dim2`, with the last dimension of `input` on the diagonal."""
    check_tensor(input, "diag_embed")
    *sizes, n = input.array.shape or (1,)  # a 0-dimensional one is refused in the next line
    rest: list[int] = list(sizes)
    first, second = _two_dims(dim1, dim2, input.array.ndim + 1)
    for d in sorted((first, second)):
        rest.insert(d, n + abs(offset))
    return PlaceDiagonal(tuple(rest), offset, first, second)(input)


@method()
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A matrix with a vector on its diagonal; the diagonal (a copy) of a matrix."""
    check_tensor(input, "diag")
    if input.array.ndim == 1:
        return diag_embed(input, diagonal)
    if input.array.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.array.ndim}D")
    return clone(Diagonal(diagonal, 0, 1)(input))


@method()
def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """The elements whose indices are all equal become `fill_value`."""
    shape = input.array.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError(f"all dimensions of input must be of equal length, got shape {list(shape)}")
    if wrap and shape[0] > shape[1] + 1:
        raise NotImplementedError("fill_diagonal_: wrap=True is not supported for tall matrices")
    index = np.arange(min(shape))
    return put_(input, [(d, index) for d in range(len(shape))], fill_value)


@method()
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of `input` on its diagonal."""
    check_tensor(input, "diagflat")
    return diag_embed(reshape(input, -1), offset)
