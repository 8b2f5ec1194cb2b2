"""What every launcher asks of its arrays before it starts a kernel: kernels check nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_LIMIT = 2**31              # kernels count in 32 bits: dividing 64-bit integers takes a GPU some 70 instructions


def checked(name: str, *arrays: Any, dtype: Any = np.float32) -> Any:
    """The arrays, C-contiguous: one, or a tuple of several; None stays None.

    Raises
    ------
    TypeError
        If one is of another dtype.
    RuntimeError
        If one has 2³¹ elements or more.
    """
    result = tuple(None if a is None else _checked(name, a, np.dtype(dtype)) for a in arrays)
    return result[0] if len(result) == 1 else result


def _checked(name, array, dtype):
    if array.dtype != dtype:
        raise TypeError(f"{name}: the CUDA kernel takes arrays of {dtype}, got {array.dtype}")
    check_size(name, array.shape)
    return array if array.flags.c_contiguous else array.copy(order="C")


def check_size(name: str, shape: Any) -> int:
    """The number of elements, fewer than 2³¹."""
    count = math.prod(shape)
    if count >= _LIMIT:
        raise RuntimeError(f"{name}: CUDA kernels take fewer than 2³¹ elements, got an array of shape {tuple(shape)}")
    return count


def new(shape: Any, like: Any, dtype: Any = None) -> Any:
    """An array without contents, where ``like`` is."""
    return np.empty_like(like, shape=shape, dtype=dtype)


def flat(array: Any) -> Any:
    """A contiguous array as one row, as most kernels see it."""
    return array.reshape(-1)
