"""What is compared computes the same: parameters, outputs and gradients of the networks are equal in both libraries."""

from functools import partial

import numpy as np
import pytest
import torch

import scratchnet
from benchmarks import networks
from benchmarks.suites.training import Problem

SMALL = {
    "LeNet-5": Problem(networks.lenet, 2, (1, 28, 28), 10),
    "ResNet-20": Problem(networks.resnet20, 2, (3, 16, 16), 10),
    "ResNet-18": Problem(partial(networks.resnet18, width=8), 2, (3, 64, 64), 1000),
    "MobileNetV2": Problem(networks.mobilenet_v2, 2, (3, 64, 64), 1000),
    "ViT": Problem(partial(networks.vision_transformer, size=8, layers=2, width=12, heads=3), 2, (3, 8, 8), 10),
    "LSTM": Problem(partial(networks.lstm_language_model, words=20, width=6), 2, (5,), 20),
}


def step(library, problem):
    """Output, loss and gradients, of a network and data drawn from a seed.

    In float64, in which no rounding error turns a ReLU around; dropout, which draws too, is off.
    """
    library.manual_seed(3)
    net, (x, y) = problem.network(library).double(), problem.data(library, problem.batch)
    x = x.double() if x.dtype == library.float32 else x
    for module in net.modules():
        if isinstance(module, library.nn.Dropout):
            module.p = 0.0
    output = net(x)
    loss = library.nn.CrossEntropyLoss()(output, y)
    loss.backward()
    gradients = {name: parameter.grad.numpy() for name, parameter in net.named_parameters()}
    return output.detach().numpy(), loss.item(), gradients


@pytest.mark.parametrize("name", SMALL)
def test_both_libraries_compute_the_same(name):
    (output, loss, gradients), (expected, expected_loss, expected_gradients) = (
        step(library, SMALL[name]) for library in (scratchnet, torch)
    )
    np.testing.assert_allclose(output, expected, rtol=1e-7, atol=1e-9)
    assert loss == pytest.approx(expected_loss, rel=1e-9)
    assert list(gradients) == list(expected_gradients)
    for key, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected_gradients[key], rtol=1e-6, atol=1e-8, err_msg=key)
