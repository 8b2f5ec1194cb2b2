"""What an index means, by torch's rules.

An index is worked through in two steps. Ints, slices, None and Ellipsis make a view. Then the integer
tensors, each of which stands at one dimension of that view, pick elements together: their common shape takes
the place of the dimensions they stand at, or comes first if these are not neighbours. A mask is as many
integer tensors as it has dimensions: where it is true. (NumPy counts an int beside a tensor as a tensor too,
so that `x[0, :, [1, 2]]` puts the picked dimension first there, not here.)
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor

_BOUNDS = (int, type(None))
_INDEX_DTYPES = (np.int64, np.int32, np.uint8, np.bool_)


def parse(x: Tensor, index: Any) -> tuple[tuple, list[tuple[int, Any]], bool]:
    """The two steps of an index: the key of a view, and (dimension of the view, index) pairs that pick from it.

    Picking indices are Tensors or arrays of integers; masks have been replaced by where they are true. The
    third result says whether all of them were masks.
    """
    items = _expand_ellipsis(_as_tuple(index), x)
    shape = x.array.shape
    key: list[Any] = []
    picks: list[tuple[int, Any]] = []
    masks = 0
    source = place = 0  # the dimension of x that comes next, and where it will be in the view
    for position, item in enumerate(items):
        if item is None:
            key.append(None)
            place += 1
        elif isinstance(item, slice):
            key.append(_check_slice(item))
            source, place = source + 1, place + 1
        elif isinstance(item, int):
            key.append(_check_int(item, source, shape))
            source += 1
        elif isinstance(item, np.bool_):
            key.append(None)
            picks.append((place, np.zeros(int(item), np.int64)))
            place, masks = place + 1, masks + 1
        elif item.dtype.kind == "b":
            _check_mask(item, shape, source, position)
            picks.extend((place + i, where) for i, where in enumerate(array_of(item).nonzero()))
            key.extend([slice(None)] * item.ndim)
            source, place, masks = source + item.ndim, place + item.ndim, masks + item.ndim
        else:
            key.append(slice(None))
            picks.append((place, item))
            source, place = source + 1, place + 1
    return (*key, Ellipsis), picks, masks == len(picks)


def basic_key(index: Any) -> tuple | None:
    """The key of an index that is nothing but ints, slices, None and one Ellipsis; None for all others."""
    items = index if index.__class__ is tuple else (index,)
    has_ellipsis = False
    for i in items:
        if i.__class__ is slice:
            if i.step is not None or type(i.start) not in _BOUNDS or type(i.stop) not in _BOUNDS:
                return None
        elif i is Ellipsis and not has_ellipsis:
            has_ellipsis = True
        elif i.__class__ is not int and i is not None:
            return None
    return items if has_ellipsis else (*items, Ellipsis)


def _as_tuple(index: Any) -> tuple:
    """Single indices as a tuple of one, with lists made arrays; each item then has one of a few types."""
    if (
        isinstance(index, list)
        and len(index) < 32
        and any(
            isinstance(i, Tensor | np.ndarray | list | tuple | slice) or i is Ellipsis or i is None
            for i in index
        )
    ):
        warnings.warn(
            "Using a non-tuple sequence for multidimensional indexing is deprecated: use x[tuple(index)] "
            "instead of x[index]",
            stacklevel=4,
        )
        index = tuple(index)
    return tuple([_item(i) for i in (index if isinstance(index, tuple) else (index,))])


def _item(i: Any) -> Any:
    """None, Ellipsis, a slice, an int, np.bool_, or a Tensor or array of int64 or bool with dimensions."""
    if i is None or i is Ellipsis or isinstance(i, slice):
        return i
    if isinstance(i, bool | np.bool_):
        return np.bool_(i)
    if isinstance(i, int | np.integer):
        return int(i)
    if isinstance(i, list | tuple | range):
        i = np.array(i, None if len(i) else np.int64)
    if not isinstance(i, Tensor | np.ndarray):
        raise (TypeError if isinstance(i, str) else IndexError)(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
            f"indices (got {type(i).__name__})"
        )
    if i.dtype not in _INDEX_DTYPES and (i.ndim or i.dtype.kind == "f"):
        raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, got {i.dtype}")
    if i.dtype == np.uint8:
        warnings.warn(
            "indexing with dtype uint8 is now deprecated, please use a dtype bool instead.", stacklevel=5
        )
        i = array_of(i) != 0
    if not i.ndim:
        return np.bool_(array_of(i).item()) if i.dtype.kind == "b" else int(array_of(i).item())
    return i


def _expand_ellipsis(items: tuple, x: Tensor) -> tuple:
    """The items with one slice for each dimension that Ellipsis, or the end of the index, stands for."""
    used = 0
    for i in items:
        if i is not None and i is not Ellipsis and not isinstance(i, np.bool_):
            used += i.ndim if isinstance(i, Tensor | np.ndarray) and i.dtype.kind == "b" else 1
    ndim = x.array.ndim
    if used > ndim:
        if not ndim:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` to convert a 0-dim tensor to a number"
            )
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    at = next((n for n, i in enumerate(items) if i is Ellipsis), len(items))
    after = [i for i in items[at + 1 :] if i is not Ellipsis]  # a second one stands for nothing
    if len(after) < len(items[at + 1 :]) and used < ndim and not all(i is None for i in after):
        raise IndexError("an index can only have a single ellipsis ('...')")
    return (*items[:at], *[slice(None)] * (ndim - used), *after)


def _check_slice(s: slice) -> slice:
    start, stop, step = (None if i is None else operator.index(i) for i in (s.start, s.stop, s.step))
    if step is not None and step <= 0:
        raise ValueError(f"step must be greater than zero, got {step}")
    return slice(start, stop, step)


def _check_int(i: int, dim: int, shape: tuple[int, ...]) -> int:
    size = shape[dim]
    if not -size <= i < size:
        raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {size}")
    return i


def _check_mask(mask: Any, shape: tuple[int, ...], dim: int, position: int) -> None:
    if mask.shape != shape[dim : dim + mask.ndim]:
        raise IndexError(
            f"The shape of the mask {list(mask.shape)} at index {position} does not match the shape of the "
            f"indexed tensor {list(shape)} at index {dim}"
        )


def check_bounds(
    index: Any, size: int, dim: int, negative: bool = True, error: type[Exception] = IndexError
) -> None:
    """Refuse an array of indices that reaches outside a dimension."""
    if not index.size:
        return
    low, high = index.min(), index.max()
    if low < (-size if negative else 0) or high >= size:
        bad = high if high >= size else low
        raise error(f"index {bad} is out of bounds for dimension {dim} with size {size}")


def array_of(x: Any) -> Any:
    return x.array if isinstance(x, Tensor) else x


def takes_all(key: tuple, shape: tuple[int, ...]) -> bool:
    """Whether a key of slices, and one Ellipsis, takes every element."""
    at = key.index(Ellipsis)
    behind = len(key) - at - 1
    if at + behind > len(shape):
        return False
    places = (*zip(key[:at], shape), *zip(key[at + 1 :], shape[len(shape) - behind :]))
    return all(
        isinstance(k, slice) and k.start in (None, 0) and (k.stop is None or k.stop >= n) and k.step in (None, 1)
        for k, n in places
    )
