"""Elements repeated, or moved along dimensions."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.broadcasting import expand
from scratchnet.ops.creation import fresh
from scratchnet.ops.dims import as_shape, given_shape, wrap_dim, wrap_dims
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.gathering import index_select
from scratchnet.ops.layout import Clone, clone
from scratchnet.ops.permuting import swapaxes
from scratchnet.ops.shape import flatten, reshape, unsqueeze

__all__ = ["tile", "repeat_interleave", "roll", "flip", "fliplr", "flipud", "rot90"]


class Roll(Function):
    """y = x moved along dimensions, what leaves at one end entering at the other.  dL/dx = g moved back."""

    reads = NOTHING

    def __init__(self, shifts: tuple[int, ...], dims: tuple[int, ...]) -> None:
        self.shifts, self.dims = shifts, dims

    def forward(self, x: Any) -> Any:
        return np.roll(x, self.shifts, self.dims)

    def backward(self, g: Tensor) -> Tensor:
        return Roll(tuple(-s for s in self.shifts), self.dims)(g)


class Flip(Function):
    """y = x in reverse order along dimensions.  dL/dx = g reversed."""

    reads = NOTHING

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Any) -> Any:
        return np.flip(x, self.dims).copy()

    def backward(self, g: Tensor) -> Tensor:
        return Flip(self.dims)(g)


# ---- repeating -----------------------------------------------------------------------------------
@method()
def repeat(input: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """Copies side by side, `repeats[d]` along each dimension d, the last dimensions being the input's."""
    times = given_shape("repeat", "repeats", sizes, repeats)
    shape = input.array.shape
    if len(times) < len(shape):
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: got "
            f"{list(times)} for shape {list(shape)}"
        )
    if min(times, default=0) < 0:
        raise RuntimeError(
            f"repeat: Trying to create tensor with negative dimension: repeats are {list(times)}"
        )
    shape = (1,) * (len(times) - len(shape)) + shape
    apart = reshape(input, [n for size in shape for n in (1, size)])  # (1, s0, 1, s1, …)
    copied = Clone("C")(expand(apart, [n for pair in zip(times, shape) for n in pair]))
    return reshape(copied, [n * size for n, size in zip(times, shape)])


@method()
def tile(input: Tensor, *sizes: Any, dims: Any = None) -> Tensor:
    """As `repeat`, but missing repetitions count as 1."""
    times = given_shape("tile", "dims", sizes, dims)
    return repeat(input, (1,) * (input.array.ndim - len(times)) + times)


@method()
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (of the flattened tensor, or along `dim`) repeated: by an int, or by its own entry of a
    vector.

    `repeat_interleave(repeats)` gives the index of each element instead: 0 `repeats[0]` times, and so on.
    """
    check_tensor(input, "repeat_interleave")
    if repeats is None:
        index = np.arange(input.array.size, dtype=input.array.dtype)
        return fresh(np.repeat(index, _repeats(input, input.array.size)))
    if dim is None:
        input, dim = reshape(input, -1), 0
    dim = wrap_dim(dim, input.array.ndim)
    if not isinstance(repeats, Tensor):
        if isinstance(repeats, bool) or not hasattr(repeats, "__index__"):
            raise TypeError(
                f"repeat_interleave(): repeats must be int or Tensor, not {type(repeats).__name__}"
            )
        if repeats < 0:
            raise RuntimeError(f"Repeats must be non-negative, got {repeats}")
        shape = list(input.array.shape)
        shape.insert(dim + 1, operator.index(repeats))
        return flatten(Clone("C")(expand(unsqueeze(input, dim + 1), shape)), dim, dim + 1)
    n = input.array.shape[dim]
    index = np.repeat(np.arange(n), _repeats(repeats, n))
    if output_size is not None and output_size != index.size:
        raise RuntimeError(
            f"repeat_interleave: allocated size {output_size} does not match required size {index.size}"
        )
    return index_select(input, dim, Tensor(index))


def _repeats(repeats: Tensor, n: int) -> np.ndarray:
    array = repeats.array
    if array.dtype not in (np.int32, np.int64):
        raise NotImplementedError(
            f"repeat_interleave: repeats has to be an int64 or int32 tensor, got {array.dtype}"
        )
    if array.ndim > 1 or array.size not in (1, n):
        raise RuntimeError(
            f"repeats must be 0-dim or 1-dim and of the size of the input along dim ({n}), got shape "
            f"{list(array.shape)}"
        )
    if array.size and array.min() < 0:
        raise RuntimeError("repeats can not be negative")
    return array


# ---- moving --------------------------------------------------------------------------------------
@method()
def roll(input: Tensor, shifts: Any, dims: Any = ()) -> Tensor:
    """Moved by `shifts` along `dims` (or flattened), what leaves at one end entering at the other."""
    shifts = as_shape(shifts)
    given = as_shape(() if dims is None else dims)
    if not given:
        if len(shifts) != 1:
            raise RuntimeError(f"roll: without dims, expected one shift, got {list(shifts)}")
        return reshape(Roll(shifts, (0,))(reshape(input, -1)), input.array.shape)
    if len(given) != len(shifts):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(given)}")
    if not input.array.ndim:
        raise IndexError("roll: Dimension specified as 0 but tensor has no dimensions")
    return Roll(shifts, tuple(wrap_dim(d, input.array.ndim) for d in given))(input)


@method()
def flip(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """In reverse order along `dims`."""
    given = wrap_dims(given_shape("flip", "dims", order, dims), input.array.ndim)
    return Flip(given)(input) if given else clone(input)


@method()
def fliplr(input: Tensor) -> Tensor:
    """In reverse order along dimension 1."""
    check_tensor(input, "fliplr")
    if input.array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, 1)


@method()
def flipud(input: Tensor) -> Tensor:
    """In reverse order along dimension 0."""
    check_tensor(input, "flipud")
    if input.array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, 0)


@method()
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned by 90° k times in the plane of two dimensions, from the first towards the second."""
    check_tensor(input, "rot90")
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.array.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.array.ndim}")
    a, b = (wrap_dim(d, input.array.ndim) for d in dims)
    if a == b:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    k %= 4
    if k == 0:
        return clone(input)
    if k == 2:
        return Flip((a, b))(input)
    return swapaxes(Flip((b,) if k == 1 else (a,))(input), a, b)
