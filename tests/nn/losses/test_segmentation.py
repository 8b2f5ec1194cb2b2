"""Dice and Tversky: torch's composition, the paper's sums pixel by pixel, gradients, ignored pixels, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor, nn
from scratchnet.nn.losses import dice_loss, tversky_loss
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


def drawn(seed, n, classes, size, ignored=False):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, max(classes, 2), (n, *size))
    if ignored:
        target[rng.random(target.shape) < 0.3] = 7
    return values((n, classes, *size), seed), target


def of_torch(p, t, ratio, power=1.0, weight=None, gamma=1.0, ignored=None, reduction="mean"):
    """1 − ratio(Σ p·t, Σ pᵏ, Σ tᵏ), in torch."""
    classes = p.shape[1]
    p = (p.softmax(1) if classes > 1 else p.sigmoid()).reshape(len(p), classes, -1)
    t = t.reshape(len(t), -1)
    counts = torch.ones_like(t) if ignored is None else t != ignored
    hot = torch.nn.functional.one_hot(t * counts, max(classes, 2)).movedim(2, 1)[:, -classes:].to(p.dtype)
    p, hot = p * counts[:, None], hot * counts[:, None]
    loss = (1 - ratio((p * hot).sum(2), (p**power).sum(2), (hot**power).sum(2))) ** (1 / gamma)
    w = torch.ones(classes, dtype=p.dtype) if weight is None else weight
    loss = (loss * w).sum(1) / w.sum()
    return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()


@given(seeds(), st.integers(1, 3), st.integers(1, 3), shapes(0, 2, 1, 3), REDUCTIONS, st.booleans(), st.booleans())
def test_dice_is_the_composition_in_torch(seed, n, classes, size, reduction, weighted, ignored):
    x, t = drawn(seed, n, classes, size, ignored)
    w = values((classes,), seed, 0.2, 2) if weighted else None
    for smooth, power in ((1.0, 1.0), (0.3, 2.0)):
        check_against_torch(
            lambda x, t, w, s=smooth, k=power: dice_loss(x, t, s, k, w, 7, reduction=reduction),
            x, t, w,
            torch_fn=lambda x, t, w, s=smooth, k=power: of_torch(
                x, t, lambda both, p, t: (2 * both + s) / (p + t + s), k, w, ignored=7, reduction=reduction
            ),
        )  # fmt: skip


@given(seeds(), st.integers(1, 3), st.integers(1, 3), shapes(0, 2, 1, 3), st.sampled_from([1.0, 4 / 3]))
def test_tversky_is_the_composition_in_torch(seed, n, classes, size, gamma):
    x, t = drawn(seed, n, classes, size)

    def ratio(both, p, t):
        return (both + 0.5) / (both + 0.3 * (p - both) + 0.7 * (t - both) + 0.5)

    check_against_torch(
        lambda x, t: tversky_loss(x, t, 0.3, 0.7, 0.5, gamma), x, t,
        torch_fn=lambda x, t: of_torch(x, t, ratio, gamma=gamma),
    )  # fmt: skip


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_gradients_to_second_order(classes):
    x, t = drawn(classes, 2, classes, (3,))
    check_gradient(lambda x: dice_loss(x, Tensor(t), power=2, reduction="sum"), x)
    check_gradient(lambda x: tversky_loss(x, Tensor(t), 0.3, 0.7, gamma=4 / 3, reduction="none"), x)


def test_by_hand():
    p = Tensor(np.array([[[0.9, 0.6, 0.2]]]))
    t = Tensor(np.array([[[1.0, 0, 0]]]))
    assert dice_loss(p, t, from_logits=False).item() == pytest.approx(1 - (2 * 0.9 + 1) / (1.7 + 1 + 1))
    assert dice_loss(p, t, 0.0, 2.0, from_logits=False).item() == pytest.approx(1 - 1.8 / (0.81 + 0.36 + 0.04 + 1))
    # TP = 0.9, FP = 0.8, FN = 0.1
    assert tversky_loss(p, t, 0.3, 0.7, 0.0, from_logits=False).item() == pytest.approx(1 - 0.9 / (0.9 + 0.24 + 0.07))


def test_a_class_neither_there_nor_predicted_has_no_loss_and_a_finite_gradient():
    p = Tensor(np.array([[[1.0, 1], [0, 0]]]), requires_grad=True)
    t = Tensor(np.zeros((1, 2), np.int64))
    assert dice_loss(p, t, from_logits=False).item() == 0
    loss = tversky_loss(p, t, gamma=4 / 3, from_logits=False)
    loss.backward()
    assert loss.item() < 1e-5 and np.isfinite(p.grad.array).all()


def test_targets_of_ones_and_classes_are_the_same():
    x, t = drawn(0, 2, 3, (4,))
    hot = nn.functional.one_hot(Tensor(t), 3).transpose(1, 2)
    for loss in (nn.DiceLoss(), nn.TverskyLoss(0.2, 0.8)):
        assert loss(Tensor(x), hot).item() == loss(Tensor(x), Tensor(t)).item()


def test_modules_hand_over_their_settings():
    x, t = (Tensor(a) for a in drawn(1, 2, 3, (4,), ignored=True))
    w = Tensor(np.array([1.0, 2, 3]))
    dice = nn.DiceLoss(0.5, 2.0, w, 7, False, "none")
    assert list(dice.state_dict()) == ["weight"]
    p = nn.functional.softmax(x, 1)
    np.testing.assert_array_equal(dice(p, t).array, dice_loss(p, t, 0.5, 2.0, w, 7, False, "none").array)
    tversky = nn.TverskyLoss(0.2, 0.8, 0.5, 2.0, w, 7, False, "none")
    np.testing.assert_array_equal(
        tversky(p, t).array, tversky_loss(p, t, 0.2, 0.8, 0.5, 2.0, w, 7, False, "none").array
    )
    assert repr(nn.DiceLoss()) == "DiceLoss()"


X, T = drawn(0, 2, 3, (4,))


@pytest.mark.parametrize("error, args, options", [
    (ValueError, (X, T[:, :2]), {}),
    (ValueError, (X, T.astype(float)), {}),
    (ValueError, (X[0, 0], T), {}),
    (ValueError, (X, T), dict(reduction="average")),
    (ValueError, (X, X), dict(ignore_index=1)),
    (RuntimeError, (X, T), dict(weight=Tensor(np.ones(2)))),
    (IndexError, (X, T + 3), {}),
    (IndexError, (X[:, :1], T * 0 + 2), {}),
    (NotImplementedError, (T, T), {}),
    (TypeError, (Tensor(X), X), {}),
])  # fmt: skip
@pytest.mark.parametrize("loss", [dice_loss, tversky_loss])
def test_refusals(loss, error, args, options):
    x, t = args
    with pytest.raises(error):
        loss(x if isinstance(x, Tensor) else Tensor(x), t if isinstance(x, Tensor) else Tensor(t), **options)


def test_gamma_is_positive():
    with pytest.raises(ValueError, match="gamma"):
        tversky_loss(Tensor(X), Tensor(T), gamma=0.0)
