"""Losses of distances: triplets one by one, torch's composition, gradients to second order, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor, nn, optim
from scratchnet.nn.losses import batch_triplet_loss, center_loss, contrastive_loss, nt_xent_loss
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


def reduced(loss, reduction):
    return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()


def triplets_in_torch(x, t, margin, mining, reduction):
    """Triplet by triplet, as the paper writes the sums."""
    n, zero = len(x), x.sum() * 0

    def d(i, j):
        return (x[i] - x[j]).norm()

    def loss(gap):
        return torch.nn.functional.softplus(gap, threshold=1e9) if margin == "soft" else (margin + gap).relu()

    each = {}
    for a in range(n):
        near = [p for p in range(n) if p != a and t[p] == t[a]]
        far = [q for q in range(n) if t[q] != t[a]]
        if mining == "all":
            each.update({(a, p, q): loss(d(a, p) - d(a, q)) for p in near for q in far})
        elif near and far:
            each[a] = loss(torch.stack([d(a, p) for p in near]).max() - torch.stack([d(a, q) for q in far]).min())
    if reduction == "none":
        shape = (n,) if mining == "hard" else (n, n, n)
        places = np.ndindex(shape) if mining == "all" else range(n)
        return torch.stack([each.get(i, zero) for i in places]).reshape(shape)
    total = sum(each.values(), zero)
    counted = len(each) if mining == "hard" else sum(v.item() > 0 for v in each.values())
    return total / max(counted, 1) if reduction == "mean" else total


@pytest.mark.parametrize("mining", ["hard", "all"])
@given(seeds(), st.integers(1, 5), st.sampled_from([0.3, 2.0, "soft"]), REDUCTIONS)
def test_triplets_are_those_of_the_paper(mining, seed, n, margin, reduction):
    x, t = values((n, 2), seed), np.random.default_rng(seed).integers(0, 2, n)
    check_against_torch(
        lambda x, t: batch_triplet_loss(x, t, margin, mining, reduction), x, t,
        torch_fn=lambda x, t: triplets_in_torch(x, t, margin, mining, reduction),
    )  # fmt: skip


@given(seeds())
def test_contrastive_center_and_nt_xent_are_compositions_in_torch(seed):
    rng = np.random.default_rng(seed)
    x, y, c = (values((3, 2), seed + i) for i in range(3))
    pairs, t = rng.integers(0, 2, 3), rng.integers(0, 3, 3)

    def contrastive(x, y, pairs):
        d = (x - y).norm(dim=1)
        return torch.where(pairs == 1, (1.5 - d).relu() ** 2, d**2) / 2

    def nt_xent(x, y):
        z = torch.cat([x, y])
        s = torch.nn.functional.cosine_similarity(z[:, None], z[None], dim=2) / 0.3
        return torch.stack([
            -s[i, (i + 3) % 6] + torch.logsumexp(torch.stack([s[i, k] for k in range(6) if k != i]), 0) for i in range(6)
        ])  # fmt: skip

    for reduction in ("mean", "sum", "none"):
        check_against_torch(
            lambda *a, r=reduction: contrastive_loss(*a, 1.5, r), x, y, pairs,
            torch_fn=lambda *a, r=reduction: reduced(contrastive(*a), r),
        )  # fmt: skip
        check_against_torch(
            lambda *a, r=reduction: center_loss(*a, r), x, t, c,
            torch_fn=lambda x, t, c, r=reduction: reduced(((x - c[t]) ** 2).sum(1) / 2, r),
        )  # fmt: skip
        check_against_torch(
            lambda *a, r=reduction: nt_xent_loss(*a, 0.3, r),
            x,
            y,
            torch_fn=lambda *a, r=reduction: reduced(nt_xent(*a), r),
        )


def test_gradients_to_second_order():
    x, y, t = values((4, 2), 0), values((4, 2), 1), Tensor(np.array([0, 1, 0, 1]))
    check_gradient(lambda x: batch_triplet_loss(x, t, "soft"), x)
    check_gradient(lambda x: batch_triplet_loss(x, t, 2.0, "all"), x)
    check_gradient(lambda x, y: contrastive_loss(x, y, t), x, y)
    check_gradient(lambda x, c: center_loss(x, t, c), x, y)
    check_gradient(lambda x, y: nt_xent_loss(x, y), x, y)


def test_by_hand():
    """On a line: 0 and 1 of one class, 3 of another; the gaps are 1 − 3 and 1 − 2."""
    x, t = Tensor(np.array([[0.0], [1], [3]])), Tensor(np.array([0, 0, 1]))
    assert batch_triplet_loss(x, t, 1.5, reduction="none").tolist() == [0, 0.5, 0]
    assert batch_triplet_loss(x, t, 1.5).item() == 0.25  # two anchors have triplets
    assert batch_triplet_loss(x, t, 1.5, "all").item() == 0.5  # one triplet has a loss
    assert contrastive_loss(x, x + 0.5, Tensor(np.array([0, 1, 1])), reduction="none").tolist() == [0.125] * 3
    assert center_loss(x, t, Tensor(np.array([[1.0], [1]])), "none").tolist() == [0.5, 0, 2]


def test_one_point_twice_has_a_finite_gradient():
    x, t = Tensor(np.zeros((4, 2)), requires_grad=True), Tensor(np.array([0, 0, 1, 1]))
    for loss in (batch_triplet_loss(x, t), batch_triplet_loss(x, t, mining="all"), contrastive_loss(x, x * 2, t)):
        loss.backward()
        assert np.isfinite(x.grad.array).all()


def test_centres_are_learned_by_either_rule():
    x, t = Tensor(values((4, 2), 0)), Tensor(np.array([0, 0, 0, 2]))
    layer = nn.CenterLoss(3, 2, "sum", dtype=np.float64)
    assert repr(layer) == "CenterLoss(num_classes=3, feat_dim=2)" and list(layer.state_dict()) == ["centers"]
    before = layer.centers.array.copy()
    layer(x, t).backward()
    np.testing.assert_allclose(layer.centers.grad.array[0], 3 * before[0] - x.array[:3].sum(0))
    layer.update(x, t, alpha=0.5)
    for j, n in enumerate([3, 0, 1]):
        moved = 0.5 * (n * before[j] - x.array[t.array == j].sum(0)) / (1 + n)
        np.testing.assert_allclose(layer.centers.array[j], before[j] - moved)
    layer.centers.grad = None
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    layer(x, t).backward()
    loss = layer(x, t).item()
    optimizer.step()
    assert layer(x, t).item() < loss


def test_modules_hand_over_their_settings():
    x, y, t = Tensor(values((4, 2), 0)), Tensor(values((4, 2), 1)), Tensor(np.array([0, 1, 0, 1]))
    pairs = [
        (nn.BatchTripletLoss("soft", "all", "sum")(x, t), batch_triplet_loss(x, t, "soft", "all", "sum")),
        (nn.ContrastiveLoss(3.0, "sum")(x, y, t), contrastive_loss(x, y, t, 3.0, "sum")),
        (nn.NTXentLoss(0.1, "sum")(x, y), nt_xent_loss(x, y, 0.1, "sum")),
    ]
    assert [a.item() for a, _ in pairs] == [b.item() for _, b in pairs]


X, T = Tensor(values((3, 2), 0)), Tensor(np.array([0, 1, 1]))


@pytest.mark.parametrize("error, call", [
    (ValueError, lambda: batch_triplet_loss(X, T, "hard")),
    (ValueError, lambda: batch_triplet_loss(X, T, -1.0)),
    (ValueError, lambda: batch_triplet_loss(X, T, mining="easy")),
    (ValueError, lambda: batch_triplet_loss(X, T[:2])),
    (ValueError, lambda: batch_triplet_loss(X, X[:, 0])),
    (ValueError, lambda: batch_triplet_loss(X, T, reduction="average")),
    (NotImplementedError, lambda: batch_triplet_loss(T, T)),
    (ValueError, lambda: contrastive_loss(X, X[:2], T)),
    (ValueError, lambda: contrastive_loss(X, X, T[:2])),
    (ValueError, lambda: contrastive_loss(X, X, T, 0.0)),
    (ValueError, lambda: contrastive_loss(X, X, T, reduction="average")),
    (ValueError, lambda: center_loss(X, T, X[:, :1])),
    (IndexError, lambda: center_loss(X, T, X[:1])),
    (IndexError, lambda: center_loss(X, T - 1, X)),
    (ValueError, lambda: center_loss(X, T, X, "average")),
    (RuntimeError, lambda: nn.CenterLoss(-1, 2)),
    (ValueError, lambda: nt_xent_loss(X, X[:2])),
    (ValueError, lambda: nt_xent_loss(X, X, 0.0)),
    (ValueError, lambda: nt_xent_loss(X, X, reduction="average")),
])  # fmt: skip
def test_refusals(error, call):
    with pytest.raises(error):
        call()
