"""Checks that the functions of this package share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor


def require_float(x: Any, function: str, argument: str = "input") -> Tensor:
    """`x` itself, if it is a Tensor of floating-point numbers."""
    check_tensor(x, function, argument)
    if x.array.dtype.kind != "f":
        raise NotImplementedError(
            f"{function}: not implemented for {argument} of dtype {x.array.dtype}; convert it, e.g. with .float()"
        )
    return x


def refuse_bools(x: Any, function: str) -> Tensor:
    """`x` itself, if it is a Tensor of numbers."""
    if check_tensor(x, function).array.dtype.kind == "b":
        raise NotImplementedError(f"{function}: not implemented for bools; convert them, e.g. with .float()")
    return x


def require_same_dtype(function: str, **tensors: Tensor | None) -> None:
    """Refuse Tensors of different dtypes; None is left out."""
    first = None
    for name, x in tensors.items():
        if x is None:
            continue
        dtype = check_tensor(x, function, name).array.dtype
        if first is None:
            first = dtype
        elif dtype != first:
            given = ", ".join(f"{name} is {x.array.dtype}" for name, x in tensors.items() if isinstance(x, Tensor))
            raise RuntimeError(f"{function}: expected tensors of the same dtype, but {given}")


def require_channels(x: Tensor, ndim: int, channels: int, layer: str) -> None:
    """Refuse an input [N, C, ...] of other dimensions, or another C: one channel would be spread over all."""
    shape = x.array.shape
    if len(shape) != ndim:
        raise ValueError(f"{layer}: expected {ndim}D input (got {len(shape)}D input)")
    if shape[1] != channels:
        raise RuntimeError(f"{layer}: expected {channels} channels, got input of shape {shape}")


def ints(value: Any, n: int, function: str, argument: str) -> tuple[int, ...]:
    """n ints from an int, which stands for all, or a sequence of one or n of them."""
    if value.__class__ is int:
        return (value,) * n
    if value.__class__ is tuple and len(value) == n and all(v.__class__ is int for v in value):
        return value  # what layers pass, step after step
    values = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    if any(isinstance(v, bool) or not hasattr(v, "__index__") for v in values):
        raise TypeError(f"{function}(): argument '{argument}' must be int or tuple of ints, not {value!r}")
    if len(values) not in (1, n):
        raise RuntimeError(f"{function}: {argument} must be an int or a tuple of {n} ints, got {value}")
    return tuple(int(v) for v in values) * (n // len(values))
