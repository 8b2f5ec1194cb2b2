"""The evidence lower bound: torch's distributions, gradients to second order, an average over z, refusals."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Normal, kl_divergence

from scratchnet import Tensor, nn
from scratchnet.nn.losses import elbo_loss, kl_to_standard_normal
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


@given(seeds(), st.integers(1, 3), shapes(1, 2, 1, 3), st.sampled_from(["bernoulli", "gaussian"]), REDUCTIONS)
def test_it_is_that_of_torchs_distributions(seed, n, size, likelihood, reduction):
    y, x = values((n, *size), seed), (values((n, *size), seed + 1) > 0).astype(float)
    mean, log_var = values((n, 2), seed), values((n, 2), seed + 1)

    def in_torch(y, mean, log_var):
        p = Bernoulli(logits=y) if likelihood == "bernoulli" else Normal(y, math.sqrt(0.3))
        divergence = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1)
        loss = -p.log_prob(torch.from_numpy(x)).flatten(1).sum(1) + 4.0 * divergence
        return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()

    check_against_torch(
        lambda y, mean, log_var: elbo_loss(y, Tensor(x), mean, log_var, 4.0, likelihood, 0.3, reduction),
        y, mean, log_var, torch_fn=in_torch,
    )  # fmt: skip


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_gradients_to_second_order(likelihood):
    x = Tensor((values((2, 3), 1) > 0).astype(float))
    check_gradient(
        lambda *args: elbo_loss(args[0], x, *args[1:], likelihood=likelihood),
        values((2, 3), 0), values((2, 2), 2), values((2, 2), 3),
    )  # fmt: skip


def test_it_bounds_the_evidence():
    """z ~ N(0, 1), x | z ~ N(z, 1), so x ~ N(0, 2) and z | x ~ N(x/2, 1/2): with this q the bound is reached."""
    x = 1.4
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)  # an average over N(0, 1)

    def bound(mean, variance):
        z = mean + math.sqrt(variance) * nodes
        m, v = np.full((8, 1), mean), np.full((8, 1), math.log(variance))
        loss = elbo_loss(
            *(Tensor(a) for a in (z[:, None], np.full((8, 1), x), m, v)), likelihood="gaussian", reduction="none"
        )
        return (weights * loss.array).sum() / weights.sum()

    evidence = 0.5 * (x * x / 2 + math.log(4 * math.pi))
    assert bound(x / 2, 0.5) == pytest.approx(evidence)
    assert bound(0.0, 1.0) > evidence and bound(0.7, 0.6) > evidence


def test_by_hand():
    assert kl_to_standard_normal(Tensor(np.zeros((2, 3))), Tensor(np.zeros((2, 3)))).item() == 0
    one = kl_to_standard_normal(Tensor(np.array([[1.0, 0]])), Tensor(np.array([[0, math.log(2)]])), "none")
    np.testing.assert_allclose(one.array, [0.5 + (2 - 1 - math.log(2)) / 2])
    pixel, latent = Tensor(np.array([3.0, 1])), Tensor(np.zeros((2, 1)))  # one pixel an image, without a dimension of its own
    loss = elbo_loss(pixel, pixel - 1, latent, latent, likelihood="gaussian", reduction="none")
    np.testing.assert_allclose(loss.array, [(1 + math.log(2 * math.pi)) / 2] * 2)


def test_the_module_hands_over_its_settings():
    x, mean, log_var = (Tensor(values((2, 3), i)) for i in range(3))
    layer = nn.ELBOLoss(0.5, "gaussian", 2.0, "sum")
    assert (
        layer(x, x * 0, mean, log_var).item() == elbo_loss(x, x * 0, mean, log_var, 0.5, "gaussian", 2.0, "sum").item()
    )


X = Tensor(values((3, 2), 0))


@pytest.mark.parametrize("call", [
    lambda: kl_to_standard_normal(X, X[:2]),
    lambda: kl_to_standard_normal(X[0], X[0]),
    lambda: kl_to_standard_normal(X, X, "average"),
    lambda: elbo_loss(X, X[:2], X, X),
    lambda: elbo_loss(X, X, X[:2], X[:2]),
    lambda: elbo_loss(X, X, X, X, likelihood="poisson"),
    lambda: elbo_loss(X, X, X, X, variance=0.0),
    lambda: elbo_loss(X, X, X, X, reduction="average"),
])  # fmt: skip
def test_refusals(call):
    with pytest.raises(ValueError):
        call()
