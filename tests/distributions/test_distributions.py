"""Distributions against torch's: densities, moments, gradients, divergences, and samples from the same seed."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import distributions as ours
from scratchnet.testing import check_gradient

theirs = torch.distributions
LOC, SCALE = np.array([[0.5], [-1.0]]), np.array([0.3, 1.0, 2.0])
PROBS, LOGITS = np.array([0.2, 0.5, 0.9]), np.array([[0.3, -1.0, 2.0], [0.0, 1.0, -0.5]])
CASES = {
    "Normal": ("Normal", {"loc": LOC, "scale": SCALE}, [0.7, -0.3, 2.0]),
    "Uniform": ("Uniform", {"low": LOC, "high": LOC + SCALE}, None),
    "Bernoulli of probs": ("Bernoulli", {"probs": PROBS}, [[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]),
    "Bernoulli of logits": ("Bernoulli", {"logits": LOGITS}, [1.0, 0.0, 1.0]),
    "Categorical of probs": ("Categorical", {"probs": np.exp(LOGITS)}, [[0, 2], [1, 1], [2, 0]]),
    "Categorical of logits": ("Categorical", {"logits": LOGITS}, [1, 2]),
}


def twins(case):
    name, parameters, value = CASES[case]
    value = parameters["low"] + 0.2 if value is None else np.array(value)
    both = []
    for library in (scratchnet, torch):
        given = {n: library.tensor(p.tolist(), dtype=library.float64).requires_grad_() for n, p in parameters.items()}
        outcome = library.tensor(value.tolist(), dtype=getattr(library, value.dtype.name))
        both.append((getattr(library.distributions, name)(**given), given, outcome))
    return both


def close(actual, expected):
    actual, expected = actual.detach().numpy(), expected.detach().numpy()
    assert actual.shape == expected.shape and actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_densities_and_moments_are_torchs(case):
    (p, p_given, p_value), (q, q_given, q_value) = twins(case)
    assert (*p.batch_shape, "|", *p.event_shape) == (*q.batch_shape, "|", *q.event_shape)
    for what in ("mean", "variance", "stddev"):
        close(getattr(p, what), getattr(q, what))
    close(p.perplexity(), q.perplexity())
    if hasattr(q, "mode") and hasattr(p, "mode"):
        close(p.mode, q.mode)
    if p.has_rsample:
        close(p.cdf(p_value), q.cdf(q_value))
    results = []
    for d, value in ((p, p_value), (q, q_value)):
        density, entropy = d.log_prob(value), d.entropy()
        (density.sum() + (entropy**2).sum()).backward()
        results.append((density, entropy))
    for actual, expected in zip(*results):
        close(actual, expected)
    for name in p_given:
        close(p_given[name].grad, q_given[name].grad)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shape", [(), (5,), (2, 3)])
def test_samples_are_torchs(case, shape):
    (p, p_given, _), (q, q_given, _) = twins(case)
    for method in ["sample", *["rsample"] * p.has_rsample]:
        scratchnet.manual_seed(4)
        torch.manual_seed(4)
        x, y = getattr(p, method)(shape), getattr(q, method)(shape)
        close(x, y)
        assert x.requires_grad == y.requires_grad == (method == "rsample")
    if p.has_rsample:
        (x**2).sum().backward()
        (y**2).sum().backward()
        for name in p_given:
            close(p_given[name].grad, q_given[name].grad)
    assert scratchnet.rand(2).tolist() == torch.rand(2).tolist()


KL = [
    ("Normal", {"loc": LOC, "scale": SCALE}, {"loc": LOC * 2, "scale": SCALE[::-1] + 1}),
    ("Uniform", {"low": LOC, "high": LOC + 1}, {"low": LOC - SCALE, "high": LOC + SCALE}),
    ("Bernoulli", {"probs": np.array([0.2, 0.0, 1.0, 0.5, 0.5])}, {"probs": np.array([0.5, 0.5, 0.5, 0.0, 1.0])}),
    ("Categorical", {"logits": LOGITS}, {"logits": LOGITS[::-1]}),
    ("Categorical", {"probs": np.array([[0.5, 0.5, 0], [1, 0, 0]])}, {"probs": np.array([[0.2, 0.8, 0], [0, 0, 1.0]])}),
]


@pytest.mark.parametrize("name, p, q", KL)
def test_divergences_are_torchs(name, p, q):
    results = []
    for library in (scratchnet, torch):
        d = library.distributions
        pair = [
            getattr(d, name)(**{n: library.tensor(v.tolist(), dtype=library.float64) for n, v in given.items()})
            for given in (p, q)
        ]
        results.append(d.kl_divergence(*pair))
    close(*results)


def test_divergences_have_gradients():
    check_gradient(lambda a, b: ours.kl_divergence(ours.Categorical(logits=a), ours.Categorical(logits=b)), LOGITS, -LOGITS)
    check_gradient(lambda a, b: ours.kl_divergence(ours.Bernoulli(logits=a), ours.Bernoulli(logits=b)), LOGITS, -LOGITS)


def test_by_hand():
    coin = ours.Bernoulli(0.25)
    assert coin.variance.item() == 0.1875
    assert coin.log_prob(scratchnet.tensor(1.0)).item() == pytest.approx(np.log(0.25), rel=1e-6)
    assert ours.Uniform(0, 4).entropy().item() == pytest.approx(np.log(4))
    assert ours.Categorical(scratchnet.ones(8)).perplexity().item() == pytest.approx(8)


REFUSED = [
    lambda lib: lib.distributions.Normal(0.0, -1.0),
    lambda lib: lib.distributions.Normal("0", 1.0),
    lambda lib: lib.distributions.Uniform(1.0, 1.0),
    lambda lib: lib.distributions.Bernoulli(1.5),
    lambda lib: lib.distributions.Bernoulli(),
    lambda lib: lib.distributions.Bernoulli(0.5, logits=0.0),
    lambda lib: lib.distributions.Categorical(lib.tensor([-1.0, 2.0])),
    lambda lib: lib.distributions.Categorical(lib.tensor(0.5)),
    lambda lib: lib.distributions.Categorical(lib.ones(3)).log_prob(lib.tensor(3)),
    lambda lib: lib.distributions.Bernoulli(0.5).log_prob(lib.tensor(0.5)),
    lambda lib: lib.distributions.Uniform(0.0, 1.0).log_prob(lib.tensor(1.5)),
    lambda lib: lib.distributions.Normal(lib.zeros(3), 1.0).log_prob(lib.zeros(2)),
    lambda lib: lib.distributions.Normal(0.0, 1.0).log_prob(0.0),
]


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("library", [scratchnet, torch])
def test_refusals_are_torchs(case, library):
    with pytest.raises(ValueError):
        case(library)


def test_what_there_is_not():
    with pytest.raises(NotImplementedError, match="Normal and q type Uniform"):
        ours.kl_divergence(ours.Normal(0.0, 1.0), ours.Uniform(0.0, 1.0))
    with pytest.raises(NotImplementedError, match="Bernoulli"):
        ours.Bernoulli(0.5).rsample()
    assert ours.Uniform(0.0, 1.0, validate_args=False).log_prob(scratchnet.tensor(2.0)).item() == -np.inf
