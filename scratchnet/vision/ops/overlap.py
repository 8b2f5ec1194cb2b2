"""How far boxes overlap: intersection over union of all pairs, and its generalised, distance and complete forms."""

from __future__ import annotations

from typing import Any

import scratchnet as sn
from scratchnet import kernels
from scratchnet.autograd import grad, is_grad_enabled
from scratchnet.autograd.function import INPUTS, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.vision.ops.boxes import FORMATS, ROTATED, box_convert, check_boxes, upcast


class PairwiseOverlap(Function):
    """y[n, m] = the overlap of box n of the first set and box m of the second.

    The gradient is that of the formula, written down once, beside the kernel.
    """

    reads = INPUTS

    def __init__(self, kind: str, eps: float) -> None:
        self.settings = kind, eps

    def forward(self, boxes1: Any, boxes2: Any) -> Any:
        return kernels.box_iou(boxes1, boxes2, *self.settings)

    def backward(self, g: Tensor) -> tuple:
        again = is_grad_enabled()
        with sn.enable_grad():
            inputs = [x if again else x.detach().requires_grad_() for x in self.inputs]
            y = kernels.box_iou.reference(*inputs, *self.settings)
        wanted = [x for x, needed in zip(inputs, self.needs_input_grad) if needed]
        grads = iter(grad(y, wanted, g, create_graph=again))
        return tuple(next(grads) if needed else None for needed in self.needs_input_grad)


def _overlap(function: str, boxes1: Tensor, boxes2: Tensor, kind: str, eps: float, fmt: str = "xyxy") -> Tensor:
    boxes1, boxes2 = (
        upcast(check_boxes(x, function, argument)) for x, argument in ((boxes1, "boxes1"), (boxes2, "boxes2"))
    )
    if fmt not in FORMATS:
        if fmt in ROTATED:
            raise NotImplementedError(f"{function}: rotated boxes are not implemented, got fmt={fmt!r}")
        raise ValueError(f"{function}: expected fmt to be one of {FORMATS}, got {fmt!r}")
    if fmt != "xyxy":
        boxes1, boxes2 = box_convert(boxes1, fmt, "xyxy"), box_convert(boxes2, fmt, "xyxy")
    if boxes1.dtype != boxes2.dtype or boxes1.array.dtype.kind != "f":
        return kernels.box_iou.reference(boxes1, boxes2, kind, eps)  # on Tensors: their rules of promotion
    return PairwiseOverlap(kind, eps)(boxes1, boxes2)


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of all pairs of boxes: |A ∩ B| / |A ∪ B|, |A ∪ B| = |A| + |B| − |A ∩ B|.

    Jaccard, "Étude comparative de la distribution florale dans une portion des Alpes et des Jura", 1901; of boxes:
    Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", 2010.

    Parameters
    ----------
    boxes1, boxes2 : [..., N, 4] and [..., M, 4]
    fmt : {"xyxy", "xywh", "cxcywh"}

    Returns
    -------
    [..., N, M], in [0, 1]

    Raises
    ------
    ValueError
        For boxes of another shape, or an unknown fmt.
    NotImplementedError
        For the fmt of rotated boxes.
    """
    return _overlap("box_iou", boxes1, boxes2, "iou", 0.0, fmt)


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """Generalised intersection over union of all pairs: iou − (C − U) / C, C the smallest box around both.

    Rezatofighi et al., "Generalized Intersection over Union: A Metric and A Loss for Bounding Box Regression", 2019.

    Parameters
    ----------
    boxes1, boxes2 : [..., N, 4] and [..., M, 4], (x1, y1, x2, y2)

    Returns
    -------
    [..., N, M], in (−1, 1]

    Raises
    ------
    ValueError
        For boxes of another shape.
    """
    return _overlap("generalized_box_iou", boxes1, boxes2, "generalized", 0.0)


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """Distance intersection over union of all pairs: iou − (distance of the centres / diagonal of the hull)².

    Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", 2020.

    Parameters
    ----------
    boxes1, boxes2 : [..., N, 4] and [..., M, 4], (x1, y1, x2, y2)
    eps : float
        Added to the squared diagonal.

    Returns
    -------
    [..., N, M], in (−1, 1]

    Raises
    ------
    ValueError
        For boxes of another shape.
    """
    return _overlap("distance_box_iou", boxes1, boxes2, "distance", eps)


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """Complete intersection over union of all pairs: the distance form, less α·v for different aspect ratios.

    v = 4/π² (atan w1/h1 − atan w2/h2)²,  α = v / (1 − iou + v + eps), which the gradient takes for a constant.

    Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", 2020.

    Parameters
    ----------
    boxes1, boxes2 : [..., N, 4] and [..., M, 4], (x1, y1, x2, y2)
    eps : float

    Returns
    -------
    [..., N, M]

    Raises
    ------
    ValueError
        For boxes of another shape.
    """
    return _overlap("complete_box_iou", boxes1, boxes2, "complete", eps)
