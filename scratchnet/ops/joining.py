"""Several tensors made one: joined along a dimension, or stacked along a new one."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.broadcasting import broadcast_tensors
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.permuting import swapaxes
from scratchnet.ops.promotion import cast, result_type
from scratchnet.ops.reducing import numpy_names
from scratchnet.ops.shape import reshape

__all__ = [
    "cat", "concat", "concatenate", "stack", "hstack", "vstack", "row_stack", "dstack", "column_stack",
    "atleast_1d", "atleast_2d", "atleast_3d", "meshgrid", "block_diag", "cartesian_prod",
]  # fmt: skip


class Cat(Function):
    """y = x_1, x_2, … one after the other along a dimension.  dL/dx_i = its part of g"""

    reads = NOTHING
    arithmetic = True

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, *arrays: Any) -> Any:
        self.sizes = [x.shape[self.dim] for x in arrays]
        return np.concatenate(arrays, self.dim)

    def backward(self, g: Any) -> Any:
        grads, start = [], 0
        for size, needed in zip(self.sizes, self.needs_input_grad):
            key = (slice(None),) * self.dim + (slice(start, start + size),)
            grads.append(g[key] if needed else None)
            start += size
        return tuple(grads)


class Stack(Function):
    """y[…, i, …] = x_i along a new dimension.  dL/dx_i = g[…, i, …]"""

    reads = NOTHING
    arithmetic = True

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, *arrays: Any) -> Any:
        return np.stack(arrays, self.dim)

    def backward(self, g: Any) -> Any:
        before = (slice(None),) * self.dim
        return tuple(
            g[(*before, i, Ellipsis)] if needed else None for i, needed in enumerate(self.needs_input_grad)
        )


def _tensors(tensors: Any, function: str) -> list[Tensor]:
    """The tensors in their common dtype."""
    if isinstance(tensors, Tensor) or not hasattr(tensors, "__iter__"):
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    tensors = list(tensors)
    for i, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"{function}(): expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
    if not tensors:
        raise (ValueError if function == "cat" else RuntimeError)(
            f"{function}(): expected a non-empty list of Tensors"
        )
    dtype = tensors[0].array.dtype
    if any([x.array.dtype != dtype for x in tensors]):
        dtype = result_type(*tensors)
        tensors = [cast(x, dtype) for x in tensors]
    return tensors


@numpy_names
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of equal shape but for `dim` joined along it. One-dimensional tensors without elements are
    skipped.

    Raises
    ------
    RuntimeError
        If the shapes differ elsewhere, or there is nothing to join.
    """
    parts = _tensors(tensors, "cat")
    for i, x in enumerate(parts):
        if not x.array.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    kept = [x for x in parts if x.array.shape != (0,)] or parts[:1]
    shape = kept[0].array.shape
    dim = wrap_dim(dim, len(shape))
    for i, x in enumerate(kept):
        other = x.array.shape
        if len(other) != len(shape):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(shape)} and {len(other)}"
            )
        if other[:dim] != shape[:dim] or other[dim + 1 :] != shape[dim + 1 :]:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {dim}. Expected shape {list(shape)} but "
                f"got {list(other)} for tensor number {i} in the list."
            )
    return Cat(dim)(*kept)


concat = concatenate = cat


@numpy_names
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension `dim`.

    Raises
    ------
    RuntimeError
        If the shapes differ, or there is nothing to stack.
    """
    parts = _tensors(tensors, "stack")
    shape = parts[0].array.shape
    for i, x in enumerate(parts):
        if x.array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(x.array.shape)} at entry {i}"
            )
    return Stack(wrap_dim(dim, len(shape) + 1))(*parts)


# ---- along a fixed dimension ---------------------------------------------------------------------
def _each(function: Any, tensors: tuple) -> Any:
    """Apply to one tensor, or to several (given as arguments or as a list) and return a tuple."""
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return function(tensors[0])
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    return tuple(map(function, tensors))


def atleast_1d(*tensors: Any) -> Any:
    """0-dimensional tensors as vectors of one element."""
    return _each(lambda x: x if x.array.ndim else reshape(x, 1), tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Tensors of fewer than two dimensions as matrices of one row."""
    return _each(lambda x: x if x.array.ndim > 1 else reshape(x, 1, x.array.size), tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Vectors as (1, n, 1) and matrices as (m, n, 1)."""

    def three(x: Tensor) -> Tensor:
        if x.array.ndim > 2:
            return x
        return reshape(x, *x.array.shape, 1) if x.array.ndim == 2 else reshape(x, 1, x.array.size, 1)

    return _each(three, tensors)


def hstack(tensors: Any) -> Tensor:
    """Joined along dimension 1; vectors along dimension 0."""
    parts = atleast_1d(_tensors(tensors, "hstack"))
    return cat(parts, 0 if parts[0].array.ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Joined along dimension 0, vectors being rows."""
    return cat(atleast_2d(_tensors(tensors, "vstack")), 0)


row_stack = vstack


def dstack(tensors: Any) -> Tensor:
    """Joined along dimension 2, after `atleast_3d`."""
    return cat(atleast_3d(_tensors(tensors, "dstack")), 2)


def column_stack(tensors: Any) -> Tensor:
    """Joined along dimension 1, vectors being columns."""
    return cat([x if x.array.ndim > 1 else reshape(x, -1, 1) for x in _tensors(tensors, "column_stack")], 1)


# ---- grids ---------------------------------------------------------------------------------------
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates of a grid: the i-th result varies with the i-th vector along dimension i and is constant
    along the others.

    Parameters
    ----------
    tensors : Tensor (n_i,) or ()
    indexing : "ij" or "xy"
        "xy" swaps the first two dimensions of the results.
    """
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for i, x in enumerate(tensors):
        if x.array.ndim > 1:
            raise RuntimeError(
                f"meshgrid: Expected 0D or 1D tensor in the tensor list but got {list(x.array.shape)} at {i}"
            )
        if x.array.dtype != tensors[0].array.dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    n = len(tensors)
    grid = broadcast_tensors(
        *[reshape(x, *[-1 if d == i else 1 for d in range(n)]) for i, x in enumerate(tensors)]
    )
    return tuple(swapaxes(x, 0, 1) for x in grid) if indexing == "xy" and n > 1 else grid


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """All combinations of the elements of vectors, one a row."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([reshape(x, -1) for x in meshgrid(*tensors)], 1)


def block_diag(*tensors: Tensor) -> Tensor:
    """A matrix with the given matrices (vectors: rows) on its diagonal, and zeros elsewhere."""
    blocks = _tensors(tensors, "block_diag")
    if any(x.array.ndim > 2 for x in blocks):
        raise RuntimeError("torch.block_diag: Input tensors must have 2 or fewer dimensions")
    blocks = list(atleast_2d(blocks))
    width, left, rows = sum(x.array.shape[1] for x in blocks), 0, []
    for x in blocks:
        m, n = x.array.shape
        zeros = [Tensor(np.zeros((m, w), x.array.dtype, like=x.array)) for w in (left, width - left - n)]
        rows.append(cat([zeros[0], x, zeros[1]], 1))
        left += n
    return cat(rows, 0)
