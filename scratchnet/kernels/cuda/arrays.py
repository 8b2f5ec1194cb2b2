"""What every launcher asks of its arrays before it starts a kernel: kernels check nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_LIMIT = 2**31              # kernels count in 32 bits: dividing 64-bit integers takes a GPU some 70 instructions


def checked(name: str, array: Any) -> Any:
    """The array of float32, C-contiguous.

    Raises
    ------
    TypeError
        If it is of another dtype.
    RuntimeError
        If it has 2³¹ elements or more.
    """
    if array.dtype != np.float32:
        raise TypeError(f"{name}: the CUDA kernel takes arrays of float32, got {array.dtype}")
    check_size(name, array.shape)
    return array if array.flags.c_contiguous else array.copy(order="C")


def check_size(name: str, shape: Any) -> int:
    """The number of elements, fewer than 2³¹."""
    count = math.prod(shape)
    if count >= _LIMIT:
        raise RuntimeError(f"{name}: CUDA kernels take fewer than 2³¹ elements, got an array of shape {tuple(shape)}")
    return count


def new(shape: Any, like: Any) -> Any:
    """An array without contents, where ``like`` is, of its dtype."""
    return np.empty_like(like, shape=shape)


def flat(array: Any) -> Any:
    """A contiguous array as one row, as most kernels see it."""
    return array.reshape(-1)
