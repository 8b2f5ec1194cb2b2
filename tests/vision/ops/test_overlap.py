"""Overlaps and losses: torchvision's figures, gradients to second order, refusals. (torchvision itself is not needed.)"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet as sn
from scratchnet import Tensor
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import seeds
from scratchnet.vision import ops

A = np.array([[0.0, 0, 4, 4], [1, 1, 3, 5]])
B = np.array([[2.0, 1, 6, 3], [5, 5, 7, 8]])
# given by torchvision 0.28
PAIRWISE = {
    "box_iou": [[0.2, 0], [0.1428571429, 0]],
    "generalized_box_iou": [[0.0333333333, -0.6071428571], [-0.1571428571, -0.6666666667]],
    "distance_box_iou": [[0.1230769232, -0.3207964599], [0.0209059236, -0.3323529408]],
    "complete_box_iou": [[0.1209861447, -0.3210419676], [-0.0065734635, -0.3323919763]],
}
LOSSES = {
    "generalized_box_iou_loss": [0.966666667, 1.6666666651],
    "distance_box_iou_loss": [0.8769230778, 1.3323529408],
    "complete_box_iou_loss": [0.8790138563, 1.3323919763],
}


def drawn(count, seed):
    """Boxes of which no two corners are nearly equal: away from the kinks of min and max."""
    rng = np.random.default_rng(seed)
    x, y = (np.sort(rng.permutation(2 * count).reshape(count, 2) + rng.uniform(0.1, 0.9, (count, 2)), 1) for _ in "xy")
    return np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], 1)


@pytest.mark.parametrize("name", PAIRWISE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
def test_pairwise_overlap_is_torchvisions(name, dtype):
    y = getattr(ops, name)(Tensor(A.astype(dtype)), Tensor(B.astype(dtype)))
    assert y.dtype == (np.float64 if dtype == np.float64 else np.float32)
    np.testing.assert_allclose(y.array, PAIRWISE[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", PAIRWISE)
@given(n=st.integers(1, 3), m=st.integers(1, 3), seed=seeds())
def test_gradients_of_pairwise_overlap(name, n, m, seed):
    boxes = drawn(n + m, seed)
    if name != "complete_box_iou":  # there α is a constant to the gradient, but not to differences
        check_gradient(getattr(ops, name), boxes[:n], boxes[n:])
    else:
        x, y = Tensor(boxes[:n], True), Tensor(boxes[n:], True)
        cotangent = np.random.default_rng(seed).standard_normal((n, m))
        ops.complete_box_iou(x, y).backward(Tensor(cotangent))
        u, v = Tensor(boxes[:n], True), Tensor(boxes[n:], True)
        sn.kernels.box_iou.reference(u, v, "complete").backward(Tensor(cotangent))
        np.testing.assert_allclose(x.grad.array, u.grad.array)
        np.testing.assert_allclose(y.grad.array, v.grad.array)


def test_alpha_is_a_constant_to_the_gradient():
    """The complete form less the distance form is −α·v, whose gradient is −α·dv."""
    a, b = np.array([[0.0, 0, 2, 3]]), np.array([[0.5, 1, 3, 2]])
    x, y = Tensor(a, True), Tensor(a, True)
    ops.complete_box_iou(x, Tensor(b)).sum().backward()
    ops.distance_box_iou(y, Tensor(b)).sum().backward()
    z = Tensor(a, True)
    angle = ((z[0, 2] - z[0, 0]) / (z[0, 3] - z[0, 1])).atan() - np.arctan(2.5)
    v = 4 / np.pi**2 * angle**2
    iou = ops.box_iou(Tensor(a), Tensor(b)).item()
    (v * (v.item() / (1 - iou + v.item() + 1e-7))).backward()
    np.testing.assert_allclose(x.grad.array, y.grad.array - z.grad.array, atol=1e-12)


def test_many_sets_at_once_and_none():
    a, b = Tensor(np.stack([A, B])), Tensor(np.stack([B, A]))
    y = ops.generalized_box_iou(a, b)
    np.testing.assert_allclose(y.array[0], PAIRWISE["generalized_box_iou"], atol=1e-9)
    np.testing.assert_allclose(y.array[1], np.transpose(PAIRWISE["generalized_box_iou"]), atol=1e-9)
    assert ops.box_iou(Tensor(A[:0]), Tensor(B)).shape == (0, 2)


@pytest.mark.parametrize("fmt", ["xywh", "cxcywh"])
def test_overlap_in_other_formats(fmt):
    a, b = (ops.box_convert(Tensor(x), "xyxy", fmt) for x in (A, B))
    np.testing.assert_allclose(ops.box_iou(a, b, fmt).array, PAIRWISE["box_iou"], rtol=1e-9)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_losses_are_torchvisions(name, reduction):
    loss = getattr(ops, name)
    expected = {"none": np.asarray, "mean": np.mean, "sum": np.sum}[reduction](LOSSES[name])
    np.testing.assert_allclose(loss(Tensor(A), Tensor(B), reduction).array, expected, rtol=1e-8)
    assert loss(Tensor(A.astype(int)), Tensor(B.astype(int)), reduction).dtype == np.float32
    empty = loss(Tensor(A[:0]), Tensor(B[:0]), reduction)
    assert empty.tolist() == ([] if reduction == "none" else 0)
    np.testing.assert_allclose(loss(Tensor(A[0]), Tensor(B[0])).item(), LOSSES[name][0], rtol=1e-8)


@given(count=st.integers(1, 4), seed=seeds(), reduction=st.sampled_from(["none", "mean", "sum"]))
def test_gradients_of_losses(count, seed, reduction):
    boxes = drawn(2 * count, seed)
    for loss in (ops.generalized_box_iou_loss, ops.distance_box_iou_loss):
        check_gradient(lambda a, b, loss=loss: loss(a, b, reduction), boxes[:count], boxes[count:])


def test_boxes_that_do_not_touch_still_have_a_gradient():
    x = Tensor(A[:1], True)
    ops.generalized_box_iou_loss(x, Tensor(B[1:])).sum().backward()
    assert (x.grad.array != 0).all()


def test_refusals():
    with pytest.raises(ValueError, match="fmt"):
        ops.box_iou(Tensor(A), Tensor(B), "ltrb")
    with pytest.raises(NotImplementedError):
        ops.box_iou(Tensor(A), Tensor(B), "xywhr")
    with pytest.raises(ValueError, match="reduction"):
        ops.complete_box_iou_loss(Tensor(A), Tensor(B), "all")
    with pytest.raises(ValueError, match="boxes2"):
        ops.box_iou(Tensor(A), Tensor(B[:, :3]))
