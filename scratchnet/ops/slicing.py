"""Parts of a tensor along its dimensions: slices, rows, all parts of a division at once. All views."""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import ViewFunction
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.joining import cat, stack
from scratchnet.ops.reducing import numpy_names

__all__ = ["select", "narrow", "unbind", "split", "chunk", "tensor_split", "hsplit", "vsplit", "dsplit"]


class Slice(ViewFunction):
    """y = x[key] for a key of ints, slices, None and one Ellipsis.  dL/dx = zeros with g at [key]."""

    reads = NOTHING

    def __init__(self, key: tuple) -> None:
        self.key = key  # with an Ellipsis, or NumPy would return a number instead of a 0-dimensional view

    def forward(self, x: Any) -> Any:
        self.source_shape = x.shape
        return x[self.key]

    def backward(self, g: Tensor) -> Tensor:
        return Place(self.key, self.source_shape)(g)

    def fused_backward(self, g: Any) -> Any:
        return Place(self.key, self.source_shape).forward(g)


class Place(Function):
    """y = zeros of a shape, with x at [key]: the adjoint of `Slice`.  dL/dx = g[key]"""

    reads = NOTHING
    arithmetic = True

    def __init__(self, key: tuple, shape: tuple[int, ...]) -> None:
        self.key, self.target = key, shape

    def forward(self, x: Any) -> Any:
        y = np.zeros(self.target, x.dtype, like=x)
        y[self.key] = x
        return y

    def backward(self, g: Any) -> Any:
        return g[self.key]


class Unbind(ViewFunction):
    """y_i = x[i] along a dimension.  dL/dx = the g_i stacked."""

    reads = NOTHING

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any) -> tuple:
        return tuple(x[along(self.dim, i)] for i in range(x.shape[self.dim]))

    def backward(self, *grads: Tensor) -> Tensor:
        return stack(grads, self.dim)

    def fused_backward(self, *grads: Any) -> Any:
        return np.stack(grads, self.dim)


class Split(ViewFunction):
    """y_i = the i-th of consecutive parts of x.  dL/dx = the g_i joined."""

    reads = NOTHING

    def __init__(self, sizes: tuple[int, ...], dim: int) -> None:
        self.sizes, self.dim = sizes, dim

    def forward(self, x: Any) -> tuple:
        parts, start = [], 0
        for size in self.sizes:
            parts.append(x[along(self.dim, slice(start, start + size))])
            start += size
        return tuple(parts)

    def backward(self, *grads: Tensor) -> Tensor:
        return cat(grads, self.dim)

    def fused_backward(self, *grads: Any) -> Any:
        return np.concatenate(grads, self.dim)


def along(dim: int, index: Any) -> tuple:
    """The key that applies `index` to dimension `dim` alone."""
    return (slice(None),) * dim + (index, Ellipsis)


# ---- one part ------------------------------------------------------------------------------------
@method()
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The part at `index` along `dim`, which is removed."""
    check_tensor(input, "select")
    if not input.array.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim, index = wrap_dim(dim, input.array.ndim), operator.index(index)
    size = input.array.shape[dim]
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.array.shape)} at dimension "
            f"{dim}"
        )
    return Slice(along(dim, index))(input)


@method()
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` consecutive parts along `dim`, from `start`."""
    check_tensor(input, "narrow")
    if not input.array.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim, start, length = wrap_dim(dim, input.array.ndim), operator.index(start), operator.index(length)
    size = input.array.shape[dim]
    if length < 0:
        raise RuntimeError(f"narrow(): length must be non-negative, got {length}")
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    start += size if start < 0 else 0
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return Slice(along(dim, slice(start, start + length)))(input)


# ---- all parts -----------------------------------------------------------------------------------
@method()
@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The parts at each index along `dim`, which is removed, as a tuple."""
    check_tensor(input, "unbind")
    if not input.array.ndim:
        raise IndexError("unbind: Dimension specified as 0 but tensor has no dimensions")
    return Unbind(wrap_dim(dim, input.array.ndim))(input)


@method()
def split(input: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Consecutive parts along `dim`: of a size (the last may be smaller), or of the sizes in a list."""
    check_tensor(input, "split")
    if not input.array.ndim:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, input.array.ndim)
    size = input.array.shape[dim]
    if isinstance(split_size_or_sections, tuple | list):
        sizes = tuple(map(operator.index, split_size_or_sections))
        if min(sizes, default=0) < 0 or sum(sizes) != size:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size at "
                f"dimension {dim}), and to have only non-negative entries, but got split_sizes={list(sizes)}"
            )
        return Split(sizes, dim)(input)
    step = operator.index(split_size_or_sections)
    if step < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
    if step == 0 and size:
        raise RuntimeError(
            f"split_size can only be 0 if dimension size is 0, but got dimension size of {size}"
        )
    sizes = (0,) if not size else tuple(min(step, size - start) for start in range(0, size, step))
    return Split(sizes, dim)(input)


@method()
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` consecutive parts along `dim`, of equal size but for the last."""
    check_tensor(input, "chunk")
    if not input.array.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = wrap_dim(dim, input.array.ndim)
    size = input.array.shape[dim]
    if not size:
        return Split((0,) * chunks, dim)(input)
    return split(input, -(-size // chunks), dim)


@method()
def tensor_split(
    input: Tensor, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None, sections: Any = None
) -> tuple[Tensor, ...]:
    """Parts along `dim`: a number of them, of sizes that differ by at most 1; or those between indices."""
    check_tensor(input, "tensor_split")
    where: Any = next((x for x in (indices_or_sections, indices, sections) if x is not None), None)
    if not input.array.ndim:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = wrap_dim(dim, input.array.ndim)
    size = input.array.shape[dim]
    if isinstance(where, Tensor):
        where = where.array.tolist()
    if isinstance(where, tuple | list):
        bounds = [0, *map(operator.index, where), size]
    else:
        n = operator.index(where)
        if n <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {n}")
        bounds = [0]
        for i in range(n):
            bounds.append(bounds[-1] + size // n + (i < size % n))
    return tuple(Slice(along(dim, slice(a, b)))(input) for a, b in pairwise(bounds))


def _split_along(name: str, least: int, dim: int) -> Any:
    """hsplit, vsplit, dsplit: `tensor_split` along a fixed dimension, whose size an int must divide."""

    def function(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        ndim = check_tensor(input, name).array.ndim
        if ndim < least:
            raise RuntimeError(
                f"{name} requires a tensor with at least {least} dimension{'s' * (least > 1)}, but got a "
                f"tensor with {ndim} dimensions!"
            )
        along_dim = 0 if name == "hsplit" and ndim == 1 else dim
        size = input.array.shape[along_dim]
        if isinstance(indices_or_sections, int) and (indices_or_sections <= 0 or size % indices_or_sections):
            raise RuntimeError(
                f"{name} attempted to split along dimension {along_dim}, but the size of the dimension "
                f"{size} is not divisible by the split_size {indices_or_sections}!"
            )
        return tensor_split(input, indices_or_sections, along_dim)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`tensor_split` along dimension {dim}, into equal parts if an int is given."
    return method(name)(function)


hsplit = _split_along("hsplit", 1, 1)
vsplit = _split_along("vsplit", 2, 0)
dsplit = _split_along("dsplit", 3, 2)
