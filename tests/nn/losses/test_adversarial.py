"""Losses of generator and discriminator: torch's composition; penalties differentiated twice, by the critic's parameters."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn.losses import discriminator_loss, generator_loss, gradient_penalty, r1_penalty
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

GAMES = {
    "minimax": (lambda r: -r.sigmoid().log(), lambda f: -(1 - f.sigmoid()).log(), lambda f: (1 - f.sigmoid()).log()),
    "non_saturating": (lambda r: -r.sigmoid().log(), lambda f: -(1 - f.sigmoid()).log(), lambda f: -f.sigmoid().log()),
    "least_squares": (lambda r: (r - 1) ** 2 / 2, lambda f: f**2 / 2, lambda f: (f - 1) ** 2 / 2),
    "wasserstein": (lambda r: -r, lambda f: f, lambda f: -f),
    "hinge": (lambda r: (1 - r).relu(), lambda f: (1 + f).relu(), lambda f: -f),
}


@pytest.mark.parametrize("kind", GAMES)
@given(seeds(), shapes(0, 2, 1, 3), st.sampled_from(["mean", "sum", "none"]))
def test_games_are_those_of_the_papers(kind, seed, shape, reduction):
    real, fake = (values(shape, seed + i, away_from=(-1, 1)) for i in range(2))
    of_real, of_fake, of_generator = GAMES[kind]
    reduce = {"mean": torch.mean, "sum": torch.sum, "none": lambda x: x}[reduction]
    check_against_torch(
        lambda r, f: discriminator_loss(r, f, kind, reduction), real, fake,
        torch_fn=lambda r, f: reduce(of_real(r)) + reduce(of_fake(f)),
    )  # fmt: skip
    check_against_torch(lambda f: generator_loss(f, kind, reduction), fake, torch_fn=lambda f: reduce(of_generator(f)))


@pytest.mark.parametrize("kind", GAMES)
def test_gradients_to_second_order_and_modules(kind):
    real, fake = values((3,), 0, away_from=(1,)), values((3,), 1, away_from=(-1,))
    check_gradient(lambda r, f: discriminator_loss(r, f, kind), real, fake)
    check_gradient(lambda f: generator_loss(f, kind), fake)
    r, f = Tensor(real), Tensor(fake)
    assert nn.DiscriminatorLoss(kind, "sum")(r, f).item() == discriminator_loss(r, f, kind, "sum").item()
    assert nn.GeneratorLoss(kind, "sum")(f).item() == generator_loss(f, kind, "sum").item()


def test_where_the_discriminator_is_sure_only_the_non_saturating_gradient_is_left():
    for kind, slope in (("minimax", 0), ("non_saturating", -1)):
        x = Tensor(np.array([-800.0]), requires_grad=True)
        generator_loss(x, kind).backward()
        assert x.grad.item() == pytest.approx(slope)


def critic(w, v):
    """v · tanh(W x), here and in torch."""
    return lambda x: (x.reshape(len(x), -1) @ w).tanh() @ v


@given(seeds(), st.sampled_from([0.0, 1.0]))
def test_penalties_are_torchs_double_backward(seed, center):
    real, fake, epsilon = values((3, 2, 2), seed), values((3, 2, 2), seed + 1), np.random.default_rng(seed).random(3)
    w, v = values((4, 3), seed), values((3,), seed + 1)

    def slopes(x, w, v):
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(critic(w, v)(x).sum(), x, create_graph=True)
        return slope.flatten(1)

    def in_torch(w, v, real, fake, epsilon):
        e = epsilon[:, None, None]
        wasserstein = ((slopes(e * real + (1 - e) * fake, w, v).norm(dim=1) - center) ** 2).mean()
        return wasserstein, 1.5 * (slopes(real, w, v) ** 2).sum(1).mean()

    def ours(w, v, real, fake, epsilon):
        d = critic(w, v)
        return gradient_penalty(d, real, fake, center, epsilon), r1_penalty(d, real, 3.0)

    constants = [lambda lib, a=a: lib(a) for a in (real, fake, epsilon)]
    check_against_torch(
        lambda w, v: ours(w, v, *(c(Tensor) for c in constants)), w, v,
        torch_fn=lambda w, v: in_torch(w, v, *(c(torch.from_numpy) for c in constants)),
    )  # fmt: skip


def test_penalties_by_finite_differences_of_the_parameters():
    real, fake, epsilon = (Tensor(values(s, 0, 0.1, 1)) for s in ((2, 2), (2, 2), (2,)))
    w, v = values((2, 2), 1), values((2,), 2)
    check_gradient(lambda w, v: gradient_penalty(critic(w, v), real, fake, 1.0, epsilon), w, v)
    check_gradient(lambda w, v: r1_penalty(critic(w, v), real), w, v)


def test_by_hand():
    """D(x) = 3 x₁ + 4 x₂ has slope 5 everywhere, wherever the points between are drawn."""
    x = Tensor(values((4, 2), 0), requires_grad=True)
    w = Tensor(np.array([3.0, 4]), requires_grad=True)
    loss = gradient_penalty(lambda x: x @ w, x, -x)
    assert loss.item() == pytest.approx(16) and r1_penalty(lambda x: x @ w, x).item() == pytest.approx(125)
    loss.backward()
    np.testing.assert_allclose(w.grad.array, 2 * 4 * np.array([0.6, 0.8]))
    assert x.grad is None and x.requires_grad


def test_random_points_follow_the_generator_and_lie_between():
    seen = []
    x = Tensor(np.ones((5, 1)))
    for _ in range(2):
        generator = scratchnet.Generator().manual_seed(3)
        gradient_penalty(lambda x: seen.append(x.detach()) or (x * x).sum(1), x, x * 0, generator=generator)
    np.testing.assert_array_equal(seen[0].array, seen[1].array)
    assert ((seen[0].array >= 0) & (seen[0].array < 1)).all() and len(set(seen[0].array.ravel())) == 5


def test_examples_get_no_gradient_and_may_be_single_numbers():
    x, w = Tensor(np.array([1.0, 2]), requires_grad=True), Tensor(np.array(3.0), requires_grad=True)
    loss = gradient_penalty(lambda x: w * x**2, x, x) + r1_penalty(lambda x: w * x**2, x, 2.0)
    assert loss.item() == pytest.approx((25 + 121) / 2 + (36 + 144) / 2)  # slopes of 6 and 12
    loss.backward()
    assert x.grad is None and w.grad.item() == pytest.approx(5 * 2 + 11 * 4 + 6 * 2 + 12 * 4)


def test_they_work_where_gradients_are_off():
    x = Tensor(np.ones((2, 1)))
    with scratchnet.no_grad():
        assert r1_penalty(lambda x: 3 * x, x, 2.0).item() == 9


X = Tensor(values((3, 2), 0))


@pytest.mark.parametrize("call", [
    lambda: discriminator_loss(X, X, "zero_sum"),
    lambda: discriminator_loss(X, X, reduction="average"),
    lambda: generator_loss(X, "zero_sum"),
    lambda: generator_loss(X, reduction="average"),
    lambda: nn.GeneratorLoss("zero_sum"),
    lambda: nn.DiscriminatorLoss("zero_sum"),
    lambda: gradient_penalty(lambda x: x, X, X[:2]),
    lambda: gradient_penalty(lambda x: x, X, X, epsilon=X),
])  # fmt: skip
def test_refusals(call):
    with pytest.raises(ValueError):
        call()
