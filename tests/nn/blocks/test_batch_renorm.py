"""Batch renormalisation: the formulas step by step, no gradient through r and d, its two limits, refusals."""

import warnings

import numpy as np
import pytest
import torch

from scratchnet import Tensor, nn
from scratchnet.testing import values


def layer_of(kind, **options):
    return getattr(nn, f"BatchRenorm{kind}d")(2, 0.1, 0.3, **options).double()


@pytest.mark.parametrize("kind, affine", [(1, True), (2, False), (3, True)])
def test_the_papers_formulas(kind, affine):
    """In torch, with r and d detached."""
    layer = layer_of(kind, affine=affine, warmup_steps=1, r_steps=5, d_steps=3, r_max=1.5, d_max=0.5)
    theirs = [torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d][kind - 1](2, 0.1, 0.3, affine).double()
    w, b = values((2, 2), 9)
    if affine:
        layer.weight.array[...], layer.bias.array[...] = w, b
    space = ((), (2, 1), (2, 1, 2))[kind - 1]
    shape, along = (3, 2, *space), (1, 2, *(1,) * len(space))
    w, b = (torch.tensor(v).reshape(along) if affine else one for v, one in ((w, 1), (b, 0)))
    axes = (0, *range(2, len(shape)))
    limits = [(1, 0), (1.125, 0.25), (1.25, 0.5), (1.375, 0.5), (1.5, 0.5), (1.5, 0.5)]
    for step, (r_max, d_max) in enumerate(limits):
        x, g = values(shape, step) * (step + 1) + step, values(shape, step + 50)
        leaf, ours = torch.tensor(x, requires_grad=True), Tensor(x, True)
        mu, sigma = leaf.mean(axes), torch.sqrt(leaf.var(axes, correction=0) + 0.1)
        past = torch.sqrt(theirs.running_var + 0.1)
        r = (sigma / past).clamp(1 / r_max, r_max).detach().reshape(along)
        d = ((mu - theirs.running_mean) / past).clamp(-d_max, d_max).detach().reshape(along)
        expected = ((leaf - mu.reshape(along)) / sigma.reshape(along) * r + d) * w + b
        expected.backward(torch.tensor(g))
        theirs(leaf)  # for the running averages
        y = layer(ours)
        y.backward(Tensor(g))
        np.testing.assert_allclose(y.array, expected.detach(), rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(ours.grad.array, leaf.grad, rtol=1e-9, atol=1e-11)
        assert layer.limits() == pytest.approx((r_max, d_max))
    for name, value in layer.named_buffers():
        np.testing.assert_allclose(value.array, getattr(theirs, name), rtol=1e-12)


def test_without_limits_training_gives_what_evaluation_gives():
    layer = layer_of(1, warmup_steps=0, r_steps=1, d_steps=1, r_max=1e6, d_max=1e6)
    x = Tensor(values((5, 2), 0))
    expected = layer.eval()(x).array
    np.testing.assert_allclose(layer.train()(x).array, expected, rtol=1e-12)


def test_repr_and_refusals():
    assert repr(nn.BatchRenorm1d(3)) == "BatchRenorm1d(3, eps=1e-05, momentum=0.01, affine=True, r_max=3.0, d_max=5.0)"
    with pytest.raises(ValueError, match="expected r_max >= 1 and d_max >= 0, got 0.5 and 5.0"):
        nn.BatchRenorm2d(3, r_max=0.5)
    with pytest.raises(ValueError, match="warmup_steps must be less than r_steps and d_steps, got 5, 5 and 25000"):
        nn.BatchRenorm2d(3, warmup_steps=5, r_steps=5)
    with pytest.raises(ValueError, match="expected 4D input"):
        nn.BatchRenorm2d(3)(Tensor(np.zeros((2, 3), np.float32)))
    with pytest.raises(RuntimeError, match=r"running_mean should contain 4 elements, got shape \(3,\)"):
        nn.BatchRenorm2d(3)(Tensor(np.zeros((2, 4, 2, 2), np.float32)))


def test_an_empty_batch_leaves_no_trace():
    layer = layer_of(2)
    with warnings.catch_warnings(action="error"):
        assert layer(Tensor(np.zeros((0, 2, 2, 2)))).shape == (0, 2, 2, 2)
    np.testing.assert_array_equal(layer.running_var.array, 1)
