"""`x[index]` and `x[index] = value`, and what gathering and scattering are made of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.mode import modes
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import check_memory, check_writable, write
from scratchnet.ops.fill import assign
from scratchnet.ops.index_parsing import array_of, basic_key, check_bounds, parse, takes_all
from scratchnet.ops.promotion import cast
from scratchnet.ops.shape import reshape
from scratchnet.ops.slicing import Slice, unbind

_AFTER_FIRST = tuple(range(1, 66))
_AFTER_SECOND = tuple(range(2, 67))


class Index(Function):
    """y = x[i, j, …], the index arrays i, j, … standing at some dimensions.  dL/dx = zeros, to which g is
    added at [i, j, …]."""

    reads = _AFTER_FIRST

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Any, *indices: Any) -> Any:
        self.source_shape = x.shape
        return x[key_of(x.ndim, self.dims, indices)]

    def backward(self, g: Tensor) -> Any:
        indices = self.inputs[1:]
        return AddAt(self.dims, self.source_shape)(g, *indices), *[None] * len(indices)


class AddAt(Function):
    """y = zeros, to which x is added at [i, j, …], at repeated places each time.  dL/dx = g[i, j, …]"""

    reads = _AFTER_FIRST

    def __init__(self, dims: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self.dims, self.target = dims, shape

    def forward(self, x: Any, *indices: Any) -> Any:
        y = np.zeros(self.target, x.dtype, like=x)
        add_at(y, self.dims, indices, x)
        return y

    def backward(self, g: Tensor) -> Any:
        indices = self.inputs[1:]
        return Index(self.dims)(g, *indices), *[None] * len(indices)


class PutAt(Function):
    """y = x, but v (with `accumulate`: x + v) at [i, j, …].

    dL/dv = g[i, j, …],  dL/dx = g, but 0 at [i, j, …] (with `accumulate`: g)
    """

    reads = _AFTER_SECOND

    def __init__(self, dims: tuple[int, ...], accumulate: bool = False) -> None:
        self.dims, self.accumulate = dims, accumulate

    def forward(self, x: Any, v: Any, *indices: Any) -> Any:
        y = x.copy()
        put_at(y, self.dims, indices, v, self.accumulate)
        return y

    def backward(self, g: Tensor) -> Any:
        indices = self.inputs[2:]
        need_x, need_v = self.needs_input_grad[:2]
        g_x = g_v = None
        if need_x:
            g_x = g if self.accumulate else PutAt(self.dims)(g, g.array.dtype.type(0), *indices)
        if need_v:
            g_v = Index(self.dims)(g, *indices)
        return g_x, g_v, *[None] * len(indices)


# ---- on arrays -----------------------------------------------------------------------------------
def key_of(ndim: int, dims: tuple[int, ...], indices: Any) -> tuple:
    """The key of an array of `ndim` dimensions in which `indices` stand at `dims`."""
    key: list[Any] = [slice(None)] * ndim
    for d, index in zip(dims, indices):
        key[d] = index
    return (*key, Ellipsis)


def put_at(y: Any, dims: tuple[int, ...], indices: Any, v: Any, accumulate: bool) -> None:
    """y[i, j, …] = v, or += v with repeated places counted each time."""
    if accumulate:
        add_at(y, dims, indices, v)
    else:
        y[key_of(y.ndim, dims, indices)] = v


def add_at(y: Any, dims: tuple[int, ...], indices: Any, v: Any) -> None:
    """y[i, j, …] += v in a row-major y, with repeated places counted each time.

    `np.add.at` is fast only for a vector and one vector of places (7 times here), so the places of all
    elements are numbered.
    """
    if not y.size:
        return
    strides = [s // y.itemsize for s in y.strides]
    picked = sum(np.where(i < 0, i + y.shape[d], i) * strides[d] for d, i in zip(dims, indices))
    rest = [d for d in range(y.ndim) if d not in dims]
    offsets = sum(
        (open_grid(y.shape, d, rest, like=y) * strides[d] for d in rest),
        np.zeros((1,) * len(rest), np.int64, like=y),
    )
    first = dims[0] if _neighbours(dims) else 0
    shape = *offsets.shape[:first], *picked.shape, *offsets.shape[first:]
    v = np.broadcast_to(v, shape, subok=True)
    v = np.moveaxis(v, range(first, first + picked.ndim), range(picked.ndim))
    places = picked.reshape(-1, 1) + offsets.reshape(1, -1)
    np.add.at(y.reshape(-1), places.reshape(-1), v.reshape(-1))


def open_grid(shape: tuple[int, ...], dim: int, dims: Any = None, like: Any = None) -> Any:
    """0, 1, … along `dim`, shaped to broadcast with the others of `dims` (default: all dimensions)."""
    dims = range(len(shape)) if dims is None else dims
    return np.arange(shape[dim], like=like).reshape([-1 if d == dim else 1 for d in dims])


# ---- x[…] ----------------------------------------------------------------------------------------
@method("__getitem__")
def getitem(self: Tensor, index: Any) -> Tensor:
    """The elements at an index: a copy if tensors, lists or masks are in it, else a view."""
    key = basic_key(index)
    if key is not None:
        with contextlib.suppress(IndexError):  # refused below, in torch's words
            return Slice(key)(self)
    key, picks, _ = parse(self, index)
    y = self if picks and takes_all(key, self.array.shape) else Slice(key)(self)
    return pick(y, picks) if picks else y


@method("__setitem__")
def setitem(self: Tensor, index: Any, value: Any) -> None:
    """Replace the elements at an index by a number, or by a tensor that broadcasts to their shape."""
    if not isinstance(value, Tensor | bool | int | float):
        raise TypeError(
            f"can't assign a {type(value).__module__}.{type(value).__name__} to a {self.array.dtype} tensor"
        )
    check_writable(self)
    key = basic_key(index)
    if key is not None and not isinstance(value, Tensor):
        with contextlib.suppress(IndexError):
            assign(_region(self, key), value)
            return
    key, picks, masks_only = parse(self, index)
    region = _region(self, key)
    if isinstance(value, Tensor):
        value = _without_leading_ones(value, None if picks else region.array.ndim)
        if picks and masks_only and not value.array.ndim:
            value = cast(value, self.array.dtype)  # a number, wherever a mask is true
    if picks:
        put_(region, picks, value)
    else:
        assign(region, value)


def _region(x: Tensor, key: tuple) -> Tensor:
    """What an assignment writes to: x itself where that is all of it, so that nothing of its old history is needed."""
    return x if takes_all(key, x.array.shape) else Slice(key)(x)


def _without_leading_ones(value: Tensor, ndim: int | None) -> Tensor:
    """Assignment ignores leading dimensions of size 1 of what is assigned."""
    shape = value.array.shape
    while shape and shape[0] == 1 and (ndim is None or len(shape) > ndim):
        shape = shape[1:]
    return value if len(shape) == value.array.ndim else reshape(value, shape)


def pick(x: Tensor, picks: list) -> Tensor:
    """The second step of reading: the elements where index arrays stand at dimensions."""
    dims, indices = zip(*picks)
    try:
        return Index(dims)(x, *indices)
    except IndexError:
        refuse(x, dims, indices)
        raise


def refuse(x: Tensor, dims: tuple[int, ...], indices: Any) -> None:
    """Say what is wrong with indices that NumPy refused."""
    _common_shape(indices)
    for d, index in zip(dims, indices):
        check_bounds(array_of(index), x.array.shape[d], d)


def put_(x: Tensor, picks: list, value: Any, accumulate: bool = False) -> Tensor:
    """The second step of assignment: replace (or add to) the elements that index arrays pick."""
    dims, indices = zip(*picks)
    refuse(x, dims, indices)
    value = matching(
        x,
        value,
        f"Index put requires the source and destination dtypes match, got {x.array.dtype} for the "
        "destination",
    )
    check_broadcast(value, x, dims, indices)
    check_writable(x)
    if modes.grad and (x.requires_grad or (isinstance(value, Tensor) and value.requires_grad)):
        return write(x, PutAt(dims, accumulate)(x._alias(), value, *indices))
    check_memory(x)
    y = x.array if not accumulate or x.array.flags.c_contiguous else x.array.copy()
    put_at(y, dims, tuple(map(array_of, indices)), array_of(value), accumulate)
    if y is not x.array:
        x.array[...] = y
    x._counter[0] += 1
    return x


def matching(x: Tensor, value: Any, complaint: str) -> Any:
    """A value that may be put into `x`: a Tensor of its dtype, or a number, converted to it."""
    if not isinstance(value, Tensor):
        if not isinstance(value, bool | int | float | np.generic):
            raise TypeError(f"{complaint}: expected a Tensor or a number, got {type(value).__name__}")
        return x.array.dtype.type(value)
    if value.array.dtype != x.array.dtype:
        raise RuntimeError(f"{complaint} and {value.array.dtype} for the source.")
    return value


def check_broadcast(value: Any, x: Tensor, dims: tuple[int, ...], indices: Any) -> None:
    """Refuse a value that does not broadcast to the shape of what index arrays pick."""
    picked = picked_shape(x.array.shape, dims, indices)
    try:
        fits = np.broadcast_shapes(np.shape(array_of(value)), picked) == picked
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(value.array.shape)} cannot be broadcast to "
            f"indexing result of shape {list(picked)}"
        )


def picked_shape(shape: tuple[int, ...], dims: tuple[int, ...], indices: Any) -> tuple[int, ...]:
    """The shape of what index arrays pick: theirs replaces the dimensions, or comes first."""
    rest = [d for d in range(len(shape)) if d not in dims]
    first = dims[0] if _neighbours(dims) else 0
    sizes = tuple(shape[d] for d in rest)
    return sizes[:first] + _common_shape(indices) + sizes[first:]


def _neighbours(dims: tuple[int, ...]) -> bool:
    return dims == tuple(range(dims[0], dims[0] + len(dims)))


def _common_shape(indices: Any) -> tuple[int, ...]:
    if len(indices) == 1:
        return indices[0].shape
    try:
        return np.broadcast_shapes(*[i.shape for i in indices])
    except ValueError:
        shapes = ", ".join(str(list(i.shape)) for i in indices)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None


# ---- as a sequence -------------------------------------------------------------------------------
@method()
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if not self.array.ndim:
        raise TypeError("iteration over a 0-d tensor")
    return iter(unbind(self))


@method()
def __contains__(self: Tensor, element: Any) -> bool:
    if not isinstance(element, Tensor | bool | int | float):
        raise RuntimeError(
            f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
        )
    return bool((self.array == array_of(element)).any())
