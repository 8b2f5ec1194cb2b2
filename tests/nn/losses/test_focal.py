"""Focal losses: torch's composition, gradients to second order, extremes; weights of balanced classes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor, nn, vision
from scratchnet.nn.losses import class_balanced_weights, focal_loss, sigmoid_focal_loss
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
GAMMAS = st.sampled_from([0, 0.5, 1, 2])


def reduced(loss, reduction):
    return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()


@given(seeds(), shapes(0, 3, 1, 3), st.sampled_from([-1, 0.25, 0.6]), GAMMAS, REDUCTIONS, st.booleans(), st.booleans())
def test_sigmoid_form_is_the_composition_in_torch(seed, shape, alpha, gamma, reduction, soft, two_sided):
    x = values(shape, seed, -4, 4)
    t = np.random.default_rng(seed).random(shape) if soft else (values(shape, seed + 1) > 0).astype(float)

    def in_torch(x, t):
        p = x.sigmoid()
        p_t = p * t + (1 - p) * (1 - t)
        factor = (4 * p_t * (1 - p_t)).detach() ** gamma if two_sided else (1 - p_t) ** gamma
        loss = factor * torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
        return reduced(loss if alpha == -1 else loss * (alpha * t + (1 - alpha) * (1 - t)), reduction)

    check_against_torch(
        lambda x, t: sigmoid_focal_loss(x, t.detach(), alpha, gamma, reduction, two_sided=two_sided), x, t,
        torch_fn=lambda x, t: in_torch(x, t.detach()),
    )  # fmt: skip


@given(
    seeds(), st.integers(1, 3), st.integers(2, 3), shapes(0, 2, 1, 3), GAMMAS, REDUCTIONS, st.booleans(), st.booleans()
)
def test_class_form_is_the_composition_in_torch(seed, n, classes, size, gamma, reduction, weighted, two_sided):
    x, t = values((n, classes, *size), seed), np.random.default_rng(seed).integers(0, classes, (n, *size))
    t.flat[0] = -100 if t.size > 1 else t.flat[0]
    w = values((classes,), seed, 0.2, 2) if weighted else None

    def in_torch(x, t, w):
        counts = t != -100
        t = t * counts
        log_p = x.log_softmax(1).gather(1, t[:, None])[:, 0]
        p = log_p.exp()
        factor = (4 * p * (1 - p)).detach() ** gamma if two_sided else (1 - p) ** gamma
        loss = -log_p * factor * (1 if w is None else w[t]) * counts
        return loss.sum() / counts.sum() if reduction == "mean" else reduced(loss, reduction)

    check_against_torch(
        lambda x, t, w: focal_loss(x, t, None if w is None else w, gamma, reduction=reduction, two_sided=two_sided),
        x, t, w, torch_fn=in_torch,
    )  # fmt: skip


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 2])
def test_gradients_to_second_order(gamma):
    x, t = values((2, 3), 0), np.array([2, 0])
    check_gradient(lambda x: focal_loss(x, Tensor(t), gamma=gamma), x)
    check_gradient(lambda x: sigmoid_focal_loss(x, Tensor((x.array > 0).astype(float)), gamma=gamma), x)


def test_without_focus_it_is_cross_entropy():
    x, t = Tensor(values((4, 3), 0)), Tensor(np.array([0, 2, 1, -100]))
    assert focal_loss(x, t, gamma=0).item() == pytest.approx(nn.functional.cross_entropy(x, t).item())


def test_by_hand():
    """σ(0) = 1/2: 0.25 · (1/2)² · log 2, and where the answer is 0, 0.75 of that."""
    loss = sigmoid_focal_loss(Tensor(np.zeros(2)), Tensor(np.array([1.0, 0])))
    np.testing.assert_allclose(loss.array, np.log(2) / 4 * np.array([0.25, 0.75]))


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
@pytest.mark.parametrize("two_sided", [False, True])
def test_the_certain_and_the_ignored_have_finite_gradients(gamma, two_sided):
    x = Tensor(np.array([[2000.0, 0], [0, 0]]), requires_grad=True)
    focal_loss(x, Tensor(np.array([0, -100])), gamma=gamma, two_sided=two_sided).backward()
    np.testing.assert_array_equal(x.grad.array, 0)
    y = Tensor(np.array([2000.0, -2000]), requires_grad=True)
    sigmoid_focal_loss(y, Tensor(np.array([1.0, 0])), -1, gamma, "sum", two_sided=two_sided).backward()
    np.testing.assert_array_equal(y.grad.array, 0)


def test_the_two_sided_form_trusts_neither_side_but_keeps_the_direction():
    x = Tensor(np.array([-5.0, 0, 5]), requires_grad=True)
    ones = Tensor(np.ones(3))
    sigmoid_focal_loss(x, ones, -1, reduction="sum", two_sided=True).backward()
    assert (x.grad.array < 0).all() and abs(x.grad.array[1]) > abs(x.grad.array[[0, 2]]).max()


def test_class_balanced_weights():
    w = class_balanced_weights([1, 2, 0], beta=0.5, dtype=np.float64)
    np.testing.assert_allclose(w.array, [9 / 5, 6 / 5, 0])  # 1 / 1 and 1 / 1.5 in proportion, adding up to 3
    np.testing.assert_allclose(class_balanced_weights(Tensor(np.array([5, 70])), 0).array, [1, 1])
    np.testing.assert_allclose(class_balanced_weights([1, 3], 1 - 1e-12).array, [1.5, 0.5])
    for counts, beta in (([1, 2], 1.0), ([1, 2], -0.1), ([1, -2], 0.5), ([0, 0], 0.5), ([[1]], 0.5)):
        with pytest.raises(ValueError):
            class_balanced_weights(counts, beta)


def test_modules_hand_over_their_settings():
    x, t = Tensor(values((2, 3), 0)), Tensor(np.array([2, 1]))
    w = Tensor(np.array([1.0, 2, 3]))
    layer = nn.FocalLoss(w, 0.5, 1, "none", two_sided=True)
    assert list(layer.state_dict()) == ["weight"]
    np.testing.assert_array_equal(layer(x, t).array, focal_loss(x, t, w, 0.5, 1, "none", two_sided=True).array)
    yes = Tensor((x.array > 0).astype(float))
    expected = sigmoid_focal_loss(x, yes, 0.4, 1, "sum", two_sided=True).item()
    assert nn.SigmoidFocalLoss(0.4, 1, "sum", two_sided=True)(x, yes).item() == expected
    assert vision.ops.sigmoid_focal_loss is sigmoid_focal_loss


@pytest.mark.parametrize("options", [dict(alpha=1.5), dict(alpha=-2), dict(gamma=-1), dict(reduction="average")])
def test_refusals(options):
    x = Tensor(values((2, 3), 0))
    with pytest.raises(ValueError):
        sigmoid_focal_loss(x, x, **options)
    if "alpha" not in options:
        with pytest.raises(ValueError):
            focal_loss(x, Tensor(np.array([0, 1])), **options)
    with pytest.raises(ValueError):
        sigmoid_focal_loss(x, x[0])


@pytest.mark.parametrize("target, weight", [
    (values((2, 3), 0, 0.1, 1), None),
    (np.array([0, 1]), np.ones(2)),
    (np.array([0, 1]), np.ones(4)),
    (np.array([0.0, 1]), None),
])  # fmt: skip
def test_targets_are_classes_and_weights_one_for_each(target, weight):
    with pytest.raises(RuntimeError, match="focal_loss"):
        focal_loss(Tensor(values((2, 3), 0)), Tensor(target), None if weight is None else Tensor(weight))
