"""Layer and RMS normalisation of rows against torch, by hand, and in numbers that cancel."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import layer_norm, layer_norm_backward
from tests.kernels.calls import assert_close, both_forms, implementation

shapes = st.one_of(st.tuples(st.integers(0, 9), st.integers(1, 40)), st.tuples(st.integers(60, 300), st.integers(1, 5)),
                   st.tuples(st.integers(1, 2), st.integers(2040, 2060)))


@both_forms
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(shape=shapes, eps=st.sampled_from([1e-5, 0.1]))
def test_values_and_gradients_are_torchs(form, affine, centred, dtype, shape, eps):
    rng = np.random.default_rng(0)
    x, g = (3 * rng.standard_normal((2, *shape)) + 1).astype(dtype)
    gamma, beta = rng.standard_normal((2, shape[1])).astype(dtype) if affine else (None, None)
    if not centred:
        beta = None
    y, mean, inverse_std = implementation(layer_norm, form)(x, gamma, beta, eps, centred)
    gx, ggamma, gbeta = implementation(layer_norm_backward, form)(g, x, mean, inverse_std, gamma, centred)
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta) if a is not None]
    function = torch.nn.functional.layer_norm if centred else torch.nn.functional.rms_norm
    expected = function(leaves[0], shape[1:], *leaves[1:], eps=eps)
    gradients = torch.autograd.grad(expected, leaves, torch.from_numpy(g))
    # x - mean cancels, and its error grows with 1/√variance
    error = max(1, (np.abs(x).max(initial=0) * inverse_std.max(initial=0)))
    size = np.abs(gamma).max() if affine else 1
    assert_close(y, expected.detach().numpy(), 8 * error, scale=4 * size)
    largest = np.abs(g).max(initial=0)
    scales = (8 * size * inverse_std.max(initial=0), max(len(x), 1), max(len(x), 1))
    for actual, wanted, scale in zip((gx, ggamma, gbeta), gradients, scales):
        assert_close(actual, wanted.numpy(), 8 * error, scale=4 * scale * largest)


@both_forms
def test_examples_by_hand(form):
    x = np.array([[1.0, 3], [5, 5]])
    y, mean, inverse_std = implementation(layer_norm, form)(x, np.array([1.0, 2]), np.array([0.0, 1]), 3.0)
    assert y.tolist() == [[-0.5, 2], [0, 1]] and mean.tolist() == [2, 5]                # √(1 + 3) = 2
    np.testing.assert_allclose(inverse_std, [0.5, 3**-0.5])
    y, mean, inverse_std = implementation(layer_norm, form)(x, eps=4.0, centred=False)
    np.testing.assert_allclose(y, [[1 / 3, 1], [5 / 29**0.5, 5 / 29**0.5]])             # √((1 + 9)/2 + 4) = 3
    assert mean.tolist() == [0, 0]
    gx, ggamma, gbeta = implementation(layer_norm_backward, form)(
        np.array([[1.0, 0], [2, 0]]), x, np.array([2.0, 5]), np.array([1.0, 1]))
    assert gx.tolist() == [[0, 0], [1, -1]] and ggamma.tolist() == [-1, 0] and gbeta.tolist() == [3, 0]


@both_forms
def test_a_large_mean_does_not_swallow_the_variance(form):
    x = (1e4 + np.random.default_rng(2).standard_normal((3, 5000))).astype(np.float32)
    _, _, inverse_std = implementation(layer_norm, form)(x, eps=0.0)
    np.testing.assert_allclose(inverse_std, x.astype(np.float64).std(1) ** -1, rtol=1e-6)


@both_forms
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_stay_in_their_row(form, value):
    x = np.random.default_rng(3).standard_normal((3, 9))
    x[1, 4] = value
    y, _, _ = implementation(layer_norm, form)(x)
    assert np.isnan(y[1]).all() and np.isfinite(y[::2]).all()


@both_forms
@pytest.mark.parametrize("error, call", [
    (ValueError, lambda f: f(layer_norm)(np.zeros(3))),
    (RuntimeError, lambda f: f(layer_norm)(np.zeros((2, 3)), np.zeros(2))),
    (RuntimeError, lambda f: f(layer_norm)(np.zeros((2, 3)), None, np.zeros((3, 1)))),
    (RuntimeError, lambda f: f(layer_norm_backward)(np.zeros((2, 4)), np.zeros((2, 3)), np.zeros(2), np.zeros(2))),
    (RuntimeError, lambda f: f(layer_norm_backward)(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(3), np.zeros(2))),
    (RuntimeError, lambda f: f(layer_norm_backward)(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2), np.zeros(2),
                                                    np.zeros(2))),
])
def test_wrong_arguments_are_refused(form, error, call):
    with pytest.raises(error, match="layer_norm"):
        call(lambda kernel: implementation(kernel, form))
