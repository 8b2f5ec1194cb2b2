"""Suppression of boxes that overlap a better one."""

from __future__ import annotations

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float, require_same_dtype
from scratchnet.ops.elementwise import check_tensor


def _check(function: str, boxes: Tensor, scores: Tensor) -> None:
    require_float(boxes, function, "boxes")
    require_same_dtype(function, boxes=boxes, scores=scores)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Of boxes that overlap, keep the one with the highest score.

    The boxes are visited by falling score; i is kept if iou(i, k) ≤ iou_threshold for all k kept before it.

    Girshick, Donahue, Darrell and Malik, "Rich Feature Hierarchies for Accurate Object Detection and Semantic Segmentation",
    2014.

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2)
    scores : [N]
        NaN is the highest; equal scores are visited in their order.
    iou_threshold : float

    Returns
    -------
    int64 [K]
        The indices of the boxes kept, by falling score.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    NotImplementedError
        If boxes are not of a floating-point type.
    """
    _check("nms", boxes, scores)
    return Tensor(kernels.nms(boxes.array, scores.array, iou_threshold))


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` in each category by itself: i is kept if iou(i, k) ≤ iou_threshold for all k kept before it with idxs k = idxs i.

    Paper: see `nms`.

    Parameters
    ----------
    boxes, scores, iou_threshold
        As for `nms`.
    idxs : [N]
        The category of each box.

    Returns
    -------
    int64 [K]
        The indices of the boxes kept, by falling score.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    NotImplementedError
        If boxes are not of a floating-point type.
    """
    _check("batched_nms", boxes, scores)
    check_tensor(idxs, "batched_nms", "idxs")
    return Tensor(kernels.nms(boxes.array, scores.array, iou_threshold, idxs.array))


def soft_nms(
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float = 0.3,
    sigma: float = 0.5,
    score_threshold: float = 0.001,
    method: str = "linear",
) -> tuple[Tensor, Tensor]:
    """Instead of dropping boxes that overlap a better one, lower their scores.

    Repeatedly the box with the highest score is taken, and the scores of the others multiplied by

        linear:    1 − iou, if iou ≥ iou_threshold
        gaussian:  exp(−iou² / sigma)

    Bodla, Singh, Chellappa and Davis, "Soft-NMS: Improving Object Detection with One Line of Code", 2017.

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2)
    scores : [N]
    score_threshold : float
        Boxes whose score is not larger are dropped.
    method : {"linear", "gaussian"}

    Returns
    -------
    int64 [K] and [K]
        The indices of the boxes in the order they were taken, and their lowered scores.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    NotImplementedError
        If boxes are not of a floating-point type.
    ValueError
        For an unknown method, or a sigma that is not positive.
    """
    _check("soft_nms", boxes, scores)
    if sigma <= 0:
        raise ValueError(f"soft_nms: sigma must be positive, got {sigma}")
    keep, lowered = kernels.soft_nms(boxes.array, scores.array, iou_threshold, sigma, score_threshold, method)
    return Tensor(keep), Tensor(lowered)


def matrix_nms(
    boxes: Tensor, scores: Tensor, idxs: Tensor | None = None, method: str = "gaussian", sigma: float = 2.0
) -> Tensor:
    """Lower the scores of boxes that overlap better ones, all at once.

    s_j ← s_j · min over i with a higher score of f(iou_ij) / f(max over k with a higher score than i of iou_ki),
    f(x) = 1 − x (linear) or exp(−sigma · x²) (gaussian)

    Wang, Zhang, Kong, Li and Shen, "SOLOv2: Dynamic and Fast Instance Segmentation", 2020.

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2)
    scores : [N]
    idxs : [N], optional
        Categories; boxes of different ones do not overlap.
    method : {"gaussian", "linear"}
    sigma : float

    Returns
    -------
    [N], the lowered scores

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    NotImplementedError
        If boxes are not of a floating-point type.
    ValueError
        For an unknown method.
    """
    _check("matrix_nms", boxes, scores)
    groups = None if idxs is None else check_tensor(idxs, "matrix_nms", "idxs").array
    return Tensor(kernels.matrix_nms(boxes.array, scores.array, groups, method, sigma))
