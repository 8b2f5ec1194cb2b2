"""Other shapes of the same elements in the same order.

All of these return views: they share memory with their input, and so does their history (see
autograd/view.py).
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import ViewFunction
from scratchnet.ops.dims import as_shape, given_shape, wrap_dim, wrap_dims
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.layout import stride
from scratchnet.ops.reducing import numpy_names

__all__ = ["reshape", "flatten", "ravel", "unflatten", "squeeze", "unsqueeze"]


class Reshape(ViewFunction):
    """y = the elements of x, in row-major order, in another shape.  dL/dx = g in the shape of x."""

    reads = NOTHING
    arithmetic = True
    may_copy = True

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.target = shape

    def forward(self, x: Any) -> Any:
        self.source_shape = x.shape
        return x.reshape(self.target)

    def backward(self, g: Any) -> Any:
        return g.reshape(self.source_shape)


class Flatten(Reshape):
    """y = x with several dimensions made one."""


class Squeeze(Reshape):
    """y = x without dimensions of size 1."""


class Unsqueeze(Reshape):
    """y = x with further dimensions of size 1."""


# ---- reshaping -----------------------------------------------------------------------------------
def infer_shape(shape: tuple[int, ...], numel: int) -> tuple[int, ...]:
    """`shape` with its -1, if there is one, replaced by what makes `numel` elements."""
    if -1 not in shape and prod(shape) == numel:
        return shape
    for i, size in enumerate(shape):
        if size < -1:
            raise RuntimeError(f"invalid shape dimension {size} at index {i} of shape {list(shape)}")
    if shape.count(-1) > 1:
        raise RuntimeError(f"only one dimension can be inferred, got shape {list(shape)}")
    known = prod([size for size in shape if size != -1])
    if known == 0 and numel == 0 and -1 in shape:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension "
            "size -1 can be any value and is ambiguous"
        )
    if known == 0 or numel % known or -1 not in shape:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    return tuple(numel // known if size == -1 else size for size in shape)


@method()
def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements in row-major order in another shape; one size may be -1. A view where possible, else
    a copy.

    `reshape(x, (2, -1))`, `x.reshape(2, -1)`.

    Raises
    ------
    RuntimeError
        If the number of elements differs.
    """
    target = given_shape("reshape", "shape", sizes, shape)
    return Reshape(infer_shape(target, input.array.size))(input)


@method()
def view(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """`reshape` that never copies. `x.view(dtype)` reads the same bits as another dtype.

    Raises
    ------
    RuntimeError
        If the number of elements differs, or if the elements of `input` lie in memory so that no view has the
        shape.
    """
    if len(sizes) == 1 and isinstance(sizes[0], np.dtype | type):
        return _view_bits(input, as_dtype(sizes[0]))
    target = infer_shape(given_shape("view", "size", sizes, size), input.array.size)
    y = Reshape(target)(input)
    if y._view is None and y.array.size:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride: shape "
            f"{list(input.array.shape)} with strides {list(stride(input))} cannot be seen as {list(target)} "
            "(at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    return y


def _view_bits(input: Tensor, dtype: np.dtype) -> Tensor:
    """The same memory read as numbers of another dtype. Gradients do not flow through it."""
    try:
        y = Tensor(input.array.view(dtype))
    except ValueError as error:
        raise RuntimeError(f"view: cannot read {input.array.dtype} as {dtype}: {error}") from None
    y._counter = input._counter
    return y


@method()
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.view(other.shape)`."""
    return view(input, other.array.shape)


@method()
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.reshape(other.shape)`."""
    return reshape(input, other.array.shape)


@method()
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from `start_dim` to `end_dim` (inclusive) made one; a number becomes a vector."""
    check_tensor(input, "flatten")
    shape = input.array.shape
    first, last = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    if first > last:
        raise RuntimeError(
            f"flatten() has invalid args: start_dim cannot come after end_dim, got {start_dim} and {end_dim}"
        )
    if first == last and shape:
        return input
    return Flatten((*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))(input)


@method()
def ravel(input: Tensor) -> Tensor:
    """All dimensions made one."""
    check_tensor(input, "ravel")
    return reshape(input, -1)


@method()
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension made several, whose sizes multiply to its size; one of them may be -1."""
    check_tensor(input, "unflatten")
    if input.array.ndim == 0:
        raise RuntimeError(
            "unflatten: expected a tensor with at least one dimension, got a 0-dimensional one"
        )
    dim, sizes = wrap_dim(dim, input.array.ndim), as_shape(sizes)
    shape = input.array.shape
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        parts = infer_shape(sizes, shape[dim])
    except RuntimeError:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({shape[dim]}) in the input tensor"
        ) from None
    return view(input, *shape[:dim], *parts, *shape[dim + 1 :])


@method()
@numpy_names
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without the dimensions of size 1, or without those of `dim` (an int or a tuple) that have size 1."""
    check_tensor(input, "squeeze")
    shape = input.array.shape
    dims = wrap_dims(dim, len(shape))
    return Squeeze(tuple(size for d, size in enumerate(shape) if d not in dims or size != 1))(input)


@method()
@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With one more dimension, of size 1, before position `dim`."""
    check_tensor(input, "unsqueeze")
    shape = input.array.shape
    dim = wrap_dim(dim, len(shape) + 1)
    return Unsqueeze((*shape[:dim], 1, *shape[dim:]))(input)
