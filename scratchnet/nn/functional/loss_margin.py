"""Losses of margins: an answer is to be better than another one by some distance, or nearer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.activation import logsigmoid
from scratchnet.nn.functional.activation_pieces import relu
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.distance import pairwise_distance
from scratchnet.nn.functional.reduction import check_reduction, chosen, reduce_loss
from scratchnet.ops.elementwise import check_tensor


def _positive_part(x: Tensor) -> Tensor:
    """max(x, 0); its gradient at 0 is 1, in contrast to relu's: torch uses the one here and the other there."""
    return ops.clamp(x, min=0)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where t = 1, max(0, margin − x) where t = −1: x is the distance of pairs that are alike or not.

    Parameters
    ----------
    input, target : x and t, of the same shape
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ValueError
        If the reduction is unknown; so in all losses here.
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = check_tensor(input, "hinge_embedding_loss"), check_tensor(target, "hinge_embedding_loss", "target")
    alike, different = ops.where(ops.ne(t, -1), x, 0.0), ops.where(ops.ne(t, 1), _positive_part(margin - x), 0.0)
    return reduce_loss(alike + different, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, −t · (x₁ − x₂) + margin): x₁ is to be the larger where t = 1, x₂ where t = −1.

    Parameters
    ----------
    input1, input2, target : of the same number of dimensions, broadcast

    Raises
    ------
    RuntimeError
        If the numbers of dimensions differ.
    """
    reduction = chosen(reduction, size_average, reduce)
    tensors = {"input1": input1, "input2": input2, "target": target}
    if len({check_tensor(x, "margin_ranking_loss", name).array.ndim for name, x in tensors.items()}) > 1:
        sizes = ", ".join(f"{name}: {x.array.shape}" for name, x in tensors.items())
        raise RuntimeError(f"margin_ranking_loss : All input tensors should have same dimension but got sizes: {sizes}")
    return reduce_loss(_positive_part(-target * (input1 - input2) + margin), reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(−t · x)) for answers t = ±1; input and target have the same shape, or are broadcast."""
    reduction = chosen(reduction, size_average, reduce)
    x, t = require_float(input, "soft_margin_loss"), check_tensor(target, "soft_margin_loss", "target")
    return reduce_loss(-logsigmoid(t * x), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Mean over the classes of −(t · log σ(x) + (1 − t) · log σ(−x)): each class alone is there or not.

    Parameters
    ----------
    input, target : [..., C]
    weight : [C], optional
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = check_tensor(input, "multilabel_soft_margin_loss"), check_tensor(target, "multilabel_soft_margin_loss", "target")
    loss = -(t * logsigmoid(x) + (1 - t) * logsigmoid(-x))
    if weight is not None:
        loss = loss * weight
    return reduce_loss(loss.sum(-1) / x.array.shape[-1], reduction)


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


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 − cos(x₁, x₂) where t = 1, max(0, cos(x₁, x₂) − margin) where t = −1.

    Parameters
    ----------
    input1, input2 : [N, D] or [D]
    target : [N] or []

    Raises
    ------
    RuntimeError
        If the shapes do not fit.
    """
    reduction = chosen(reduction, size_average, reduce)
    x, y = check_tensor(input1, "cosine_embedding_loss", "input1"), check_tensor(input2, "cosine_embedding_loss", "input2")
    t = check_tensor(target, "cosine_embedding_loss", "target")
    ndim = t.array.ndim
    if ndim > 1:
        raise RuntimeError(f"cosine_embedding_loss: 0D or 1D target tensor expected, got {ndim} dimensions")
    if x.array.ndim != ndim + 1 or y.array.ndim != ndim + 1:
        raise RuntimeError(
            f"cosine_embedding_loss: {ndim}D target tensor expects {ndim + 1}D input tensors, but found inputs with sizes "
            f"{x.array.shape} and {y.array.shape}"
        )
    tiny = 1e-12  # inside of the root, as torch has it: two zero vectors have cosine 0
    lengths = ops.sqrt(((x * x).sum(-1) + tiny) * ((y * y).sum(-1) + tiny))
    cosine = (x * y).sum(-1) / lengths
    loss = ops.where(ops.eq(t, 1), 1 - cosine, 0.0) + ops.where(ops.eq(t, -1), _positive_part(cosine - margin), 0.0)
    return reduce_loss(loss, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, ‖a − p‖ − ‖a − n‖ + margin) for an anchor, something like it and something unlike it.

    Balntas, Riba, Ponsa and Mikolajczyk, "Learning Local Feature Descriptors with Triplets and Shallow Convolutional
    Neural Networks", 2016.

    Parameters
    ----------
    anchor, positive, negative : [N, D] or [D]
    p, eps : of the distance, see `pairwise_distance`
    swap : bool
        Take ‖p − n‖ instead of ‖a − n‖ where it is smaller.

    Raises
    ------
    ValueError
        If the margin is not positive.
    RuntimeError
        If the numbers of dimensions differ.
    """
    return _triplet(
        anchor, positive, negative, lambda x, y: pairwise_distance(x, y, p, eps), margin, swap,
        chosen(reduction, size_average, reduce),
    )  # fmt: skip


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with a distance of one's own; default: `pairwise_distance`. Errors as there."""
    check_reduction(reduction)
    return _triplet(anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction)


def _triplet(
    anchor: Tensor, positive: Tensor, negative: Tensor, distance: Callable, margin: float, swap: bool, reduction: str
) -> Tensor:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    dims = [
        check_tensor(x, "triplet_margin_loss", name).array.ndim
        for name, x in (("anchor", anchor), ("positive", positive), ("negative", negative))
    ]
    if len(set(dims)) > 1:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {dims[0]}D, positive {dims[1]}D, and negative {dims[2]}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduce_loss(_positive_part(margin + near - far), reduction)
