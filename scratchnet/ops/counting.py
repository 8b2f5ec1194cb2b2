"""Distinct elements and how often they occur, histograms, searching in sorted rows: without gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.promotion import promote

__all__ = ["bincount", "bucketize", "histc", "searchsorted", "unique", "unique_consecutive"]


# ---- distinct elements -------------------------------------------------------------------------------------
@method()
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements, in order; each NaN is distinct.

    Parameters
    ----------
    sorted : bool
        They are in order in any case.
    return_inverse, return_counts : bool
        Return also where in the result each element of the input is, and how often each of the result occurs.
    dim : int, optional
        Take the slices along this dimension for elements.

    Returns
    -------
    Tensor, or tuple of Tensors if inverse or counts are wanted
    """
    x = check_tensor(input, "unique").array
    dim = _sliceable(x, dim, "unique")
    values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    inverse = inverse.reshape(x.shape if dim is None else -1)
    return _chosen(values, inverse, counts, return_inverse, return_counts)


@method()
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The input without repetitions of the element before. Parameters and results as of `unique`."""
    x = check_tensor(input, "unique_consecutive").array
    dim = _sliceable(x, dim, "unique_consecutive")
    rows = x.reshape(-1, 1) if dim is None else np.moveaxis(x, dim, 0)
    changed = (rows[1:] != rows[:-1]).any(tuple(range(1, rows.ndim)))
    first = np.concatenate([np.ones(min(len(rows), 1), bool, like=x), changed])
    starts = np.flatnonzero(first)
    values = x.reshape(-1)[starts] if dim is None else np.take(x, starts, dim)
    inverse = (np.cumsum(first) - 1).reshape(x.shape if dim is None else -1)
    return _chosen(values, inverse, np.diff(starts, append=len(rows)), return_inverse, return_counts)


def _sliceable(x: Any, dim: int | None, function: str) -> int | None:
    if dim is None or x.ndim == 0:
        return None
    dim = wrap_dim(dim, x.ndim)
    if 0 in x.shape[:dim] + x.shape[dim + 1 :]:
        raise RuntimeError(
            f"{function}: slices along dimension {dim} of a tensor of shape {x.shape} have no elements"
        )
    return dim


def _chosen(values: Any, inverse: Any, counts: Any, return_inverse: bool, return_counts: bool) -> Any:
    results = [Tensor(values)]
    if return_inverse:
        results.append(Tensor(inverse))
    if return_counts:
        results.append(Tensor(counts))
    return tuple(results) if len(results) > 1 else results[0]


# ---- histograms --------------------------------------------------------------------------------------------
@method()
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of the integers 0, 1, 2, … occurs; or the sum of the weights of its occurrences.

    Parameters
    ----------
    input : Tensor of non-negative integers, shape (n,)
    weights : Tensor of shape (n,), optional
    minlength : int
        The least length of the result.

    Raises
    ------
    RuntimeError
        If the input is not one row of non-negative integers, or the weights do not fit it.
    """
    x = check_tensor(input, "bincount").array
    if x.dtype.kind not in "iu":
        raise NotImplementedError(f"bincount: not defined for {x.dtype}")
    if x.ndim != 1 or (x.size and x.min() < 0):
        raise RuntimeError(f"bincount only supports 1-d non-negative integral inputs, got shape {x.shape}")
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength should be >= 0, got {minlength}")
    if weights is None:
        return Tensor(np.bincount(x, minlength=minlength))
    w = check_tensor(weights, "bincount", "weights").array
    if w.shape != x.shape:
        raise RuntimeError(
            f"bincount: weights should be 1-d and have the same length as input, got {w.shape} and {x.shape}"
        )
    return Tensor(np.bincount(x, w, minlength).astype(w.dtype if w.dtype == np.float32 else np.float64))


@method()
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` equal intervals between min and max; the last includes max.

    If min = max, the least and the greatest element are taken instead. Elements outside do not count.

    Raises
    ------
    RuntimeError
        If there is no bin, or max < min, or the range is not finite.
    """
    x = check_tensor(input, "histc").array
    if x.dtype.kind != "f":
        raise NotImplementedError(f"histc: not defined for {x.dtype}")
    if bins < 1:
        raise RuntimeError(f"histc: bins must be > 0, but got {bins}")
    low, high = (x.min(), x.max()) if min == max and x.size else (min, max)
    if low == high:
        low, high = low - 1, high + 1
    if not np.isfinite(low) or not np.isfinite(high):
        raise RuntimeError(f"histc: range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"histc: max must be larger than min, got min={min} and max={max}")
    inside = x[(x >= low) & (x <= high)]
    place = np.minimum(((inside - low) * bins / (high - low)).astype(np.int64), bins - 1)
    return Tensor(np.bincount(place, minlength=bins).astype(x.dtype))


# ---- searching ---------------------------------------------------------------------------------------------
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where to insert elements so that each row stays in order.

    Parameters
    ----------
    sorted_sequence : Tensor of shape (n,) or (…, n)
        In order along the last dimension.
    input : number or Tensor, of any shape for one row, else of shape (…, m)
    right : bool
        After equal elements instead of before them; `side` "left" or "right" says the same.
    sorter : Tensor of the sequence's shape, optional
        Indices that put the sequence in order.

    Raises
    ------
    RuntimeError
        If shapes do not fit, or `right` and `side` contradict each other.
    """
    rows, values = promote(
        check_tensor(sorted_sequence, "searchsorted", "sorted_sequence"), input, function="searchsorted"
    )
    if side not in (None, "left", "right"):
        raise RuntimeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if right and side == "left":
        raise RuntimeError(
            "searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    rows = rows.array
    values = values.array if isinstance(values, Tensor) else np.full((), values, rows.dtype)
    if sorter is not None:
        if sorter.array.shape != rows.shape:
            raise RuntimeError(
                f"searchsorted(): sorter has shape {sorter.array.shape}, but the sequence has {rows.shape}"
            )
        rows = np.take_along_axis(rows, sorter.array, -1)
    if rows.ndim != 1 and (
        rows.ndim == 0 or values.ndim != rows.ndim or values.shape[:-1] != rows.shape[:-1]
    ):
        raise RuntimeError(
            "searchsorted(): the sequence must have 1 dimension, or all but the last must match those of the "
            f"input, but we got a sequence of shape {rows.shape} and an input of shape {values.shape}"
        )
    found = _search(rows, values, "right" if right or side == "right" else "left")
    return Tensor(found.astype(np.int32 if out_int32 else np.int64))


def _search(rows: Any, values: Any, side: Any) -> Any:
    if rows.ndim == 1:
        return np.searchsorted(rows, values, side)
    found = np.empty(values.shape, np.int64, like=rows)
    for i in np.ndindex(rows.shape[:-1]):
        found[i] = np.searchsorted(rows[i], values[i], side)
    return found


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Which interval between `boundaries` each element lies in: `searchsorted` with a single row."""
    if check_tensor(boundaries, "bucketize", "boundaries").array.ndim != 1:
        raise RuntimeError(
            f"bucketize: boundaries tensor must be 1 dimension, but got shape {boundaries.array.shape}"
        )
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)
