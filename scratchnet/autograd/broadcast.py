"""The one rule of broadcasting: what was repeated in forward is summed in backward.

Two operations, each the other's gradient. The engine applies the first to every gradient whose shape is not the input's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import ViewFunction


class SumTo(Function):
    """y = x summed over the axes along which `shape` would be broadcast to x's shape.  dL/dx = g, broadcast back."""

    reads = NOTHING

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.target = shape

    def forward(self, x: Any) -> Any:
        self.source_shape = x.shape
        return sum_array_to(x, self.target)

    def backward(self, g: Tensor) -> Tensor:
        return BroadcastTo(self.source_shape)(g)


class BroadcastTo(ViewFunction):
    """y = x repeated (without copying) to `shape`.  dL/dx = g summed over the repeated axes, which the engine does."""

    reads = NOTHING

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.target = shape

    def forward(self, x: Any) -> Any:
        return np.broadcast_to(x, self.target, subok=True)

    def backward(self, g: Tensor) -> Tensor:
        return g


def sum_array_to(x: Any, shape: tuple[int, ...]) -> Any:
    """Sum an array over the axes along which `shape` broadcasts to `x.shape`."""
    extra = x.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, size in enumerate(shape) if size == 1 and x.shape[i + extra] != 1
    )
    return np.add.reduce(x, axes).reshape(shape)


def unbroadcast(g: Any, shape: tuple[int, ...], function: Function, index: int) -> Any:
    """The gradient of an input of `shape`, from `g` of the shape it was broadcast to."""
    if _broadcasts_to(shape, g.shape):
        return SumTo(shape)(g) if isinstance(g, Tensor) else sum_array_to(g, shape)
    raise RuntimeError(
        f"{function.name()}.backward returned a gradient of shape {tuple(g.shape)} for input {index}, "
        f"which has shape {shape}"
    )


def _broadcasts_to(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    offset = len(large) - len(small)
    return offset >= 0 and all(s in (1, large[i + offset]) for i, s in enumerate(small))
