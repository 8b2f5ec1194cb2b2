"""Losses of margins between classes: the score of a right class is to be greater than those of wrong ones."""

from __future__ import annotations

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.activation_pieces import relu
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import chosen, reduce_loss
from scratchnet.ops.elementwise import check_tensor


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ_{j ≠ t} w_t · max(0, margin − x_t + x_j)ᵖ / C: the right class is to win by the margin.

    Weston and Watkins, "Support Vector Machines for Multi-Class Pattern Recognition", 1999.

    Parameters
    ----------
    input : [N, C] or [C]
    target : integers [N] or []
    p : 1 or 2
    weight : [C], optional

    Raises
    ------
    ValueError
        If p is another number, or the weight has not one dimension.
    RuntimeError
        If the shapes do not fit, or a target is no int64 from 0 to C − 1.
    """
    reduction = chosen(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: only p == 1 and p == 2 supported, got {p}")
    if weight is not None and weight.array.ndim != 1:
        raise ValueError(f"multi_margin_loss: weight must be one-dimensional, got shape {weight.array.shape}")
    x, t = require_float(input, "multi_margin_loss"), check_tensor(target, "multi_margin_loss", "target")
    rows = _rows("multi_margin_loss", x)
    _check_classes("multi_margin_loss", t, rows.array.shape[:1], rows.array.shape[1], least=0)
    n, classes = rows.array.shape
    if weight is not None and weight.array.shape != (classes,):
        raise RuntimeError(f"multi_margin_loss: expected weight of {classes} elements, got shape {weight.array.shape}")
    picked = t.reshape(n, 1)
    others = Tensor((np.arange(classes) != picked.array).astype(rows.array.dtype))
    loss = relu(margin - rows.gather(1, picked) + rows) * others
    loss = loss * loss if p == 2 else loss
    if weight is not None:
        loss = loss * weight.take(picked)
    loss = loss.sum(1) / classes
    return reduce_loss(loss.reshape(()) if x.array.ndim < 2 and t.array.ndim == 0 else loss, reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ_j Σ_{i not a target} max(0, 1 − (x_{t_j} − x_i)) / C: every right class is to win against every wrong one.

    Elisseeff and Weston, "A Kernel Method for Multi-Labelled Classification", 2001.

    Parameters
    ----------
    input : [N, C] or [C]
    target : int64, the same shape
        Right classes, as many as there are before the first −1.

    Raises
    ------
    RuntimeError
        If the shapes do not fit, or a target is no int64 from −1 to C − 1.
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = require_float(input, "multilabel_margin_loss"), check_tensor(target, "multilabel_margin_loss", "target")
    rows = _rows("multilabel_margin_loss", x)
    n, classes = rows.array.shape
    _check_classes("multilabel_margin_loss", t, x.array.shape, classes, least=-1)
    labels = t.array.reshape(n, classes)
    valid = np.cumprod(labels >= 0, axis=1).astype(bool)
    picked = np.where(valid, labels, 0)
    wrong = np.ones((n, classes), bool)
    row, place = np.nonzero(valid)
    wrong[row, picked[row, place]] = False
    pairs = Tensor((valid[:, :, None] & wrong[:, None, :]).astype(rows.array.dtype))
    right = rows.gather(1, Tensor(picked))
    loss = (relu(1 - right.unsqueeze(2) + rows.unsqueeze(1)) * pairs).sum((1, 2)) / classes
    return reduce_loss(loss.reshape(()) if x.array.ndim < 2 else loss, reduction)


def _rows(name: str, x: Tensor) -> Tensor:
    """[N, C] of this, or of [C]."""
    shape = x.array.shape
    if len(shape) > 2 or shape[-1:] == (0,):
        raise RuntimeError(
            f"{name}: Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(shape)}"
        )
    return x if len(shape) == 2 else x.reshape(1, -1)


def _check_classes(name: str, target: Tensor, shape: tuple, classes: int, least: int) -> None:
    """Integers of this shape, from `least` to classes − 1."""
    given = target.array
    if given.dtype != np.int64:
        raise RuntimeError(f"{name}: expected target of dtype int64, got {given.dtype}")
    if (given.size != 1 and given.shape != shape) or given.size != int(np.prod(shape)):
        raise RuntimeError(f"{name}: inconsistent target size, expected {list(shape)} but got {list(given.shape)}")
    if given.size and not (least <= given.min() and given.max() < classes):
        raise RuntimeError(f"{name}: target {given.min()} … {given.max()} is out of range for {classes} classes")
