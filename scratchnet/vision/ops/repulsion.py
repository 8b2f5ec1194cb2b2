"""Repulsion: boxes in a crowd are to keep off the objects, and the boxes, of others."""

from __future__ import annotations

import math

import numpy as np

import scratchnet as sn
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor
from scratchnet.vision.ops.boxes import box_area, check_boxes
from scratchnet.vision.ops.overlap import box_iou


def smooth_ln(x: Tensor, sigma: float = 0.5) -> Tensor:
    """−ln(1 − x) where x ≤ σ, and from there on its tangent, (x − σ) / (1 − σ) − ln(1 − σ).

    The smaller σ, the less an overlap x near 1, an outlier, counts. Paper: see `repulsion_gt_loss`.

    Parameters
    ----------
    x : [...], numbers from 0 to 1
    sigma : σ, at least 0 and less than 1

    Returns
    -------
    [...]

    Raises
    ------
    ValueError
        If σ is out of range.
    """
    if not 0 <= sigma < 1:
        raise ValueError(f"smooth_ln: sigma must be at least 0 and less than 1, got {sigma}")
    curve = -sn.log1p(-x.clamp(max=sigma))
    return sn.where(x <= sigma, curve, (x - sigma) / (1 - sigma) - math.log1p(-sigma))


def repulsion_gt_loss(
    boxes: Tensor, gt_boxes: Tensor, matched: Tensor, proposals: Tensor | None = None, sigma: float = 0.9
) -> Tensor:
    """RepGT: the mean over the boxes B of Smooth_ln(IoG(B, G_rep)), IoG(B, G) = area(B ∩ G) / area(G).

    G_rep is the object that B overlaps most (by IoU) of those that it is not meant for. Divided by the area of G, and not
    of the union, the overlap cannot be lowered by a larger B.

    Wang, Xiao, Jiang, Shao, Sun and Shen, "Repulsion Loss: Detecting Pedestrians in a Crowd", 2017.

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2), predictions for the positive proposals
    gt_boxes : [G, 4], the objects of the image
    matched : integers [N], the object that each box is meant for
    proposals : [N, 4], optional
        The proposals that the predictions come from, which choose G_rep as in the paper; otherwise the boxes do.
    sigma : σ, see `smooth_ln`; a large one does best here, and 0 in `repulsion_box_loss`, which meets more outliers

    Returns
    -------
    a number; 0 if there are no boxes, or fewer than two objects

    Raises
    ------
    ValueError
        If a shape does not fit, or σ is out of range.
    IndexError
        If a box is meant for an object that there is not.
    """
    name = "repulsion_gt_loss"
    _check_matched(name, boxes, matched)
    objects, judges = check_boxes(gt_boxes, name, "gt_boxes").detach(), boxes if proposals is None else proposals
    if check_boxes(judges, name, "proposals").array.shape != boxes.array.shape:
        raise ValueError(f"{name}: expected proposals of boxes' shape {boxes.array.shape}, got {judges.array.shape}")
    goals, count = matched.array, len(objects.array)
    if goals.size and (goals.min() < 0 or goals.max() >= count):
        raise IndexError(f"{name}: matched {goals.min()} … {goals.max()} is out of bounds: there are {count} objects")
    overlaps = box_iou(judges.detach(), objects).array
    others = np.arange(count, like=goals) != goals[:, None]
    if not len(goals) or count < 2:
        return smooth_ln(boxes[:0, 0], sigma).sum()
    repelling = objects[Tensor(np.where(others, overlaps, -1).argmax(1))]
    inside = (sn.minimum(boxes[:, 2:], repelling[:, 2:]) - sn.maximum(boxes[:, :2], repelling[:, :2])).clamp(min=0)
    return smooth_ln(inside.prod(1) / box_area(repelling), sigma).mean()


def repulsion_box_loss(boxes: Tensor, matched: Tensor, sigma: float = 0.0, eps: float = 1e-7) -> Tensor:
    """RepBox: Σ Smooth_ln(IoU(B_i, B_j)) / (Σ [IoU(B_i, B_j) > 0] + eps) over pairs of boxes for different objects.

    It keeps non-maximum suppression from taking one of two people for the other's double. Paper: see `repulsion_gt_loss`.

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2), predictions for the positive proposals
    matched : integers [N], the object that each box is meant for
    sigma : σ, see `smooth_ln`
    eps : float

    Returns
    -------
    a number

    Raises
    ------
    ValueError
        If a shape does not fit, or σ is out of range.
    """
    _check_matched("repulsion_box_loss", boxes, matched)
    first, second = np.triu_indices(len(boxes.array), 1)
    apart = matched.array[first] != matched.array[second]
    iou = box_iou(boxes, boxes)[Tensor(first[apart]), Tensor(second[apart])]
    return smooth_ln(iou, sigma).sum() / (int((iou.array > 0).sum()) + eps)


def _check_matched(name: str, boxes: Tensor, matched: Tensor) -> None:
    shape, goals = check_boxes(boxes, name).array.shape, check_tensor(matched, name, "matched").array
    if len(shape) != 2 or goals.shape != shape[:1] or goals.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: expected boxes [N, 4] and integers matched [N], got {shape} and {goals.dtype} {goals.shape}"
        )
