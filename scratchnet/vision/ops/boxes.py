"""Boxes (x1, y1, x2, y2): areas, formats, clipping, and boxes around masks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import scratchnet as sn
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor

FORMATS = ("xyxy", "xywh", "cxcywh")
ROTATED = ("xywhr", "cxcywhr", "xyxyxyxy")


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
    """The area of each box: (x2 − x1) · (y2 − y1).

    Corners lie between pixels. They lay on them in Everingham, Van Gool, Williams, Winn and Zisserman, "The PASCAL Visual
    Object Classes (VOC) Challenge", 2010, where sides are x2 − x1 + 1 long.

    Parameters
    ----------
    boxes : [..., 4]
    fmt : {"xyxy", "xywh", "cxcywh"}
        What the four numbers are, see `box_convert`.

    Returns
    -------
    [...]

    Raises
    ------
    ValueError
        For boxes of another shape, or an unknown fmt.
    """
    if fmt not in FORMATS:
        raise ValueError(f"box_area: expected fmt to be one of {FORMATS}, got {fmt!r}")
    boxes = upcast(check_boxes(boxes, "box_area"))
    if fmt == "xyxy":
        return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return boxes[..., 2] * boxes[..., 3]


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes in another format: x2 = x1 + w = cx + w / 2, and so for y.

    xyxy     left, top, right, bottom: Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", 2010
    xywh     left, top, width, height: Lin et al., "Microsoft COCO: Common Objects in Context", 2014
    cxcywh   centre, width, height: Ren, He, Girshick and Sun, "Faster R-CNN: Towards Real-Time Object Detection with
             Region Proposal Networks", 2015
    xywhr    corner, width, height, angle in degrees, counterclockwise as one sees it
    cxcywhr  centre, width, height, angle: Ma et al., "Arbitrary-Oriented Scene Text Detection via Rotation Proposals", 2018
    xyxyxyxy four corners: top left, top right, bottom right, bottom left of the box before it was turned

    The box (w, h) turned by r has the sides w · (cos r, −sin r) and h · (sin r, cos r), because y points down.

    Parameters
    ----------
    boxes : [..., 4], [..., 5] or [..., 8]
    in_fmt, out_fmt : str
        Both of the first three formats, or both of the last three.

    Returns
    -------
    [..., 4], [..., 5] or [..., 8], as out_fmt wants

    Raises
    ------
    ValueError
        For an unknown format, or boxes of another shape than that of in_fmt.
    NotImplementedError
        From an upright format to a rotated one, or back.
    """
    known = FORMATS + ROTATED
    if in_fmt not in known or out_fmt not in known:
        raise ValueError(f"box_convert: expected formats of {known}, got in_fmt={in_fmt!r} and out_fmt={out_fmt!r}")
    check_boxes(boxes, "box_convert", size={"xyxyxyxy": 8}.get(in_fmt, 5 if in_fmt in ROTATED else 4))
    if in_fmt == out_fmt:
        return boxes.clone()
    if (in_fmt in ROTATED) != (out_fmt in ROTATED):
        raise NotImplementedError(f"box_convert: not implemented from {in_fmt} to {out_fmt}")
    middle = "xywhr" if in_fmt in ROTATED else "xyxy"
    for step in ((in_fmt, middle), (middle, out_fmt)):
        if step in _CONVERSIONS:
            columns = sn.stack(_CONVERSIONS[step](*boxes.unbind(-1)), -1)
            whole = boxes.array.dtype.kind != "f" and in_fmt in ROTATED
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

    So proposals are kept in the image by Ren, He, Girshick and Sun, "Faster R-CNN: Towards Real-Time Object Detection with
    Region Proposal Networks", 2015.

    Parameters
    ----------
    boxes : [..., 4], (x1, y1, x2, y2)
    size : (height, width), in pixels

    Returns
    -------
    [..., 4]

    Raises
    ------
    ValueError
        For boxes of another shape.
    """
    check_boxes(boxes, "clip_boxes_to_image")
    height, width = size
    x, y = boxes[..., 0::2].clamp(min=0, max=width), boxes[..., 1::2].clamp(min=0, max=height)
    return sn.stack((x, y), -1).reshape(boxes.shape)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The indices of the boxes for which x2 − x1 ≥ min_size and y2 − y1 ≥ min_size.

    So the published code of Faster R-CNN drops proposals; paper: see `clip_boxes_to_image`.

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2)
    min_size : float
        In pixels.

    Returns
    -------
    int64 [K], in their order

    Raises
    ------
    ValueError
        For boxes of another shape.
    """
    check_boxes(boxes, "remove_small_boxes")
    wide, high = boxes[..., 2] - boxes[..., 0] >= min_size, boxes[..., 3] - boxes[..., 1] >= min_size
    return sn.nonzero(wide & high, as_tuple=True)[0]


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The smallest box around each mask: min x, min y, max x, max y of its pixels; zeros for an empty mask.

    Corners are indices of pixels here: the box of one pixel has no area. So does the published code of Carion et al.,
    "End-to-End Object Detection with Transformers", 2020.

    Parameters
    ----------
    masks : [N, H, W], of which all numbers but 0 belong to the mask

    Returns
    -------
    float32 [N, 4], (x1, y1, x2, y2)

    Raises
    ------
    ValueError
        For masks of another shape.
    """
    array = check_tensor(masks, "masks_to_boxes", "masks").array
    if array.size == 0:
        return Tensor(np.zeros_like(array, np.float32, shape=(0, 4)))
    if array.ndim != 3:
        raise ValueError(f"masks_to_boxes: expected masks of shape [N, H, W], got {array.shape}")
    filled, sides = array != 0, []
    for axis in (1, 2):  # the columns, then the rows that hold anything
        seen = filled.any(axis)
        sides += [seen.argmax(1), seen.shape[1] - 1 - seen[:, ::-1].argmax(1)]
    left, right, top, bottom = (side * filled.any((1, 2)) for side in sides)
    return Tensor(np.stack([left, top, right, bottom], 1).astype(np.float32))
