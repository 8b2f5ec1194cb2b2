"""ArcFace and CosFace: the angles themselves in torch, gradients to second order, past π, refusals."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor, nn
from scratchnet.nn.losses import angular_margin_loss
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds


@given(seeds(), st.sampled_from([(0.5, 0.0), (0.0, 0.35), (0.3, 0.2)]), st.sampled_from(["mean", "sum", "none"]))
def test_margins_are_those_of_the_papers(seed, margins, reduction):
    x, w, t = values((3, 2), seed), values((4, 2), seed + 1), np.random.default_rng(seed).integers(0, 4, 3)
    m, less = margins

    def in_torch(x, w, t):
        normal = torch.nn.functional.normalize
        theta = (normal(x) @ normal(w).T).clamp(-1 + 1e-12, 1 - 1e-12).arccos()
        true = torch.where(theta + m < math.pi, (theta + m).cos(), theta.cos() - m * math.sin(m)) - less
        hot = torch.nn.functional.one_hot(t, 4).bool()
        return torch.nn.functional.cross_entropy(8 * torch.where(hot, true, theta.cos()), t, reduction=reduction)

    check_against_torch(
        lambda x, w, t: angular_margin_loss(x, w, t, 8.0, m, less, reduction), x, w, t, torch_fn=in_torch,
        rtol=1e-7, atol=1e-8,
    )  # fmt: skip


def test_gradients_to_second_order():
    x, w, t = values((3, 2), 0), values((4, 2), 1), Tensor(np.array([1, 0, 3]))
    for m, less in ((0.5, 0.0), (0.0, 0.35)):
        check_gradient(lambda x, w, m=m, less=less: angular_margin_loss(x, w, t, 2.0, m, less), x, w)


def test_the_logit_of_the_true_class_falls_with_the_angle_up_to_pi():
    theta = np.linspace(0, math.pi, 40)
    x = Tensor(np.stack([np.cos(theta), np.sin(theta)], 1), requires_grad=True)
    other = Tensor(np.array([[1.0, 0], [0, 0]]))  # the second class has cosine 0 with all
    loss = angular_margin_loss(x, other, Tensor(np.zeros(40, np.int64)), 1.0, 0.5, reduction="none")
    assert (np.diff(loss.array) > 0).all()
    assert loss[0].item() == pytest.approx(math.log1p(math.exp(-math.cos(0.5))), abs=1e-5)
    loss.sum().backward()
    assert np.isfinite(x.grad.array).all()


def test_modules():
    x, t = Tensor(values((3, 2), 0)), Tensor(np.array([1, 0, 3]))
    arc, cos = nn.ArcFaceLoss(2, 4, 8.0, 0.4, "sum", dtype=np.float64), nn.CosFaceLoss(2, 4, 8.0, dtype=np.float64)
    assert repr(arc) == "ArcFaceLoss(in_features=2, out_features=4, scale=8.0, margin=0.4)"
    assert {name: p.shape for name, p in cos.named_parameters()} == {"weight": (4, 2)}
    assert arc(x, t).item() == angular_margin_loss(x, arc.weight, t, 8.0, 0.4, 0.0, "sum").item()
    assert cos(x, t).item() == angular_margin_loss(x, cos.weight, t, 8.0, 0.0, 0.35).item()


X, T = Tensor(values((3, 2), 0)), Tensor(np.array([0, 1, 1]))


@pytest.mark.parametrize("error, call", [
    (ValueError, lambda: angular_margin_loss(X, X[:, :1], T)),
    (ValueError, lambda: angular_margin_loss(X, X, T, angle_margin=4.0)),
    (ValueError, lambda: angular_margin_loss(X, X, T, cosine_margin=-0.1)),
    (ValueError, lambda: angular_margin_loss(X, X, T, reduction="average")),
    (ValueError, lambda: angular_margin_loss(X, X, T[:2])),
    (RuntimeError, lambda: angular_margin_loss(X, X, X[:, 0])),
    (RuntimeError, lambda: angular_margin_loss(X, X, T + 2)),
    (RuntimeError, lambda: nn.ArcFaceLoss(-2, 3)),
])  # fmt: skip
def test_refusals(error, call):
    with pytest.raises(error):
        call()
