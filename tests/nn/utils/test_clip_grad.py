"""Clipping of gradients and parameters as a vector, against torch."""

import math

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import nn
from scratchnet.testing import check_gradient, values


def with_gradients(lib, scale=1.0):
    arrays = [scale * values((3, 2), 0), scale * values((4,), 1)]
    parameters = [lib.nn.Parameter(lib.tensor(a)) for a in arrays] + [lib.nn.Parameter(lib.ones(2).double())]
    for p, a in zip(parameters, arrays):
        p.grad = lib.tensor(2 * a)
    return parameters  # the last has no gradient


@pytest.mark.parametrize("max_norm", [0.5, 1e6])
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3, math.inf])
def test_clip_grad_norm(max_norm, norm_type):
    results = []
    for lib in (scratchnet, torch):
        parameters = with_gradients(lib)
        total = lib.nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)
        results.append([total.numpy(), *(p.grad.numpy() for p in parameters[:2])])
        assert parameters[2].grad is None
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_one_tensor_and_none():
    for lib in (scratchnet, torch):
        p = with_gradients(lib)[0]
        assert lib.nn.utils.clip_grad_norm_(p, 1.0).item() > 1
        assert lib.nn.utils.clip_grad_norm_([], 1.0).item() == 0


def test_norms_that_are_not_finite():
    for lib in (scratchnet, torch):
        parameters = with_gradients(lib, math.nan)
        with pytest.raises(RuntimeError, match="is non-finite, so it cannot be clipped"):
            lib.nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
        assert math.isnan(lib.nn.utils.clip_grad_norm_(parameters, 1.0).item())
        infinite = with_gradients(lib)
        infinite[0].grad[0, 0] = math.inf
        lib.nn.utils.clip_grad_norm_(infinite, 1.0)
        assert infinite[1].grad.abs().sum().item() == 0


def test_clip_grad_value():
    results = []
    for lib in (scratchnet, torch):
        parameters = with_gradients(lib)
        lib.nn.utils.clip_grad_value_(parameters, 0.7)
        results.append([p.grad.numpy() for p in parameters[:2]])
    for a, b in zip(*results):
        np.testing.assert_array_equal(a, b)


def test_a_clipped_gradient_is_known_to_have_changed():
    p = with_gradients(scratchnet)[0]
    version = p.grad._version
    nn.utils.clip_grad_norm_(p, 0.1)
    assert p.grad._version > version


def test_vectors():
    layer = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(layer.parameters())
    assert vector.tolist() == [*layer.weight.array.ravel(), *layer.bias.array]
    nn.utils.vector_to_parameters(vector.detach() * 0 + 5, layer.parameters())
    assert layer.weight.shape == (3, 2) and (layer.weight.array == 5).all() and layer.bias.requires_grad
    check_gradient(lambda a, b: nn.utils.parameters_to_vector([a, b]), values((2, 2), 0), values((3,), 1))
    with pytest.raises(TypeError, match="argument 'vec' must be Tensor"):
        nn.utils.vector_to_parameters([1.0], layer.parameters())
