"""Dimensions as users name them: checked, counted from the front, and in the words of torch's errors."""

from __future__ import annotations

import operator
from typing import Any


def wrap_dim(dim: Any, ndim: int, what: str = "Dimension") -> int:
    """A dimension between 0 and ndim - 1. A 0-dimensional tensor counts as having one."""
    if dim.__class__ is not int:
        dim = whole_number(dim, what.lower())
    n = max(ndim, 1)
    if not -n <= dim < n:
        raise IndexError(f"{what} out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim % n


def whole_number(value: Any, what: str) -> int:
    """An int, from whatever can be used as an index; a bool is none, as in torch: it was meant for another argument."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{what} must be an int, got {type(value).__name__}")
    return operator.index(value)


def wrap_dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """Several dimensions, from an int, a sequence or None (all of them); each may be named once."""
    if dim is None:
        return tuple(range(ndim))
    dims = tuple(wrap_dim(d, ndim) for d in dim) if isinstance(dim, tuple | list) else (wrap_dim(dim, ndim),)
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {next(d for d in dims if dims.count(d) > 1)} appears multiple times in the list of dims")
    return tuple(d for d in dims if d < ndim) if ndim == 0 else dims


def given_shape(function: str, argument: str, args: tuple, value: Any = None) -> tuple[int, ...]:
    """A shape from `f(2, 3)`, `f((2, 3))` or `f(argument=(2, 3))`."""
    if not args and value is None:
        raise TypeError(f'{function}() missing 1 required positional arguments: "{argument}"')
    return as_shape(*args) if value is None else as_shape(value)


def as_shape(*sizes: Any) -> tuple[int, ...]:
    """A shape from `f(2, 3)` or `f((2, 3))`."""
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    for s in sizes:
        if s.__class__ is not int:
            break
    else:
        return sizes
    if isinstance(sizes[0], bool):
        raise TypeError(f"sizes must be ints, got bool in {tuple(sizes)}")
    try:
        return tuple(operator.index(s) for s in sizes)
    except TypeError:
        raise TypeError(f"sizes must be ints, got ({', '.join(type(s).__name__ for s in sizes)})") from None
