"""Repeating tensors along dimensions without copying."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from scratchnet.autograd.broadcast import BroadcastTo, SumTo
from scratchnet.autograd.size import Size
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.dims import as_shape, given_shape
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.shape import Reshape

__all__ = ["broadcast_to", "broadcast_tensors", "broadcast_shapes"]


class Expand(BroadcastTo):
    """y = x repeated (without copying) to a shape.  dL/dx = g summed over the repeated dimensions."""


def expand_array_shape(shape: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """`target` with each -1 replaced by the size of `shape` there, if `shape` can be broadcast to it."""
    extra = len(target) - len(shape)
    if extra < 0:
        raise RuntimeError(
            f"expand: the number of sizes provided ({len(target)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({len(shape)})"
        )
    sizes = list(target)
    for i, size in enumerate(target):
        own = shape[i - extra] if i >= extra else None
        if size == -1 and own is not None:
            sizes[i] = own
        elif size < 0:
            raise RuntimeError(
                f"expand: size {size} at dimension {i} of {list(target)} "
                + ("isn't allowed in a leading, non-existing dimension" if size == -1 else "is negative")
            )
        elif own not in (None, 1, size):
            raise RuntimeError(
                f"The expanded size of the tensor ({size}) must match the existing size ({own}) at "
                f"non-singleton dimension {i}.  Target sizes: {list(target)}.  Tensor sizes: {list(shape)}"
            )
    return tuple(sizes)


@method()
def expand(input: Tensor, *sizes: Any, size: Any = None, implicit: bool = False) -> Tensor:
    """A view in which dimensions of size 1, and new leading ones, are repeated; -1 keeps a size.

    Raises
    ------
    RuntimeError
        If another size than 1 would change.
    """
    shape = input.array.shape
    target = expand_array_shape(shape, given_shape("expand", "size", sizes, size))
    if input.array.size and input.array.size == prod(target):
        return Reshape(target)(input)  # nothing is repeated: unlike a broadcast array, it can be written to
    return Expand(target)(input)


@method()
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.expand(other.shape)`."""
    return expand(input, other.array.shape)


@method()
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """`input.expand(size)`."""
    check_tensor(input, "broadcast_to")
    return expand(input, size)


@method()
def sum_to_size(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """The sum over the dimensions along which a tensor of `size` would be expanded to the shape of `input`."""
    target = given_shape("sum_to_size", "size", sizes, size)
    try:
        fits = np.broadcast_shapes(target, input.array.shape) == input.array.shape
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(f"size {list(target)} is not expandable to size {list(input.array.shape)}.")
    return SumTo(target)(input)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that all `shapes` (tuples or ints) can be expanded to."""
    if len(shapes) == 2 and shapes[0] == shapes[1] and shapes[0].__class__ is tuple and min(shapes[0], default=0) >= 0:
        return Size(shapes[0])
    given = [as_shape(shape) for shape in shapes]
    result = [1] * max(map(len, given), default=0)
    for shape in given:
        for i in range(-1, -len(shape) - 1, -1):
            if shape[i] < 0:
                raise ValueError(f"broadcast_shapes: sizes must not be negative, got {list(shape)}")
            if shape[i] != 1 and shape[i] != result[i]:
                if result[i] != 1:
                    raise RuntimeError(
                        "Shape mismatch: objects cannot be broadcast to a single shape: "
                        + ", ".join(str(list(shape)) for shape in given)
                    )
                result[i] = shape[i]
    return Size(result)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """All `tensors` expanded to their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*[x.array.shape for x in tensors])
    return tuple(expand(x, shape) for x in tensors)
