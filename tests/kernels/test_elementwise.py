"""Elementwise functions against torch, at the kink and with NaNs."""

import numpy as np
import pytest
import torch

from scratchnet.kernels import relu, relu_backward, sigmoid_backward, tanh, tanh_backward
from tests.kernels.calls import assert_close, both_forms, implementation

SPECIAL = np.array([0.0, -0.0, 1, -1, 1e-300, -1e-300, 50, -50, np.inf, -np.inf, np.nan])


@both_forms
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 100, 300_000])
def test_values_and_gradients_are_torchs(form, dtype, size):
    rng = np.random.default_rng(0)
    x = np.concatenate([SPECIAL, 3 * rng.standard_normal(size)]).astype(dtype)
    g = rng.standard_normal(x.shape).astype(dtype)
    for function, backward in ((torch.relu, relu_backward), (torch.tanh, tanh_backward),
                               (torch.sigmoid, sigmoid_backward)):
        leaf = torch.tensor(x, requires_grad=True)
        y = function(leaf)
        gx = implementation(backward, form)(g, y.detach().numpy())
        assert_close(gx, torch.autograd.grad(y, leaf, torch.from_numpy(g))[0].numpy(), 4)
    assert_close(implementation(relu, form)(x), torch.relu(torch.from_numpy(x)).numpy(), 0)
    assert_close(implementation(tanh, form)(x), torch.tanh(torch.from_numpy(x)).numpy(), 4)


@both_forms
def test_an_example_by_hand(form):
    g, y = np.array([[2.0, 4]]), np.array([[0.5, 0]])
    assert implementation(relu, form)(np.array([[-1.0, 3]])).tolist() == [[0, 3]]
    assert implementation(relu_backward, form)(g, y).tolist() == [[2, 0]]
    assert implementation(tanh_backward, form)(g, y).tolist() == [[1.5, 4]]
    assert implementation(sigmoid_backward, form)(g, y).tolist() == [[0.5, 0]]


@both_forms
@pytest.mark.parametrize("backward", [relu_backward, tanh_backward, sigmoid_backward])
def test_wrong_shapes_are_refused(form, backward):
    with pytest.raises(RuntimeError, match="one shape"):
        implementation(backward, form)(np.zeros((2, 3)), np.zeros((3, 2)))
