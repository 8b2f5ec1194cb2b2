"""Losses of the hardest examples: picked one by one, gradients, examples by hand, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor, nn
from scratchnet.nn.losses import hard_negative_mining, multi_box_loss, ohem_cross_entropy
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes


@given(
    seeds(), shapes(1, 2, 1, 4), st.sampled_from([0, 0.3, 0.7, 1]), st.sampled_from([0, 2, 0.5]),
    st.sampled_from(["mean", "sum", "none"]), st.booleans(),
)  # fmt: skip
def test_ohem_keeps_what_is_hard(seed, shape, thresh, min_kept, reduction, weighted):
    n, *size = shape
    x, t = values((n, 3, *size), seed), np.random.default_rng(seed).integers(0, 3, shape)
    t[np.random.default_rng(seed + 1).random(shape) < 0.2] = -100
    w = values((3,), seed, 0.2, 2) if weighted else None

    def in_torch(x, t, w):
        each = torch.nn.functional.cross_entropy(x, t, w, reduction="none").flatten()
        p = (-torch.nn.functional.cross_entropy(x, t, reduction="none").flatten()).exp()
        counted = [i for i in range(len(p)) if t.flatten()[i] != -100]
        k = int(np.ceil(min_kept * len(counted))) if min_kept == 0.5 else min_kept
        kept = set(sorted(counted, key=lambda i: p[i])[:k]) | {i for i in counted if p[i] < thresh}
        mask = torch.tensor([float(i in kept) for i in range(len(p))], dtype=x.dtype)
        loss = (each * mask).reshape(t.shape)
        return {"mean": loss.sum() / max(len(kept), 1), "sum": loss.sum(), "none": loss}[reduction]

    check_against_torch(
        lambda x, t, w: ohem_cross_entropy(x, t, None if w is None else w.detach(), -100, thresh, min_kept, reduction),
        x, t, w, torch_fn=lambda x, t, w: in_torch(x, t, None if w is None else w.detach()),
    )  # fmt: skip


@given(seeds())
def test_mining_takes_three_negatives_for_each_positive(seed):
    rng = np.random.default_rng(seed)
    loss, positive = rng.random((3, 9)), rng.random((3, 9)) < 0.2
    expected = positive.copy()
    for row in range(3):
        negative = sorted(np.flatnonzero(~positive[row]), key=lambda i: -loss[row, i])
        expected[row, negative[: 3 * int(positive[row].sum())]] = True
    np.testing.assert_array_equal(hard_negative_mining(Tensor(loss), Tensor(positive)).array, expected)


def drawn(seed):
    rng = np.random.default_rng(seed)
    target = rng.integers(1, 3, (2, 7)) * (rng.random((2, 7)) < 0.3)
    return values((2, 7, 3), seed), values((2, 7, 4), seed), target, values((2, 7, 4), seed + 1)


@given(seeds())
def test_multi_box_loss_image_by_image(seed):
    def in_torch(confidence, locations, t, places):
        total = 0
        for c, place, classes, goal in zip(confidence, locations, t, places):
            each = torch.nn.functional.cross_entropy(c, classes, reduction="none")
            positive = classes > 0
            worst = each[~positive].sort(descending=True).values[: 3 * int(positive.sum())]
            near = torch.nn.functional.smooth_l1_loss(place[positive], goal[positive], reduction="sum")
            total = total + each[positive].sum() + worst.sum() + 0.5 * near
        return total / max(int((t > 0).sum()), 1)

    check_against_torch(lambda *args: multi_box_loss(*args, alpha=0.5), *drawn(seed), torch_fn=in_torch)


def test_gradients_to_second_order():
    confidence, locations, t, places = drawn(3)
    check_gradient(lambda c, x, y: multi_box_loss(c, x, Tensor(t), y), confidence, locations, places)
    check_gradient(lambda c: ohem_cross_entropy(c, Tensor(t[0]), thresh=0.0, min_kept=3), confidence[0])


def test_of_equal_losses_the_first_are_taken():
    mined = hard_negative_mining(Tensor(np.ones((1, 5))), Tensor(np.array([[False, True, False, False, False]])), 2)
    assert mined.tolist() == [[True, True, True, False, False]]


def test_nothing_to_learn_from():
    x = Tensor(values((3, 2), 0), requires_grad=True)
    loss = ohem_cross_entropy(x, Tensor(np.full(3, -100)))
    loss.backward()
    assert loss.item() == 0 and not x.grad.array.any()
    c, x, t, places = (Tensor(a) for a in drawn(0))
    assert multi_box_loss(c, x, t * 0, places).item() == 0


def test_modules_hand_over_their_settings():
    x, t, w = Tensor(values((5, 3), 0)), Tensor(np.array([0, 1, 2, 1, 1])), Tensor(np.array([1.0, 2, 3]))
    layer = nn.OHEMCrossEntropyLoss(w, 1, 0.2, 1, "none")
    assert list(layer.state_dict()) == ["weight"]
    np.testing.assert_array_equal(layer(x, t).array, ohem_cross_entropy(x, t, w, 1, 0.2, 1, "none").array)
    args = [Tensor(a) for a in drawn(0)]
    assert nn.MultiBoxLoss(1.0, 0.5)(*args).item() == multi_box_loss(*args, 1.0, 0.5).item()


@pytest.mark.parametrize(
    "options", [dict(thresh=1.5), dict(min_kept=-1), dict(min_kept=1.5), dict(reduction="average")]
)
def test_ohem_refuses(options):
    with pytest.raises(ValueError):
        ohem_cross_entropy(Tensor(values((2, 3), 0)), Tensor(np.array([0, 1])), **options)


def test_ohem_refuses_probabilities():
    with pytest.raises(RuntimeError, match="ohem_cross_entropy"):
        ohem_cross_entropy(*[Tensor(values((2, 3), 0, 0.1, 1))] * 2)


def test_boxes_that_do_not_fit_are_refused():
    c, x, t, places = (Tensor(a) for a in drawn(0))
    for args in ((c, x[:, :3], t, places), (c, x, t[:, :3], places), (c[0], x, t, places), (c, x, t, places[..., :2])):
        with pytest.raises(ValueError, match="multi_box_loss"):
            multi_box_loss(*args)
    with pytest.raises(ValueError, match="hard_negative_mining"):
        hard_negative_mining(x, t)
    with pytest.raises(IndexError):
        multi_box_loss(c, x, t + 3, places)
