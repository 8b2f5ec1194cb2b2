"""Medians, quantiles and modes."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, OUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.extrema import MaxOfAll, pick, values_at
from scratchnet.ops.reducing import check_nonempty, numpy_names, values_indices
from scratchnet.ops.selection import where
from scratchnet.ops.sorting import sorted_indices

__all__ = ["median", "mode", "nanmedian", "nanquantile", "quantile"]

Median = values_indices("median")
NanMedian = values_indices("nanmedian")
Mode = values_indices("mode")


class MedianOfAll(MaxOfAll):
    """y = the median, the lower of two.  dL/dx = g, shared evenly by the elements that equal y"""

    reads = (0, OUT)

    def __init__(self, dims: tuple[int, ...], ignore_nan: bool) -> None:
        super().__init__(dims, False)
        self.ignore_nan = ignore_nan

    def forward(self, x: Any) -> Any:
        numbers = x[x == x]
        if not numbers.size or (numbers.size < x.size and not self.ignore_nan):
            return np.full((), np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype, like=x)
        middle = (numbers.size - 1) // 2
        return np.partition(numbers, middle)[middle]


@method()
@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element in order, the lower one of two; NaN if there is one.

    median(input)                       of all elements; equal ones share the gradient evenly
    median(input, dim, keepdim=False)   (values, indices) along a dimension
    """
    return _median(input, dim, keepdim, False)


@method()
@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of those elements that are not NaN: see `median`."""
    return _median(input, dim, keepdim, True)


def _median(input: Tensor, dim: int | None, keepdim: bool, ignore_nan: bool) -> Any:
    function = "nanmedian" if ignore_nan else "median"
    if check_tensor(input, function).array.dtype.kind == "b":
        raise NotImplementedError(f"{function}: not defined for bools")
    if dim is None:
        return MedianOfAll(tuple(range(input.array.ndim)), ignore_nan)(input)
    x, dim, order = sorted_indices(input, dim, False, function)
    check_nonempty(x.array.shape, (dim,), dim, function)
    # NaN are sorted to the end: the first of them is the median if there is one and they are not ignored
    n, numbers = x.array.shape[dim], (~x.isnan()).sum(dim, keepdim=True)
    place = (numbers - 1).clamp(min=0) // 2
    if not ignore_nan:
        place = where(numbers < n, numbers, place)
    return values_at(
        x,
        dim,
        pick(order, dim, place),
        keepdim and input.array.ndim > 0,
        NanMedian if ignore_nan else Median,
    )


# ---- quantiles ---------------------------------------------------------------------------------------------
INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@method()
@numpy_names
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The q-quantiles along `dim` or of all elements; NaN where there is a NaN.

    Parameters
    ----------
    q : number or Tensor of shape () or (Q,)
        Between 0 and 1. Several quantiles make a new first dimension.
    interpolation : "linear", "lower", "higher", "midpoint" or "nearest"
        What to do when q · (n − 1) is no whole number.

    Raises
    ------
    RuntimeError
        If the input holds no floats or is empty, or q has another dtype or shape, or is outside [0, 1].
    """
    return _quantile(input, q, dim, keepdim, interpolation, False)


@method()
@numpy_names
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The q-quantiles of those elements that are not NaN: see `quantile`."""
    return _quantile(input, q, dim, keepdim, interpolation, True)


def _quantile(
    input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    q = _check_quantile(input, q, interpolation)
    ndim = input.array.ndim
    x = input.flatten() if dim is None else input
    x, axis, order = sorted_indices(x, -1 if dim is None else dim, False, "quantile")
    ordered = pick(x, axis, order).movedim(axis, -1)
    numbers = (~ordered.isnan()).sum(-1, keepdim=True)
    # where each quantile lies in the sorted row: a fraction between two places
    rank = q.flatten() * (numbers - 1).clamp(min=0)
    if not ignore_nan:
        rank = where(
            numbers < ordered.array.shape[-1], float(ordered.array.shape[-1] - 1), rank
        )  # the NaN at the end
    y = _between(ordered, rank, interpolation).movedim(-1, 0)
    if keepdim:
        y = y.reshape((-1,) + (1,) * ndim) if dim is None else y.unsqueeze(axis + 1)
    return y if q.array.ndim else y.squeeze(0)


def _between(ordered: Tensor, rank: Tensor, interpolation: str) -> Tensor:
    """The value at a fractional place of a sorted row."""
    if interpolation in ("lower", "higher", "nearest"):
        whole = {"lower": rank.floor, "higher": rank.ceil, "nearest": rank.round}[interpolation]()
        return pick(ordered, -1, whole.long())
    low = rank.floor()
    weight = rank - low
    if interpolation == "midpoint":
        weight = weight.ceil() / 2
    return pick(ordered, -1, low.long()).lerp(pick(ordered, -1, rank.ceil().long()), weight)


def _check_quantile(input: Tensor, q: Any, interpolation: str) -> Tensor:
    dtype = check_tensor(input, "quantile").array.dtype
    if dtype not in (np.float32, np.float64):
        raise RuntimeError(f"quantile() input tensor must be either float or double dtype, got {dtype}")
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"quantile() interpolation must be one of {', '.join(INTERPOLATIONS)}, but got {interpolation}"
        )
    if not input.array.size:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if not isinstance(q, Tensor):
        q = Tensor(np.full((), q, dtype, like=input.array))
    if q.array.ndim > 1:
        raise RuntimeError(f"quantile() q must be a scalar or 1D tensor, got shape {q.array.shape}")
    if q.array.dtype != dtype:
        raise RuntimeError(
            f"quantile() q tensor must be same dtype as the input tensor, {dtype}, got {q.array.dtype}"
        )
    if not ((q.array >= 0) & (q.array <= 1)).all():
        raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q.array}")
    return q.detach()


# ---- mode --------------------------------------------------------------------------------------------------
class LongestRun(Function):
    """y = where the longest run of equal elements ends along the last dimension, the first of several."""

    reads = NOTHING

    def forward(self, x: Any) -> Any:
        place = np.arange(x.shape[-1], like=x)
        begins = np.concatenate([np.ones_like(x[..., :1], dtype=bool), x[..., 1:] != x[..., :-1]], -1)
        return (place - np.maximum.accumulate(np.where(begins, place, 0), -1)).argmax(-1, keepdims=True)


@method()
@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the most frequent element along `dim`: the smallest of several, its last place."""
    x, dim, order = sorted_indices(input, dim, False, "mode")
    check_nonempty(x.array.shape, (dim,), dim, "mode")
    ordered = pick(x.detach(), dim, order).movedim(dim, -1)
    place = LongestRun()(ordered).movedim(-1, dim)
    return values_at(x, dim, pick(order, dim, place), keepdim and input.array.ndim > 0, Mode)
