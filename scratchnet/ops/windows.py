"""Sliding windows along a dimension."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import ViewFunction
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.shape import reshape

__all__: list[str] = []


class Unfold(ViewFunction):
    """y[…, w, …, k] = x[…, w · step + k, …].  dL/dx = the windows of g, added where they lay."""

    reads = NOTHING

    def __init__(self, dim: int, size: int, step: int) -> None:
        self.windows = dim, size, step

    def forward(self, x: Any) -> Any:
        self.source_shape = x.shape
        return windows(x, *self.windows, writeable=x.flags.writeable and self.windows[2] >= self.windows[1])

    def backward(self, g: Tensor) -> Tensor:
        return Fold(self.source_shape, *self.windows)(g)


class Fold(Function):
    """y = zeros of a shape to which the windows x[…, w, …, :] are added: the adjoint of `Unfold`.  dL/dx =
    the windows of g"""

    reads = NOTHING

    def __init__(self, shape: tuple[int, ...], dim: int, size: int, step: int) -> None:
        self.target, self.windows = shape, (dim, size, step)

    def forward(self, x: Any) -> Any:
        dim, size, step = self.windows
        y = np.zeros(self.target, x.dtype, like=x)
        n = x.shape[dim]
        for k in range(size):  # one pass for each place in the window: no two windows overlap in it
            y[(slice(None),) * dim + (slice(k, k + (n - 1) * step + 1, step),)] += x[..., k]
        return y

    def backward(self, g: Tensor) -> Tensor:
        return Unfold(*self.windows)(g)


def windows(x: Any, dim: int, size: int, step: int, writeable: bool = False) -> Any:
    """A view of an array: (…, windows, …, size). Overlapping windows must not be written to."""
    if size == 0:
        return np.empty((*x.shape[:dim], x.shape[dim] // step + 1, *x.shape[dim + 1 :], 0), x.dtype, like=x)
    y = sliding_window_view(x, size, dim, subok=True, writeable=writeable)
    return y[(slice(None),) * dim + (slice(None, None, step),)]


@method()
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of the windows of `size` along a dimension, `step` apart; the elements of a window are a new
    last dimension.

    The result has floor((n - size) / step) + 1 windows in place of the n elements. What is left at the end is
    not in it.
    """
    x = input if input.array.ndim else reshape(input, 1)
    dim, size, step = wrap_dim(dimension, x.array.ndim), operator.index(size), operator.index(step)
    n = x.array.shape[dim]
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {n} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    y = Unfold(dim, size, step)(x)
    return y if input.array.ndim else reshape(y, size)
