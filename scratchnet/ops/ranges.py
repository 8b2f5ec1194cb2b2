"""Tensors made by a rule: numbers at equal distances, and what marks positions in matrices."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.creation import dtype_or_default, fresh
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.promotion import get_default_dtype

__all__ = ["arange", "linspace", "logspace", "eye", "tril_indices", "triu_indices"]



def _scalars(function: str, **values: Any) -> list[Any]:
    """Python numbers, from those or 0-dimensional tensors."""
    numbers = [v.item() if isinstance(v, Tensor | np.generic) else v for v in values.values()]
    for name, v in zip(values, numbers):
        if not isinstance(v, bool | int | float):
            raise TypeError(f"{function}(): argument {name!r} must be Number, not {type(v).__name__}")
    return numbers


def arange(start: Any = None, end: Any = None, step: Any = None, *, dtype: Any = None, **options: Any) -> Tensor:
    """start, start + step, … without end: `arange(5)`, `arange(1, 2, 0.25)`. int64 if all are ints."""
    if end is None:
        if start is None or step is not None:
            raise TypeError("arange(): expected arange(end), arange(start, end) or arange(start, end, step)")
        start, end = 0, start
    start, step = 0 if start is None else start, 1 if step is None else step
    start, end, step = _scalars("arange", start=start, end=end, step=step)
    if not all(map(math.isfinite, (start, end))):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    floating = any(isinstance(v, float) for v in (start, end, step))
    dtype = as_dtype(dtype) if dtype is not None else get_default_dtype() if floating else np.dtype(np.int64)
    if dtype.kind == "b":
        raise NotImplementedError("arange is not implemented for bool")
    if dtype == np.int64:
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise RuntimeError(
            f"upper bound and lower bound inconsistent with step sign: start {start}, end {end}, step {step}"
        )
    n = (
        -((start - end) // step)
        if isinstance(end - start, int) and isinstance(step, int)
        else math.ceil((end - start) / step)
    )
    if dtype.kind != "f":
        start, step = int(start), int(step)
    return fresh((start + np.arange(n) * step).astype(dtype), **options)


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, **options: Any) -> Tensor:
    """`steps` equidistant numbers, both ends included; the second half is counted down from `end`."""
    dtype = dtype_or_default(dtype)
    return fresh(_equidistant("linspace", start, end, steps, dtype).astype(dtype), **options)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, **options: Any
) -> Tensor:
    """base to the power of `linspace(start, end, steps)`."""
    dtype = dtype_or_default(dtype)
    exponents = _equidistant("logspace", start, end, steps, dtype)
    return fresh(np.power(float(base), exponents.astype(np.float64)).astype(dtype), **options)


def _equidistant(function: str, start: Any, end: Any, steps: int, dtype: np.dtype) -> np.ndarray:
    start, end = _scalars(function, start=start, end=end)
    steps = operator.index(steps)
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, got {steps}")
    if dtype.kind != "f":
        start, end, dtype = (
            int(start),
            int(end),
            np.dtype(np.float32),
        )  # torch computes these in float32 steps
    start, end, i = dtype.type(start), dtype.type(end), np.arange(steps, dtype=dtype)
    step = (end - start) / dtype.type(max(steps - 1, 1))
    return np.where(i < steps // 2 if steps > 1 else i == 0, start + step * i, end - step * (steps - 1 - i))


def eye(n: int, m: int | None = None, *, dtype: Any = None, **options: Any) -> Tensor:
    """Ones on the diagonal of an n × m (default n × n) matrix of zeros."""
    m = n if m is None else m
    for name, size in (("n", n), ("m", m)):
        if operator.index(size) < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return fresh(np.eye(n, m, dtype=dtype_or_default(dtype)), **options)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, **options: Any) -> Tensor:
    """The indices, shape (2, n), of the elements on and below a diagonal of a row × col matrix."""
    return _triangle(np.tril_indices, row, col, offset, dtype, options)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, **options: Any) -> Tensor:
    """The indices, shape (2, n), of the elements on and above a diagonal of a row × col matrix."""
    return _triangle(np.triu_indices, row, col, offset, dtype, options)


def _triangle(where: Any, row: int, col: int, offset: int, dtype: Any, options: dict) -> Tensor:
    for name, size in (("row", row), ("col", col)):
        if size < 0:
            raise RuntimeError(f"{name} must be non-negative, got {size}")
    return fresh(np.stack(where(row, offset, col)).astype(as_dtype(dtype)), **options)
