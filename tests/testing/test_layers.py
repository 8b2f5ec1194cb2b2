"""check_layer and check_gradient on modules: right ones pass, planted bugs are found."""

import numpy as np
import pytest
import torch

import scratchnet as sn
from scratchnet import nn, testing
from scratchnet.testing import check_gradient, check_layer, values

X = values((4, 3), 0)


class Affine(nn.Module):
    """y = x Wᵀ + b with a bug on request."""

    def __init__(self, bug=None):
        super().__init__()
        self.weight, self.bias = nn.Parameter(sn.zeros(2, 3)), nn.Parameter(sn.zeros(2))
        self.bug = bug

    def forward(self, x):
        y = x @ self.weight.t() + (self.bias.detach() if self.bug == "bias detached" else self.bias)
        if self.bug == "only in evaluation" and not self.training:
            y = y + 1
        return y.float().double() if self.bug == "rounded" else y


class Counting(nn.Module):
    def __init__(self, step=1.0):
        super().__init__()
        self.step = step
        self.register_buffer("calls", sn.zeros(1))

    def forward(self, x):
        self.calls += self.step
        return x * 2


class TheirCounting(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        return x * 2


def test_three_lines():
    layer = Affine().double()
    check_gradient(layer, X)
    check_layer(layer, "Linear(3, 2)", X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_right_layers_pass(dtype):
    check_layer(nn.Linear(3, 2), torch.nn.Linear(3, 2), X.astype(dtype))
    check_layer(nn.Linear(3, 2, bias=False), "Linear(3, 2, bias=False)", X.astype(dtype), grad=False)
    check_layer(Counting(), TheirCounting(), X.astype(dtype))


@pytest.mark.parametrize(
    "bug, words",
    [
        ("bias detached", "Affine in training: gradient of bias"),
        ("only in evaluation", "Affine in evaluation"),
        ("rounded", "Affine in training"),
    ],
)
def test_planted_bugs_are_found(bug, words):
    with pytest.raises(AssertionError, match=words):
        check_layer(Affine(bug), "Linear(3, 2)", X)


def test_wrong_buffers_and_keys_are_found():
    with pytest.raises(AssertionError, match="calls after the call"):
        check_layer(Counting(step=2.0), TheirCounting(), X)
    with pytest.raises(AssertionError, match="keys of the state_dict"):
        check_layer(nn.Linear(3, 2, bias=False), "Linear(3, 2)", X)
    with pytest.raises(AssertionError, match="shapes of the state_dict"):
        check_layer(nn.Linear(3, 4), "Linear(3, 2)", X)


def test_one_mode():
    check_layer(Affine("only in evaluation"), "Linear(3, 2)", X, train=True)


def test_parameters_are_checked_and_named():
    with pytest.raises(AssertionError, match="with respect to bias is wrong"):
        check_gradient(Affine("bias detached").double(), X, order=1)
    with pytest.raises(ValueError, match=r"weight has dtype float32.*\.double\(\)"):
        check_gradient(Affine(), X)


def test_names_in_the_package():
    assert set(testing.__all__) >= {"check_gradient", "check_against_torch", "check_layer", "strategies", "values"}
    assert testing.strategies.values is testing.values
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        testing.nothing  # noqa: B018
