"""Boxes: areas, formats with gradients to second order, clipping, masks, refusals."""

import numpy as np
import pytest

from scratchnet import Tensor
from scratchnet.testing import check_gradient
from scratchnet.vision import ops

A = np.array([[0.0, 0, 4, 4], [1, 1, 3, 5]])

UPRIGHT = {"xyxy": [10, 20, 14, 28], "xywh": [10, 20, 4, 8], "cxcywh": [12, 24, 4, 8]}
TURNED = {  # by 30 degrees; the corners are torchvision's
    "cxcywhr": [10, 20, 8, 4, 30],
    "xywhr": [5.535898, 20.26795, 8, 4, 30],
    "xyxyxyxy": [5.535898, 20.26795, 12.464102, 16.26795, 14.464102, 19.732052, 7.535898, 23.732052],
}


@pytest.mark.parametrize("table", [UPRIGHT, TURNED])
def test_conversions(table):
    for source, numbers in table.items():
        for target, expected in table.items():
            boxes = Tensor(np.array([[numbers]], float))
            converted = ops.box_convert(boxes, source, target)
            np.testing.assert_allclose(converted.array, [[expected]], rtol=1e-6)
            assert not np.shares_memory(converted.array, boxes.array)
    check_gradient(lambda x: ops.box_convert(x, "cxcywhr", "xyxyxyxy"), np.array([TURNED["cxcywhr"]], float))


def test_conversion_refuses():
    with pytest.raises(ValueError, match="xyxy"):
        ops.box_convert(Tensor(A), "xyxy", "ltrb")
    with pytest.raises(NotImplementedError):
        ops.box_convert(Tensor(A), "xyxy", "xywhr")
    with pytest.raises(ValueError, match=r"\[..., 5\]"):
        ops.box_convert(Tensor(A), "xywhr", "cxcywhr")
    with pytest.raises(ValueError, match="fmt"):
        ops.box_area(Tensor(A), "xywhr")


@pytest.mark.parametrize("fmt", ["xywh", "cxcywh"])
def test_areas_in_other_formats(fmt):
    assert ops.box_area(ops.box_convert(Tensor(A), "xyxy", fmt), fmt).tolist() == [16, 8]


def test_areas():
    assert ops.box_area(Tensor(A)).tolist() == [16, 8]
    assert ops.box_area(Tensor(A.astype(np.int16))).dtype == np.int32
    assert ops.box_area(Tensor(300 * A.astype(np.float16))).tolist() == [1440000, 720000]


def test_clipping():
    boxes = Tensor(np.array([[-2.0, 3, 12, 30], [1, 1, 2, 2]]), True)
    clipped = ops.clip_boxes_to_image(boxes, (20, 10))
    assert clipped.tolist() == [[0, 3, 10, 20], [1, 1, 2, 2]]
    clipped.sum().backward()
    assert boxes.grad.tolist() == [[0, 1, 0, 0], [1, 1, 1, 1]]


def test_small_boxes():
    boxes = Tensor(np.array([[0.0, 0, 3, 3], [0, 0, 2, 9], [0, 0, 9, 2.5], [1, 1, 1, 1]]))
    assert ops.remove_small_boxes(boxes, 2.5).tolist() == [0, 2]
    assert ops.remove_small_boxes(boxes, 2.5).dtype == np.int64


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_boxes_around_masks(dtype):
    masks = np.zeros((3, 5, 6), dtype)
    masks[0, 1:4, 2:6] = 1
    masks[1, 4, 0] = masks[1, 2, 3] = 1
    boxes = ops.masks_to_boxes(Tensor(masks))
    assert boxes.tolist() == [[2, 1, 5, 3], [0, 2, 3, 4], [0, 0, 0, 0]] and boxes.dtype == np.float32
    assert ops.masks_to_boxes(Tensor(masks[:0])).shape == (0, 4)
