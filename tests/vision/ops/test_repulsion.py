"""Repulsion: pair by pair as in the paper, gradients to second order, an example by hand, refusals."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import seeds
from scratchnet.vision.ops import repulsion_box_loss, repulsion_gt_loss, smooth_ln


def drawn(n, seed):
    """Boxes that overlap often, of which no two sides are nearly equal."""
    rng = np.random.default_rng(seed)
    corner, size = rng.permutation(2 * n).reshape(n, 2) / n, rng.uniform(1.0, 2.0, (n, 2))
    return np.concatenate([corner, corner + size + rng.uniform(0, 0.1, (n, 2))], 1)


def intersection(a, b):
    side = [torch.minimum(a[i + 2], b[i + 2]) - torch.maximum(a[i], b[i]) for i in (0, 1)]
    return side[0].relu() * side[1].relu()


def area(a):
    return (a[2] - a[0]) * (a[3] - a[1])


def iou(a, b):
    both = intersection(a, b)
    return both / (area(a) + area(b) - both)


def curve(x, sigma):
    return -(1 - x).log() if x <= sigma else (x - sigma) / (1 - sigma) - math.log(1 - sigma)


@given(seeds(), st.integers(1, 5), st.sampled_from([0.0, 0.3, 0.9]), st.booleans())
def test_they_are_the_sums_of_the_paper(seed, n, sigma, with_proposals):
    boxes, objects = drawn(n + 3, seed)[:n], drawn(n + 3, seed)[n:]
    matched = np.random.default_rng(seed).integers(0, 3, n)
    proposals = np.array(boxes[::-1]) if with_proposals else None

    def from_objects(boxes, matched):
        total, judges = 0, torch.from_numpy(boxes.detach().numpy() if proposals is None else proposals)
        for box, judge, goal in zip(boxes, judges, matched):
            others = [torch.from_numpy(g) for j, g in enumerate(objects) if j != goal]
            nearest = max(others, key=lambda g: iou(judge, g))
            total = total + curve(intersection(box, nearest) / area(nearest), sigma)
        return total / n

    def from_boxes(boxes, matched):
        pairs = [(i, j) for i in range(n) for j in range(i) if matched[i] != matched[j]]
        overlaps = [iou(boxes[i], boxes[j]) for i, j in pairs]
        return sum((curve(x, sigma) for x in overlaps), boxes.sum() * 0) / (sum(x.item() > 0 for x in overlaps) + 1e-7)

    judges = None if proposals is None else Tensor(proposals)
    check_against_torch(
        lambda b, m: repulsion_gt_loss(b, Tensor(objects), m, judges, sigma), boxes, matched, torch_fn=from_objects
    )
    check_against_torch(lambda b, m: repulsion_box_loss(b, m, sigma), boxes, matched, torch_fn=from_boxes)


def test_gradients_to_second_order():
    boxes, matched = drawn(6, 2), Tensor(np.array([0, 1, 1, 0]))
    boxes, objects = boxes[:4], Tensor(boxes[4:])
    check_gradient(lambda b: repulsion_gt_loss(b, objects, matched, sigma=0.2), boxes)
    check_gradient(lambda b: repulsion_box_loss(b, matched, sigma=0.2), boxes)


def test_by_hand():
    """A box 2 wide and 1 high, for the left object, covers a quarter of the right one, and shares a third with its box."""
    boxes = Tensor(np.array([[0.0, 0, 2, 1], [1, 0, 3, 1]]), requires_grad=True)
    objects, matched = Tensor(np.array([[0.0, 0, 1, 1], [1, -0.5, 3, 1.5]])), Tensor(np.array([0, 1]))
    loss = repulsion_gt_loss(boxes, objects, matched)
    assert loss.item() == pytest.approx(math.log(4 / 3) / 2)  # the second box touches the left object only at its edge
    assert repulsion_box_loss(boxes, matched, 0.5).item() == pytest.approx(math.log(1.5), rel=1e-6)
    assert repulsion_box_loss(boxes, matched).item() == pytest.approx(1 / 3, rel=1e-6)  # with σ = 0 the overlap itself
    loss.backward()
    np.testing.assert_allclose(boxes.grad.array[0], [0, -1 / 6, 1 / 6, 1 / 6])  # ½ · 1 / (1 − ¼) · ¼ by each side


def test_the_curve_is_smooth_at_sigma_and_finite_at_one():
    x = Tensor(np.array([0.0, 0.5 - 1e-9, 0.5 + 1e-9, 1.0]), requires_grad=True)
    y = smooth_ln(x)
    np.testing.assert_allclose(y.array, [0, math.log(2), math.log(2), 1 + math.log(2)], atol=1e-8)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.array, [1, 2, 2, 2], rtol=1e-6)
    assert smooth_ln(x.detach(), 0.0).tolist() == x.tolist()


def test_nobody_to_be_repelled_by():
    boxes, matched = Tensor(drawn(2, 0), requires_grad=True), Tensor(np.array([0, 0]))
    loss = repulsion_gt_loss(boxes, boxes[:1], matched) + repulsion_box_loss(boxes, matched)
    loss.backward()
    assert loss.item() == 0 and not boxes.grad.array.any()
    assert (
        repulsion_gt_loss(boxes[:0], boxes, matched[:0]).item()
        == repulsion_box_loss(boxes[:0], matched[:0]).item()
        == 0
    )


B, M = Tensor(drawn(3, 0)), Tensor(np.array([0, 1, 1]))


@pytest.mark.parametrize("error, call", [
    (ValueError, lambda: repulsion_gt_loss(B, B, M[:2])),
    (ValueError, lambda: repulsion_gt_loss(B, B, M.double())),
    (ValueError, lambda: repulsion_gt_loss(B, B[:, :3], M)),
    (ValueError, lambda: repulsion_gt_loss(B, B, M, B[:2])),
    (ValueError, lambda: repulsion_gt_loss(B, B, M, sigma=1.0)),
    (IndexError, lambda: repulsion_gt_loss(B, B, M + 2)),
    (ValueError, lambda: repulsion_box_loss(B[0], M)),
    (ValueError, lambda: repulsion_box_loss(B, M, sigma=-0.1)),
])  # fmt: skip
def test_refusals(error, call):
    with pytest.raises(error):
        call()
