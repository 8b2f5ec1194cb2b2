"""Boxes (x1, y1, x2, y2): areas, formats, clipping, and the overlap of all pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import scratchnet as sn
from scratchnet import kernels
from scratchnet.autograd import grad, is_grad_enabled
from scratchnet.autograd.function import INPUTS, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor

_FORMATS = ("xyxy", "xywh", "cxcywh")
_ROTATED = ("xywhr", "cxcywhr", "xyxyxyxy")


def upcast(x: Tensor, floating: bool = False) -> Tensor:
    """In a type whose products do not overflow: float32 instead of float16, int32 instead of smaller integers.

    Parameters
    ----------
    floating : bool
        float32 instead of any integer, too.
    """
    dtype = x.array.dtype
    if dtype in (sn.float32, sn.float64) or (dtype in (sn.int32, sn.int64) and not floating):
        return x
    return x.to(sn.float32 if floating or dtype.kind == "f" else sn.int32)


def check_boxes(x: Any, function: str, argument: str = "boxes", size: int = 4) -> Tensor:
    """`x` itself, if it is a Tensor of boxes [..., 4]."""
    shape = check_tensor(x, function, argument).array.shape
    if not shape or shape[-1] != size:
        raise ValueError(f"{function}: expected {argument} of shape [..., {size}], got {shape}")
    return x


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """The area of each box: width · height.

    Parameters
    ----------
    boxes : [..., 4]
    fmt : {"xyxy", "xywh", "cxcywh"}
        What the four numbers are, see `box_convert`.

    Returns
    -------
    [...]
    """
    if fmt not in _FORMATS:
        raise ValueError(f"box_area: expected fmt to be one of {_FORMATS}, got {fmt!r}")
    boxes = upcast(check_boxes(boxes, "box_area"))
    if fmt == "xyxy":
        return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return boxes[..., 2] * boxes[..., 3]


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes in another format.

    xyxy     left, top, right, bottom
    xywh     left, top, width, height
    cxcywh   centre, width, height
    xywhr    corner, width, height, angle in degrees, counterclockwise as one sees it
    cxcywhr  centre, width, height, angle
    xyxyxyxy four corners: top left, top right, bottom right, bottom left of the box before it was turned

    Parameters
    ----------
    boxes : [..., 4], [..., 5] or [..., 8]
    in_fmt, out_fmt : str
        Both of the first three formats, or both of the last three.

    Raises
    ------
    ValueError
        For an unknown format.
    NotImplementedError
        From an upright format to a rotated one, or back.
    """
    known = _FORMATS + _ROTATED
    if in_fmt not in known or out_fmt not in known:
        raise ValueError(f"box_convert: expected formats of {known}, got in_fmt={in_fmt!r} and out_fmt={out_fmt!r}")
    check_boxes(boxes, "box_convert", size={"xyxyxyxy": 8}.get(in_fmt, 5 if in_fmt in _ROTATED else 4))
    if in_fmt == out_fmt:
        return boxes.clone()
    if (in_fmt in _ROTATED) != (out_fmt in _ROTATED):
        raise NotImplementedError(f"box_convert: not implemented from {in_fmt} to {out_fmt}")
    middle = "xywhr" if in_fmt in _ROTATED else "xyxy"
    for step in ((in_fmt, middle), (middle, out_fmt)):
        if step in _CONVERSIONS:
            columns = sn.stack(_CONVERSIONS[step](*boxes.unbind(-1)), -1)
            whole = boxes.array.dtype.kind != "f" and in_fmt in _ROTATED
            boxes = columns.round().to(boxes.dtype) if whole else columns
    return boxes


def _turn(angle: Tensor, w: Any, h: Any) -> tuple:
    """The vector (w, h) turned by an angle in degrees, counterclockwise where y points down."""
    radians = angle * (math.pi / 180)
    cos, sin = radians.cos(), radians.sin()
    return w * cos + h * sin, h * cos - w * sin


def _corners_of_turned(x: Tensor, y: Tensor, w: Tensor, h: Tensor, r: Tensor) -> tuple:
    (right_x, right_y), (down_x, down_y) = _turn(r, w, 0), _turn(r, 0, h)
    x2, y2, x4, y4 = x + right_x, y + right_y, x + down_x, y + down_y
    return x, y, x2, y2, x2 + down_x, y2 + down_y, x4, y4


def _turned_from_corners(x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor, x3: Tensor, y3: Tensor, *_: Tensor) -> tuple:
    angle = (y1 - y2).atan2(x2 - x1) * (180 / math.pi)
    return x1, y1, _distance(x2 - x1, y2 - y1), _distance(x3 - x2, y3 - y2), angle


def _distance(x: Tensor, y: Tensor) -> Tensor:
    return (x**2 + y**2).sqrt()


def _shifted(x: Tensor, y: Tensor, w: Tensor, h: Tensor, r: Tensor, sign: float) -> tuple:
    dx, dy = _turn(r, w / 2, h / 2)
    return x + sign * dx, y + sign * dy, w, h, r


_CONVERSIONS: dict[tuple[str, str], Callable] = {
    ("xywh", "xyxy"): lambda x, y, w, h: (x, y, x + w, y + h),
    ("xyxy", "xywh"): lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
    ("cxcywh", "xyxy"): lambda x, y, w, h: (x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h),
    ("xyxy", "cxcywh"): lambda x1, y1, x2, y2: ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
    ("cxcywhr", "xywhr"): lambda x, y, w, h, r: _shifted(x, y, w, h, r, -1),
    ("xywhr", "cxcywhr"): lambda x, y, w, h, r: _shifted(x, y, w, h, r, 1),
    ("xywhr", "xyxyxyxy"): _corners_of_turned,
    ("xyxyxyxy", "xywhr"): _turned_from_corners,
}


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes with their corners moved onto the image: x into [0, width], y into [0, height].

    Parameters
    ----------
    boxes : [..., 4], (x1, y1, x2, y2)
    size : (height, width)
    """
    check_boxes(boxes, "clip_boxes_to_image")
    height, width = size
    x, y = boxes[..., 0::2].clamp(min=0, max=width), boxes[..., 1::2].clamp(min=0, max=height)
    return sn.stack((x, y), -1).reshape(boxes.shape)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The indices of the boxes [N, 4] whose width and height are at least `min_size`; int64 [K]."""
    check_boxes(boxes, "remove_small_boxes")
    wide, high = boxes[..., 2] - boxes[..., 0] >= min_size, boxes[..., 3] - boxes[..., 1] >= min_size
    return sn.nonzero(wide & high, as_tuple=True)[0]


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The smallest box around each mask, from its first to its last row and column; zeros for an empty mask.

    Parameters
    ----------
    masks : [N, H, W], of which all numbers but 0 belong to the mask

    Returns
    -------
    float32 [N, 4], (x1, y1, x2, y2)
    """
    array = check_tensor(masks, "masks_to_boxes", "masks").array
    if array.size == 0:
        return Tensor(np.zeros_like(array, np.float32, shape=(0, 4)))
    if array.ndim != 3:
        raise ValueError(f"masks_to_boxes: expected masks of shape [N, H, W], got {array.shape}")
    sides: list = []
    for axis in (1, 2):  # the columns, then the rows that hold anything
        seen = (array != 0).any(axis)
        sides += [seen.argmax(1), seen.shape[1] - 1 - seen[:, ::-1].argmax(1)]
    left, right, top, bottom = (side * (array != 0).any((1, 2)) for side in sides)
    return Tensor(np.stack([left, top, right, bottom], 1).astype(np.float32))


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
    if fmt not in _FORMATS:
        if fmt in _ROTATED:
            raise NotImplementedError(f"{function}: rotated boxes are not implemented, got fmt={fmt!r}")
        raise ValueError(f"{function}: expected fmt to be one of {_FORMATS}, got {fmt!r}")
    if fmt != "xyxy":
        boxes1, boxes2 = box_convert(boxes1, fmt, "xyxy"), box_convert(boxes2, fmt, "xyxy")
    if boxes1.dtype != boxes2.dtype or boxes1.array.dtype.kind != "f":
        return kernels.box_iou.reference(boxes1, boxes2, kind, eps)  # on Tensors: their rules of promotion
    return PairwiseOverlap(kind, eps)(boxes1, boxes2)


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of all pairs of boxes.

    Parameters
    ----------
    boxes1, boxes2 : [..., N, 4] and [..., M, 4]
    fmt : {"xyxy", "xywh", "cxcywh"}

    Returns
    -------
    [..., N, M], in [0, 1]
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
    """
    return _overlap("complete_box_iou", boxes1, boxes2, "complete", eps)
