"""Which dtypes a Tensor may have, and their names."""

from __future__ import annotations

from typing import Any

import numpy as np

_NAMES = "bool uint8 int8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64"
SUPPORTED = tuple(np.dtype(name) for name in _NAMES.split())


def as_dtype(dtype: Any) -> np.dtype:
    """A dtype that Tensors may have, from one, a NumPy scalar type, or `bool`, `int` or `float`."""
    # the comparison is also true of np.float32, and of Python's float, which means float64
    if not isinstance(dtype, str) and dtype in SUPPORTED:
        return np.dtype(dtype)
    try:
        given = np.dtype(dtype) if not isinstance(dtype, str) and dtype is not None else None
    except TypeError:
        given = None
    if given is None:
        raise TypeError(f"dtype must be a dtype like scratchnet.float32, got {dtype!r}")
    raise TypeError(f"dtype {given} is not supported. The only supported types are: {_NAMES}")


def check_array(array: np.ndarray) -> np.ndarray:
    """Refuse NumPy arrays that no Tensor can hold, as torch does."""
    if not array.dtype.isnative:
        raise ValueError(
            f"given numpy array has byte order different from the native byte order ({array.dtype.str}). "
            "Conversion between byte orders is currently not supported: use "
            "array.astype(array.dtype.newbyteorder('='))"
        )
    if array.dtype not in SUPPORTED:
        raise TypeError(
            f"can't convert np.ndarray of type {array.dtype.type.__module__}.{array.dtype.type.__name__}. "
            f"The only supported types are: {_NAMES}"
        )
    if array.size and min(array.strides, default=0) < 0:
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are "
            "not currently supported. (You can probably work around this by making a copy of your array with "
            "array.copy().)"
        )
    return array


# ---- nested Python sequences ---------------------------------------------------------------------
_PYTHON_NUMBERS = {bool, int, float}


def from_sequence(data: Any, dtype: Any = None, default: Any = np.float32) -> np.ndarray:
    """An array from a number or nested sequences of them, in `dtype` or in the one they imply."""
    leaves: list[Any] = []
    dtypes: set = set()
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type {type(data).__name__!r}")
    shape = _read(data, leaves, dtypes)
    found = {np.dtype(default if t is float else np.int64 if t is int else t) for t in dtypes}
    if dtype is None:
        kinds = [k for k in ("f", "iu", "b") if any(d.kind in k for d in found)]
        dtype = np.result_type(*[d for d in found if d.kind in kinds[0]]) if found else np.dtype(default)
    try:
        array = np.array(leaves, np.float64 if any(d.kind == "f" for d in found) or not leaves else np.int64)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long: an int does not fit into 64 bits") from None
    return convert(array.reshape(shape), np.dtype(dtype))


def convert(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """`array` in a dtype that must hold its values. (In unsigned ones negative ints wrap around.)"""
    if dtype.kind in "iu" and array.size:
        info = np.iinfo(dtype)
        if not (array.min() >= (info.min or -int(info.max)) and array.max() <= info.max):
            raise RuntimeError(f"value cannot be converted to type {dtype} without overflow")
    with np.errstate(all="ignore"):
        return array.astype(dtype)


def _read(data: Any, leaves: list, dtypes: set) -> tuple[int, ...]:
    """Append the numbers to `leaves` and their types to `dtypes`; return the shape."""
    if isinstance(data, bool | int | float) and not isinstance(data, np.generic):
        leaves.append(data)
        dtypes.add(bool if isinstance(data, bool) else int if isinstance(data, int) else float)
        return ()
    if hasattr(data, "array"):  # a Tensor
        if data.array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        data = data.array.reshape(())
    if isinstance(data, np.ndarray | np.generic):
        leaves.extend(check_array(np.asarray(data)).reshape(-1).tolist())
        dtypes.add(data.dtype)
        return data.shape
    if isinstance(data, str | bytes):
        raise ValueError(f"too many dimensions {type(data).__name__!r}")
    if not hasattr(data, "__len__") or not hasattr(data, "__getitem__") or hasattr(data, "keys"):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    return (len(data), *_read_items(data, leaves, dtypes))


def _read_items(data: Any, leaves: list, dtypes: set) -> tuple[int, ...]:
    """The common shape of the items of a sequence."""
    types = set(map(type, data))
    if types <= _PYTHON_NUMBERS:  # most sequences: no need to look at each item
        leaves.extend(data)
        dtypes.update(types)
        return ()
    first = None
    for item in data:
        shape = _read(item, leaves, dtypes)
        first = shape if first is None else first
        if shape != first:
            if len(first) != len(shape):
                raise TypeError(
                    f"expected nested sequences of one depth, but got {data!r:.60}: an item is not a sequence"
                )
            raise ValueError(f"expected sequence of length {first[0]} at dim 1 (got {shape[0]})")
    return first or ()
