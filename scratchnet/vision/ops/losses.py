"""Losses for boxes: one minus their overlap, box by box."""

from __future__ import annotations

from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.detection_iou import overlap
from scratchnet.vision.ops.boxes import check_boxes, upcast


def _loss(function: str, boxes1: Tensor, boxes2: Tensor, kind: str, reduction: str, eps: float) -> Tensor:
    a, b = (upcast(check_boxes(x, function, name), True) for x, name in ((boxes1, "boxes1"), (boxes2, "boxes2")))
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{function}: expected reduction to be 'none', 'mean' or 'sum', got {reduction!r}")
    loss = 1 - overlap(a, b, kind, eps, guard=eps)
    if reduction == "mean" and loss.numel() > 0:
        return loss.mean()
    return loss if reduction == "none" else loss.sum()  # the mean of no loss is 0


def generalized_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 − generalised intersection over union: 1 − iou + (C − U) / C, C the smallest box around both.

    Rezatofighi et al., "Generalized Intersection over Union: A Metric and A Loss for Bounding Box Regression", 2019.

    Parameters
    ----------
    boxes1, boxes2 : [N, 4] or [4], (x1, y1, x2, y2)
    reduction : {"none", "mean", "sum"}
    eps : float
        Added to areas that are divided by.

    Returns
    -------
    [N], or a number

    Raises
    ------
    ValueError
        For boxes of another shape, or an unknown reduction.
    """
    return _loss("generalized_box_iou_loss", boxes1, boxes2, "generalized", reduction, eps)


def distance_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 − distance intersection over union: 1 − iou + (distance of the centres / diagonal of the hull)².

    Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", 2020.

    Parameters, returns and errors are those of `generalized_box_iou_loss`; eps is added to the squared diagonal, too.
    """
    return _loss("distance_box_iou_loss", boxes1, boxes2, "distance", reduction, eps)


def complete_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 − complete intersection over union: the distance loss, plus α·v for different aspect ratios.

    v = 4/π² (atan w1/h1 − atan w2/h2)²,  α = v / (1 − iou + v + eps), which the gradient takes for a constant.

    Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", 2020.

    Parameters, returns and errors are those of `generalized_box_iou_loss`; eps is added to the squared diagonal, too.
    """
    return _loss("complete_box_iou_loss", boxes1, boxes2, "complete", reduction, eps)
