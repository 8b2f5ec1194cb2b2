"""Local response normalisation against torch and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import local_response_norm, local_response_norm_backward
from tests.kernels.calls import assert_close, both_forms, implementation


@both_forms
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(shape=st.tuples(st.integers(1, 3), st.integers(1, 7), st.sampled_from([1, 2, 9, 127, 128, 129, 300])),
       size=st.integers(1, 9), alpha=st.sampled_from([1e-4, 0.5]), beta=st.sampled_from([0.75, 0.5, 1, 2.2]),
       k=st.sampled_from([1.0, 2.0, 0.1]))
def test_values_and_gradients_are_torchs(form, dtype, shape, size, alpha, beta, k):
    rng = np.random.default_rng(0)
    x, g = (3 * rng.standard_normal((2, *shape))).astype(dtype)
    leaf = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.local_response_norm(leaf, size, alpha, beta, k)
    wanted = torch.autograd.grad(expected, leaf, torch.from_numpy(g))[0].numpy()
    assert_close(implementation(local_response_norm, form)(x, size, alpha, beta, k), expected.detach().numpy(), 32)
    gx = implementation(local_response_norm_backward, form)(g, x, size, alpha, beta, k)
    assert_close(gx, wanted, 64, scale=np.abs(g).max() * float(k) ** -beta)


@both_forms
def test_an_example_by_hand(form):
    """Windows of two channels, c − 1 and c: the squares of 1, 2, 2 sum to 1, 5, 8; divided by 2, plus 1/2: 1, 3, 9/2."""
    x = np.array([[[1.0], [2], [2]]])
    y = implementation(local_response_norm, form)(x, 2, 1.0, 1.0, 0.5)
    np.testing.assert_allclose(y[0, :, 0], [1, 2 / 3, 4 / 9])
    gx = implementation(local_response_norm_backward, form)(np.array([[[0.0], [1], [0]]]), x, 2, 1.0, 1.0, 0.5)
    np.testing.assert_allclose(gx[0, :, 0], [-2 / 9, 1 / 3 - 4 / 9, 0])     # of 2·x₁/(x₀² + x₁² + 1)


@both_forms
def test_nan_and_infinity_reach_their_windows_only(form):
    x = np.ones((1, 7, 3))
    x[0, 3, 1] = np.nan
    x[0, 0, 2] = np.inf
    y = implementation(local_response_norm, form)(x, 3)
    assert np.isnan(y[0, 2:5, 1]).all() and np.isfinite(y[0, :, 0]).all() and np.isfinite(y[0, 5:, 1]).all()
    assert np.isnan(y[0, 0, 2]) and y[0, 1, 2] == 0


@both_forms
def test_without_a_constant_zeros_are_nan_as_in_torch(form):
    x = np.zeros((1, 2, 3))
    assert np.isnan(implementation(local_response_norm, form)(x, 3, k=0.0)).all()
    assert (implementation(local_response_norm, form)(x + 1, 1, -2.0, 2.0, 1.0) == 1).all()     # (1 - 2)^-2


@both_forms
def test_an_empty_batch(form):
    x = np.zeros((0, 3, 4))
    assert implementation(local_response_norm, form)(x, 3).shape == x.shape
    assert implementation(local_response_norm_backward, form)(x, x, 3).shape == x.shape


@both_forms
@pytest.mark.parametrize("error, call", [
    (ValueError, lambda f: f(local_response_norm)(np.zeros((2, 3)), 3)),
    (ValueError, lambda f: f(local_response_norm)(np.zeros((2, 3, 4)), 0)),
    (RuntimeError, lambda f: f(local_response_norm_backward)(np.zeros((2, 3, 5)), np.zeros((2, 3, 4)), 3)),
])
def test_wrong_arguments_are_refused(form, error, call):
    with pytest.raises(error, match="local_response_norm"):
        call(lambda kernel: implementation(kernel, form))
