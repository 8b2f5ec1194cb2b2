"""Sorting, the k greatest, the k-th smallest. NaN is greater than all numbers.

Each finds indices; the values are gathered by them, so their gradients go where they came from.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.extrema import values_at
from scratchnet.ops.reducing import check_nonempty, values_indices

__all__ = ["argsort", "kthvalue", "msort", "sort", "topk"]

Sorted = values_indices("sort")
TopK = values_indices("topk")
KthValue = values_indices("kthvalue")


class Argsort(Function):
    """y = the indices that sort x along a dimension; equal elements keep their order. It has no gradient."""

    reads = NOTHING

    def __init__(self, dim: int, descending: bool) -> None:
        self.dim, self.descending = dim, descending

    def forward(self, x: Any) -> Any:
        if not self.descending:
            return np.argsort(x, self.dim, kind="stable")
        backwards = np.argsort(np.flip(x, self.dim), self.dim, kind="stable")
        return np.flip(x.shape[self.dim] - 1 - backwards, self.dim)


def sorted_indices(input: Tensor, dim: int, descending: bool, function: str) -> tuple[Tensor, int, Tensor]:
    """The input with at least one dimension, `dim` counted from the front, and the indices that sort it."""
    dim = wrap_dim(dim, check_tensor(input, function).array.ndim)
    x = input if input.array.ndim else input.unsqueeze(0)
    return x, dim, Argsort(dim, descending)(x.detach())


def _as_given(input: Tensor, result: Any) -> Any:
    """Take back the dimension that a 0-dimensional input was given."""
    return result if input.array.ndim else type(result)(*[r.squeeze(0) for r in result])


@method()
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """(values, indices): the elements in order along `dim`. Equal elements always keep their order."""
    x, dim, indices = sorted_indices(input, dim, descending, "sort")
    return _as_given(input, values_at(x, dim, indices, True, Sorted))


@method()
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort the input along `dim`. Equal elements always keep their order."""
    indices = sorted_indices(input, dim, descending, "argsort")[2]
    return indices if input.array.ndim else indices.squeeze(0)


@method()
def msort(input: Tensor) -> Tensor:
    """The input sorted along its first dimension."""
    return sort(input, 0).values


@method()
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices) of the k greatest (or smallest) elements along `dim`, in order.

    Raises
    ------
    RuntimeError
        If there are not k elements.
    """
    x, dim, indices = sorted_indices(input, dim, largest, "topk")
    if not 0 <= operator.index(k) <= x.array.shape[dim]:
        raise RuntimeError(
            f"topk: selected index k out of range: {k} of {x.array.shape[dim]} elements along dimension {dim}"
        )
    return _as_given(input, values_at(x, dim, indices.narrow(dim, 0, k), True, TopK))


@method()
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the k-th smallest element along `dim`, counted from 1.

    Raises
    ------
    RuntimeError
        If there is no k-th element.
    """
    x, dim, indices = sorted_indices(input, dim, False, "kthvalue")
    check_nonempty(x.array.shape, (dim,), dim, "kthvalue")
    if not 1 <= operator.index(k) <= x.array.shape[dim]:
        raise RuntimeError(
            f"kthvalue: selected number k out of range: {k} of {x.array.shape[dim]} along dimension {dim}"
        )
    return values_at(x, dim, indices.narrow(dim, k - 1, 1), keepdim and input.array.ndim > 0, KthValue)
