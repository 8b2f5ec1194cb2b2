"""AdaptiveLogSoftmaxWithLoss against torch, its probabilities, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values
from scratchnet.testing.strategies import seeds
from scratchnet.testing.to_torch import to_torch

settings = st.sampled_from(["16, 10, [3, 7]", "8, 10, [1], div_value=2.0, head_bias=True", "5, 6, [2, 3, 5], 1.5"])


@given(settings, seeds(), st.sampled_from([None, 0, 1, 5]))
def test_against_torch(text, seed, n):
    ours, theirs = (eval(f"AdaptiveLogSoftmaxWithLoss({text})", vars(lib.nn)) for lib in (scratchnet, torch))
    assert repr(ours) == repr(theirs)
    shape = () if n is None else (n,)
    target = np.random.default_rng(seed).integers(0, ours.n_classes, shape)
    if n != 0:  # the mean of nothing
        check_layer(ours, theirs, values((*shape, ours.in_features), seed), target, rtol=1e-7, atol=1e-8)


@given(settings, seeds(), st.integers(0, 5))
def test_probabilities_and_predictions(text, seed, n):
    ours, theirs = (eval(f"AdaptiveLogSoftmaxWithLoss({text})", vars(lib.nn)) for lib in (scratchnet, torch))
    ours.load_state_dict({key: Tensor(value.numpy()) for key, value in theirs.state_dict().items()})
    x = Tensor(values((n, ours.in_features), seed, -5, 5, dtype=np.float32))
    log_p = ours.log_prob(x)
    np.testing.assert_allclose(log_p.exp().sum(1).array, 1, rtol=1e-5)
    np.testing.assert_allclose(log_p.array, theirs.log_prob(to_torch(x)).detach().numpy(), rtol=1e-4, atol=1e-5)
    assert ours.predict(x).tolist() == theirs.predict(to_torch(x)).tolist()
    if n:
        target = Tensor(np.arange(n) % ours.n_classes)
        expected = log_p.gather(1, target.unsqueeze(1)).squeeze(1)
        np.testing.assert_allclose(ours(x, target).output.array, expected.array, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(ours(x, target).loss.item(), -expected.mean().item(), rtol=1e-4)


def test_gradients():
    layer = nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2, 3], 2.0).double()
    check_gradient(layer, values((5, 4), 0), np.array([0, 5, 2, 4, 1]))


@pytest.mark.parametrize("cutoffs", [[], [0, 2], [3, 2], [2, 2], [10], [2.5]])
def test_cutoffs_that_cannot_be(cutoffs):
    for library in (nn, torch.nn):
        with pytest.raises(ValueError, match="cutoffs"):
            library.AdaptiveLogSoftmaxWithLoss(8, 10, cutoffs)


@pytest.mark.parametrize("shape, target", [((2, 16), [1]), ((16,), [1]), ((2, 16), 1), ((1, 16), [[1]]),
                                           ((1, 16), [10]), ((1, 16), [-1])])  # fmt: skip
def test_inputs_that_do_not_fit(shape, target):
    for library in (scratchnet, torch):
        with pytest.raises(RuntimeError):
            library.nn.AdaptiveLogSoftmaxWithLoss(16, 10, [2, 5])(library.ones(shape), library.tensor(target))
