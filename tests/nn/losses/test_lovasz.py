"""Lovász's extension: sums over sets as the paper defines it, gradients, ignored pixels, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor, nn
from scratchnet.nn.losses import lovasz_hinge_loss, lovasz_softmax_loss
from scratchnet.testing import check_gradient, values
from scratchnet.testing.strategies import seeds

REDUCE = {"mean": np.mean, "sum": np.sum, "none": np.asarray}


def extension(errors, truth):
    """Σ_i m_π(i) · (Δ({π₁ … π_i}) − Δ({π₁ … π_{i−1}})), with sets."""
    positive = {i for i, t in enumerate(truth) if t}
    total, wrong, before = 0.0, set(), 0.0
    for i in sorted(range(len(errors)), key=lambda i: -errors[i]):
        wrong.add(i)
        now = len(wrong) / len(positive | wrong)
        total, before = total + errors[i] * (now - before), now
    return total


def softmax_by_sets(x, t, classes, ignored):
    """Of pixels [P, C] together."""
    x, t = x[t != ignored], t[t != ignored]
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True) if x.shape[1] > 1 else 1 / (1 + np.exp(-x))
    if x.shape[1] == 1:
        kinds = [1] if classes != "present" or (t == 1).any() else []
    else:
        kinds = (
            {"present": sorted(set(t.tolist())), "all": range(x.shape[1])}[classes]
            if isinstance(classes, str)
            else classes
        )
    losses = [extension(np.abs((t == c) - p[:, c if x.shape[1] > 1 else 0]), t == c) for c in kinds]
    return np.mean(losses) if losses else 0.0


@given(
    seeds(),
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from(["present", "all", "list"]),
    st.sampled_from(list(REDUCE)),
)
def test_softmax_form_is_the_sum_over_sets(seed, n, channels, classes, reduction):
    rng = np.random.default_rng(seed)
    t = rng.integers(0, max(channels, 2), (n, 2, 2))
    t[rng.random(t.shape) < 0.2] = 9
    if classes == "list":
        classes = [channels - 1] if channels > 1 else [0]
    x = values((n, channels, 2, 2), seed)
    rows, labels = np.moveaxis(x, 1, -1).reshape(n, 4, channels), t.reshape(n, 4)
    together = lovasz_softmax_loss(Tensor(x), Tensor(t), classes, ignore_index=9, reduction=reduction).item()
    assert together == pytest.approx(softmax_by_sets(rows.reshape(-1, channels), labels.ravel(), classes, 9))
    alone = [softmax_by_sets(r, t, classes, 9) for r, t in zip(rows, labels)]
    by_image = lovasz_softmax_loss(Tensor(x), Tensor(t), classes, True, 9, reduction=reduction)
    np.testing.assert_allclose(by_image.array, REDUCE[reduction](alone), atol=1e-12)


@given(seeds(), st.integers(1, 3), st.sampled_from(list(REDUCE)))
def test_hinge_form_is_the_sum_over_sets(seed, n, reduction):
    rng = np.random.default_rng(seed)
    x, t = values((n, 2, 3), seed), rng.integers(0, 2, (n, 2, 3))
    t[rng.random(t.shape) < 0.2] = 9

    def by_sets(x, t):
        x, t = x[t != 9], t[t != 9]
        errors = 1 - x * (2 * t - 1)
        return extension(np.maximum(errors, 0), t == 1)

    loss = lovasz_hinge_loss(Tensor(x), Tensor(t), ignore_index=9, reduction=reduction)
    np.testing.assert_allclose(loss.array, REDUCE[reduction]([by_sets(*pair) for pair in zip(x, t)]), atol=1e-12)
    assert lovasz_hinge_loss(Tensor(x), Tensor(t), False, 9).item() == pytest.approx(by_sets(x.ravel(), t.ravel()))


@pytest.mark.parametrize("classes, seed", [(1, 0), (2, 1), (3, 2), (3, 3)])
def test_gradients_to_second_order(classes, seed):
    t = Tensor(np.random.default_rng(seed).integers(0, max(classes, 2), (2, 3)))
    x = values((2, classes, 3), seed, distinct=True)
    check_gradient(lambda x: lovasz_softmax_loss(x, t, "all"), x)
    y = values((2, 3), seed, away_from=(-1, 1), distinct=True)
    binary = Tensor(t.array.clip(0, 1))
    check_gradient(lambda x: lovasz_hinge_loss(x, binary), y)


def test_by_hand():
    """One pixel of two is foreground: wrong about the other alone, the Jaccard loss is 1/2; about both, 1."""
    t = Tensor(np.array([[1, 0]]))
    assert lovasz_hinge_loss(Tensor(np.array([[5.0, 2]])), t).item() == pytest.approx(3 / 2)
    assert lovasz_hinge_loss(Tensor(np.array([[0.0, 2]])), t).item() == pytest.approx(3 / 2 + 1 / 2)
    p = Tensor(np.array([[[0.9, 0.4]]]))
    assert lovasz_softmax_loss(p, t, from_logits=False).item() == pytest.approx(0.4 / 2 + 0.1 / 2)


def test_where_all_is_ignored_there_is_no_loss():
    x, t = Tensor(values((1, 2, 3), 0), True), Tensor(np.full((1, 3), 9))
    loss = lovasz_softmax_loss(x, t, ignore_index=9) + lovasz_hinge_loss(x[:, 0], t, ignore_index=9)
    loss.backward()
    assert loss.item() == 0 and not x.grad.array.any()


def test_modules_hand_over_their_settings():
    x, t = Tensor(values((2, 3, 4), 0)), Tensor(np.random.default_rng(0).integers(0, 3, (2, 4)))
    p = nn.functional.softmax(x, 1)
    expected = lovasz_softmax_loss(x, t, "all", True, 1, reduction="none").array
    np.testing.assert_array_equal(nn.LovaszSoftmaxLoss("all", True, 1, False, "none")(p, t).array, expected)
    signs = Tensor(t.array.clip(0, 1))
    expected = lovasz_hinge_loss(x[:, 0], signs, False, 1).item()
    assert nn.LovaszHingeLoss(False, 1, "sum")(x[:, 0], signs).item() == expected


X, T = values((2, 3, 4), 0), np.zeros((2, 4), np.int64)


@pytest.mark.parametrize("loss, args, options", [
    (lovasz_softmax_loss, (X, T), dict(classes="some")),
    (lovasz_softmax_loss, (X, T), dict(reduction="average")),
    (lovasz_softmax_loss, (X, T[:, :2]), {}),
    (lovasz_hinge_loss, (X, T), {}),
    (lovasz_hinge_loss, (X, X), dict(reduction="average")),
])  # fmt: skip
def test_refusals(loss, args, options):
    with pytest.raises(ValueError):
        loss(*(Tensor(a) for a in args), **options)
