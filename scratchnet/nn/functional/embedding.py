"""Looking up rows of a table, and adding them up in bags."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import write
from scratchnet.ops.elementwise import check_tensor


class SumRows(Function):
    """y_r = Σ_i s_i · x[source_i] over the i with target_i = r; without s all s_i are 1.

    dL/dx = the same sum of g, with source and target exchanged;  dL/ds_i = g[target_i] · x[source_i]

    Lookup is the case target_i = i, its gradient the case source_i = i.

    Parameters
    ----------
    source, target : int64 [N], or None for 0 … N−1; a negative index leaves i out
    shape : of the result, whose rows are all but its last dimension
    learned : like source, but negative for rows of x that are to have no gradient
    factor : [N], of the gradient to x alone
    """

    reads = ((1,), (0,))

    def __init__(self, source: Any, target: Any, shape: tuple, learned: Any = None, factor: Any = None) -> None:
        self.picked, self.places, self.y_shape = source, target, shape
        self.learned = source if learned is None else learned
        self.factor = factor

    def forward(self, x: Any, s: Any = None) -> Any:
        self.x_shape = x.shape
        return _sum_rows(self.picked, self.places, self.y_shape, x, s)

    def backward(self, g: Tensor) -> tuple:
        def sum_rows(source: Any, target: Any, shape: tuple, *args: Any) -> Tensor:
            return SumRows(source, target, shape)(*(x for x in args if x is not None))

        return self._gradients(g, sum_rows, Tensor)

    def fused_backward(self, g: Any) -> tuple:
        return self._gradients(g, _sum_rows, lambda array: array)

    def _gradients(self, g: Any, sum_rows: Callable, wrap: Callable) -> tuple:
        """On Tensors or on arrays."""
        x, s = (*self.inputs, None, None)[:2]
        need_x, need_s = (*self.needs_input_grad, False)[:2]
        gx = gs = None
        if need_x:
            factor = self.factor if self.factor is None else wrap(self.factor)
            scale = factor if s is None else s if factor is None else s * factor
            gx = sum_rows(self.places, self.learned, self.x_shape, g, scale)
        if need_s:  # never of a lookup or its gradient: both tables are there
            shape = (len(self.picked), self.y_shape[-1])
            gs = (sum_rows(self.picked, None, shape, x) * sum_rows(self.places, None, shape, g)).sum(1)
        return (gx, gs)[: len(self.edges)]


def _sum_rows(source: Any, target: Any, shape: tuple, x: Any, scale: Any = None) -> Any:
    y = kernels.sum_rows(_matrix(x), source, target, math.prod(shape[:-1]), scale)
    return y if y.shape == shape else y.reshape(shape)  # of a view the engine would make a copy


class MaxRows(Function):
    """y_bf = the largest x[source_i, f] of bag b.  dL/dx = every g added where its number came from"""

    reads = NOTHING
    notes = ("places",)

    def __init__(self, source: Any, starts: Any) -> None:
        self.picked, self.starts = source, starts

    def forward(self, x: Any) -> Any:
        self.x_shape = x.shape
        y, chosen = kernels.max_rows(x, self.picked, self.starts)
        self.places = np.where(chosen < 0, -1, chosen * x.shape[1] + np.arange(x.shape[1])).reshape(-1)
        return y

    def backward(self, g: Tensor) -> Tensor:
        return SumRows(None, self.places, (math.prod(self.x_shape), 1))(g.reshape(-1, 1)).reshape(self.x_shape)


def _matrix(x: Any) -> Any:
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of a table that belong to indices.

    Parameters
    ----------
    input : Tensor of int64 or int32, any shape
    weight : [rows, features]
    padding_idx : int, optional
        The row that gets no gradient.
    max_norm : float, optional
        Rows that are looked up and have a larger norm are shortened, in `weight` itself.
    norm_type : float
        p of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by the number of times it was looked up.
    sparse : bool
        Not supported.

    Returns
    -------
    [*input.shape, features]

    Raises
    ------
    IndexError
        For an index outside of the table.
    AssertionError
        For a padding_idx outside of it.
    RuntimeError
        If the indices are no integers, or `weight` is no matrix.
    NotImplementedError
        For sparse=True.
    """
    indices, table = check_tensor(input, "embedding").array, check_tensor(weight, "embedding", "weight").array
    if table.ndim != 2:
        raise RuntimeError(f"embedding: 'weight' must be 2-D, got shape {table.shape}")
    padding_idx = padding_row("embedding", padding_idx, len(table))
    flat = _checked_indices("embedding", indices, len(table), sparse)
    if max_norm is not None:
        _shorten(weight, flat, max_norm, norm_type)
    learned = None if padding_idx is None else np.where(flat == padding_idx, -1, flat)
    factor = _inverse_frequency(flat, table) if scale_grad_by_freq else None
    return SumRows(flat, None, (*indices.shape, table.shape[1]), learned, factor)(weight)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sums, means or largest numbers of the rows of a table that belong to bags of indices.

    Parameters
    ----------
    input : Tensor of int64 or int32, [bags, N], or all indices one after the other
    weight : [rows, features]
    offsets : [bags], optional
        Where each bag begins, if `input` has one dimension.
    max_norm, norm_type, scale_grad_by_freq, sparse
        As in `embedding`.
    mode : "sum", "mean" or "max"
    per_sample_weights : Tensor of input's shape, optional
        Factors of the rows in a sum.
    include_last_offset : bool
        `offsets` has one more element, where the last bag ends.
    padding_idx : int, optional
        An index that is left out.

    Returns
    -------
    [bags, features], 0 for an empty bag

    Raises
    ------
    ValueError
        If the shapes do not fit, or the mode is unknown or not that of the other arguments.
    RuntimeError
        For indices, offsets or a padding_idx outside of their range, and dtypes that do not fit.
    NotImplementedError
        For sparse=True, and for per_sample_weights in another mode than "sum".
    """
    indices, table = check_tensor(input, "embedding_bag").array, check_tensor(weight, "embedding_bag", "weight").array
    if table.dtype.kind == "i" and indices.dtype.kind == "f":
        input, weight, indices, table = weight, input, table, indices  # the order of arguments of old
    s = per_sample_weights
    if s is not None and s.array.shape != indices.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({s.array.shape}) is not None, then it must have the same shape as "
            f"the input ({indices.shape})"
        )
    if table.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {table.ndim}")
    starts = _bag_starts(indices, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and (scale_grad_by_freq or sparse):
        raise ValueError("max mode does not support scaling the gradient by the frequency, nor sparse weights")
    if s is not None and s.array.dtype != table.dtype:
        raise RuntimeError(
            f"embedding_bag: expected per_sample_weights of weight's dtype {table.dtype}, got {s.array.dtype}"
        )
    if s is not None and mode != "sum":
        raise NotImplementedError(f"embedding_bag: per_sample_weights is only supported for mode='sum' (got {mode=})")
    padding_idx = padding_row("embedding_bag", padding_idx, len(table), RuntimeError)
    flat = _checked_indices("embedding_bag", indices, len(table), sparse)
    if max_norm is not None:
        _shorten(weight, flat, max_norm, norm_type)
    flat = flat[: starts[-1]]
    source = flat if padding_idx is None else np.where(flat == padding_idx, -1, flat)
    if mode == "max":
        return MaxRows(source, starts)(weight)
    bags = len(starts) - 1
    bag_of = np.repeat(np.arange(bags), np.diff(starts))
    if mode == "mean":
        counts = np.bincount(bag_of[source >= 0], minlength=bags)
        s = Tensor((1 / np.maximum(counts, 1)).astype(table.dtype)[bag_of])
    elif s is not None:
        s = s.reshape(-1)[: starts[-1]]
    factor = _inverse_frequency(flat, table) if scale_grad_by_freq else None
    operation = SumRows(source, bag_of, (bags, table.shape[1]), None, factor)
    return operation(weight) if s is None else operation(weight, s)


def _bag_starts(indices: Any, offsets: Tensor | None, include_last: bool) -> Any:
    """Where each bag begins among the indices, and where the last one ends."""
    if indices.ndim == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: if input is 2D, then offsets has to be None: each row is a bag")
        return np.arange(len(indices) + 1) * indices.shape[1]
    if indices.ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {indices.ndim}")
    if offsets is None or check_tensor(offsets, "embedding_bag", "offsets").array.ndim != 1:
        raise ValueError(f"offsets has to be a 1D Tensor, got {offsets}")
    starts = offsets.array.astype(np.int64)
    if include_last and not len(starts):
        raise RuntimeError("include_last_offset: number of offsets should be at least 1")
    if not len(starts):
        return np.zeros(1, np.int64)
    if not include_last:
        starts = np.append(starts, len(indices))
    if starts[0] != 0:
        raise RuntimeError(
            f"embedding_bag: offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            f"position 0. However, got {starts[0]}"
        )
    if starts[-1] > len(indices) or (np.diff(starts) < 0).any():
        raise RuntimeError(
            f"embedding_bag: offsets must not decrease, nor be greater than input's length {len(indices)}, got {offsets}"
        )
    return starts


def padding_row(name: str, padding_idx: int | None, rows: int, error: type[Exception] = AssertionError) -> int | None:
    """The row of a table that a padding index, which may count from the end, is for."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise error(f"{name}: Padding_idx must be within num_embeddings={rows}, got {padding_idx}")
    return padding_idx % rows


def _checked_indices(name: str, indices: Any, rows: int, sparse: bool) -> Any:
    """The indices as one vector of int64."""
    if indices.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}: expected indices of dtype int64 or int32, got {indices.dtype}")
    if sparse:
        raise NotImplementedError(f"{name}: sparse=True is not supported")
    flat = indices.reshape(-1)
    if flat.size and not (flat.min() >= 0 and flat.max() < rows):
        bad = flat[(flat < 0) | (flat >= rows)].flat[0]
        error = IndexError if name == "embedding" else RuntimeError
        raise error(f"{name}: index {bad} is out of range for a table of {rows} rows")
    return flat.astype(np.int64, copy=indices.base is not None or indices.ndim == 1)  # later changes do not count


def _inverse_frequency(indices: Any, table: Any) -> Any:
    return (1 / np.bincount(indices, minlength=len(table))[indices]).astype(table.dtype)


def _shorten(weight: Tensor, indices: Any, max_norm: float, norm_type: float) -> None:
    used = np.unique(indices)
    values = weight.array.copy()
    norms = np.linalg.norm(values[used], norm_type, axis=1, keepdims=True)
    values[used] *= np.where(norms > max_norm, max_norm / (norms + 1e-7), 1).astype(values.dtype)
    with no_grad():
        write(weight, Tensor(values))
