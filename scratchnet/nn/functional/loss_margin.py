"""Losses of margins: an answer is to be better than another one by some distance, or nearer.

Those between the scores of classes stand in `loss_margin_classes`.
"""

from __future__ import annotations

from collections.abc import Callable

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.activation import logsigmoid
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
