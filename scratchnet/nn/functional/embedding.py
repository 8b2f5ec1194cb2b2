"""Looking up rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import write
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.indexing import add_at


class Embedding(Function):
    """y = rows of W at the indices.  dL/dW = every g added onto its row (`AddRows`), the padding's left out"""

    reads = NOTHING

    def __init__(self, indices: Any, padding_idx: int | None, by_frequency: bool) -> None:
        self.indices, self.padding_idx, self.by_frequency = indices, padding_idx, by_frequency

    def forward(self, w: Any) -> Any:
        self.w_shape = w.shape
        return w[self.indices]

    def backward(self, g: Tensor) -> Tensor:
        weights = np.ones(self.indices.shape, g.dtype)
        if self.by_frequency:
            weights /= np.bincount(self.indices.ravel(), minlength=self.w_shape[0])[self.indices]
        if self.padding_idx is not None:
            weights *= self.indices != self.padding_idx
        if self.by_frequency or self.padding_idx is not None:
            g = g * Tensor(weights[..., None])
        return AddRows(self.indices, self.w_shape)(g)


class AddRows(Function):
    """y = zeros of `shape`, with the rows of x added at the indices.  dL/dx = rows of g at the indices"""

    reads = NOTHING

    def __init__(self, indices: Any, shape: tuple) -> None:
        self.indices, self.target = indices, shape

    def forward(self, x: Any) -> Any:
        y = np.zeros(self.target, x.dtype, like=x)
        add_at(y, (0,), (self.indices,), x)
        return y

    def backward(self, g: Tensor) -> Tensor:
        return Embedding(self.indices, None, False)(g)


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
    """
    indices, table = check_tensor(input, "embedding").array, check_tensor(weight, "embedding", "weight").array
    if indices.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"embedding: expected indices of dtype int64 or int32, got {indices.dtype}")
    if table.ndim != 2:
        raise RuntimeError(f"embedding: 'weight' must be 2-D, got shape {table.shape}")
    if sparse:
        raise NotImplementedError("embedding: sparse=True is not supported")
    rows = len(table)
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(f"embedding: Padding_idx must be within num_embeddings={rows}, got {padding_idx}")
        padding_idx %= rows
    if indices.size and not (indices.min() >= 0 and indices.max() < rows):
        bad = indices[(indices < 0) | (indices >= rows)].flat[0]
        raise IndexError(f"embedding: index {bad} is out of range for a table of {rows} rows")
    if max_norm is not None:
        _shorten(weight, np.unique(indices), max_norm, norm_type)
    return Embedding(indices, padding_idx, scale_grad_by_freq)(weight)


def _shorten(weight: Tensor, used: Any, max_norm: float, norm_type: float) -> None:
    values = weight.array.copy()
    norms = np.linalg.norm(values[used], norm_type, axis=1, keepdims=True)
    values[used] *= np.where(norms > max_norm, max_norm / (norms + 1e-7), 1).astype(values.dtype)
    with no_grad():
        write(weight, Tensor(values))
