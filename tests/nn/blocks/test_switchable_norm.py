"""Switchable normalisation: torch, the statistics one by one, moving and batch averages, gradients, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values
from scratchnet.testing.strategies import seeds


class SwitchableNorm(torch.nn.Module):
    def __init__(self, dims, channels, momentum, using_bn):
        super().__init__()
        self.dims, self.momentum = dims, momentum
        n = 1 + (dims > 0) + using_bn
        one = (1, channels, *(1,) * dims)
        for name, shape in (("weight", one), ("bias", one), ("mean_weight", n), ("var_weight", n)):
            self.register_parameter(name, torch.nn.Parameter(torch.randn(shape)))
        if using_bn:
            self.register_buffer("running_mean", torch.randn(one[:3]))
            self.register_buffer("running_var", torch.rand(one[:3]))
        self.using_bn = using_bn

    def forward(self, x):
        space = tuple(range(2, x.ndim))
        shape = (1, -1, *(1,) * self.dims)
        if space:
            mean, var = x.mean(space, keepdim=True), x.var(space, keepdim=True)
            kinds = [(mean, var), (mean.mean(1, True), var.mean(1, True) + mean.var(1, correction=0, keepdim=True))]
            batch = mean.mean(0, True), var.mean(0, True) + mean.var(0, correction=0, keepdim=True)
        else:
            kinds, batch = [(x.mean(1, True), x.var(1, keepdim=True))], (x.mean(0, True), x.var(0, keepdim=True))
        if self.using_bn and self.training:
            for running, new in zip((self.running_mean, self.running_var), batch):
                running.mul_(self.momentum).add_((1 - self.momentum) * new.detach().reshape(running.shape))
            kinds.append(batch)
        elif self.using_bn:
            kinds.append((self.running_mean.reshape(shape), self.running_var.reshape(shape)))
        mean = sum(w * k[0] for w, k in zip(torch.softmax(self.mean_weight, 0), kinds))
        var = sum(w * k[1] for w, k in zip(torch.softmax(self.var_weight, 0), kinds))
        return (x - mean) / torch.sqrt(var + 0.1) * self.weight + self.bias


@given(st.sampled_from([1, 2, 3]), st.booleans(), st.integers(2, 3), st.integers(2, 3), seeds())
def test_against_torch(kind, using_bn, n, c, seed):
    dims = {1: 0}.get(kind, kind)
    ours = getattr(nn, f"SwitchableNorm{kind}d")(c, 0.1, 0.8, using_bn=using_bn)
    check_layer(ours, SwitchableNorm(dims, c, 0.8, using_bn), values((n, c, *(2, 1, 3)[3 - dims :]), seed))


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("training", [False, True])
def test_gradients(kind, training):
    layer = getattr(nn, f"SwitchableNorm{kind}d")(2, 0.1).double()
    shape = (3, 2) if kind == 1 else (2, 2, 1, 3)
    layer(Tensor(values(shape, 1)))
    check_gradient(layer.train(training), values(shape, 0))


@pytest.mark.parametrize("k, dims", [(0, (2, 3)), (1, (1, 2, 3)), (2, (0, 2, 3))])
def test_with_all_weight_on_one_kind_it_is_that_norm(k, dims):
    """But for the unbiased variance of a channel: n/(n − 1) of the part within channels."""
    layer = nn.SwitchableNorm2d(3).double()
    for weight in (layer.mean_weight, layer.var_weight):
        weight.array[...] = np.where(np.arange(3) == k, 50.0, 0.0)
    x = values((4, 3, 30, 30), 0)
    expected = (x - x.mean(dims, keepdims=True)) / x.std(dims, keepdims=True)
    np.testing.assert_allclose(layer(Tensor(x)).array, expected, rtol=2e-3, atol=1e-5)


def test_batch_average():
    """All batches weigh the same; what their means differ by is variance too."""
    layer = nn.SwitchableNorm1d(2, using_moving_average=False).double()
    batches = values((4, 3, 2), 0)
    layer(Tensor(batches[0] + 5))
    layer.reset_running_stats()
    for x in batches:
        layer(Tensor(x))
    np.testing.assert_allclose(layer.running_mean.array[0], batches.mean((0, 1)), rtol=1e-12)
    expected = batches.var(1, ddof=1).mean(0) + batches.mean(1).var(0)
    np.testing.assert_allclose(layer.running_var.array[0], expected, rtol=1e-12)
    assert layer.num_batches_tracked.item() == 4
    uncounted = nn.SwitchableNorm1d(2).state_dict()
    assert "num_batches_tracked" not in uncounted
    layer.load_state_dict(uncounted)


def test_means_far_from_zero_in_single_precision():
    """The variance of channels together is not taken from squares, which would leave nothing of it."""
    x = values((2, 3, 4, 4), 0, dtype=np.float32) + np.float32(4000)
    layer = nn.SwitchableNorm2d(3)
    exact = nn.SwitchableNorm2d(3).double()(Tensor(x.astype(float))).array
    np.testing.assert_allclose(layer(Tensor(x)).array, exact, atol=2e-3)
    average = nn.SwitchableNorm2d(3, using_moving_average=False)
    for _ in range(3):
        average(Tensor(x))
    together = x.astype(float).var((2, 3), ddof=1).mean(0) + x.astype(float).mean((2, 3)).var(0)
    np.testing.assert_allclose(average.running_var.array.reshape(-1), together, rtol=1e-3)


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2, 2)])
def test_an_empty_batch_leaves_no_trace(shape):
    layer = getattr(nn, f"SwitchableNorm{1 if len(shape) == 2 else 2}d")(3)
    y = layer(Tensor(np.zeros(shape, np.float32)))
    assert y.shape == shape and not layer.running_var.array.any()


@pytest.mark.parametrize("kind, shape", [(1, (1, 3)), (1, (4, 1)), (2, (4, 3, 1, 1)), (3, (2, 3, 1, 1, 1))])
def test_one_value_has_no_variance(kind, shape):
    with pytest.raises(ValueError, match="expected more than 1 value to take the variance of, got 1"):
        getattr(nn, f"SwitchableNorm{kind}d")(shape[1])(Tensor(np.zeros(shape, np.float32)))


def test_settings_and_refusals():
    assert nn.SwitchableNorm2d(3, last_gamma=True).weight.array.sum() == 0
    assert repr(nn.SwitchableNorm2d(3, using_bn=False)) == (
        "SwitchableNorm2d(3, eps=1e-05, momentum=0.9, using_moving_average=True, using_bn=False)"
    )
    for kind, ndim in ((1, 3), (2, 3), (3, 4)):
        with pytest.raises(ValueError, match=rf"SwitchableNorm{kind}d: expected \dD input \(got {ndim}D input\)"):
            getattr(nn, f"SwitchableNorm{kind}d")(2)(Tensor(np.zeros((2,) * ndim, np.float32)))
    with pytest.raises(RuntimeError, match=r"SwitchableNorm2d: expected 3 channels, got input of shape \(2, 1, 2, 2\)"):
        nn.SwitchableNorm2d(3)(Tensor(np.zeros((2, 1, 2, 2), np.float32)))
