"""Batch normalisation against torch, by hand, and in numbers that cancel."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import batch_norm, batch_norm_apply, batch_norm_backward
from tests.kernels.calls import assert_close, both_forms, implementation

shapes = st.one_of(st.tuples(st.integers(2, 9), st.integers(1, 5)),
                   st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(2, 20)),
                   st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6), st.integers(2, 6)))


@both_forms
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(shape=shapes, eps=st.sampled_from([1e-5, 0.1]))
def test_training_is_torchs(form, affine, dtype, shape, eps):
    rng = np.random.default_rng(0)
    x, g = (3 * rng.standard_normal((2, *shape)) + 1).astype(dtype)
    gamma, beta = rng.standard_normal((2, shape[1])).astype(dtype) if affine else (None, None)
    y, mean, variance, inverse_std = implementation(batch_norm, form)(x, gamma, beta, eps)
    gx, ggamma, gbeta = implementation(batch_norm_backward, form)(g, x, mean, inverse_std, gamma)
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta) if a is not None]
    expected = torch.nn.functional.batch_norm(leaves[0], None, None, *leaves[1:], training=True, eps=eps)
    gradients = torch.autograd.grad(expected, leaves, torch.from_numpy(g))
    axes = (0, *range(2, x.ndim))
    wide = x.astype(np.float64)
    assert_close(mean, wide.mean(axes).astype(dtype), 4, scale=np.abs(x).max())
    assert_close(variance, wide.var(axes).astype(dtype), 64)
    np.testing.assert_allclose(inverse_std, 1 / np.sqrt(wide.var(axes) + eps), rtol=64 * np.finfo(dtype).eps)
    # x - mean cancels, and its error grows with 1/√variance
    error = max(1, np.abs(x).max() * inverse_std.max())
    assert_close(y, expected.detach().numpy(), 8 * error, scale=1)
    for actual, wanted, scale in zip((gx, ggamma, gbeta), gradients, (inverse_std.max(), x[:, 0].size, x[:, 0].size)):
        assert_close(actual, wanted.numpy(), 8 * error, scale=4 * scale * np.abs(g).max())


@both_forms
def test_with_given_statistics(form):
    rng = np.random.default_rng(1)
    x, g = rng.standard_normal((2, 4, 3, 5, 4))
    mean, variance, gamma, beta = np.abs(rng.standard_normal((4, 3)))
    inverse_std = 1 / np.sqrt(variance + 1e-5)
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta)]
    y = torch.nn.functional.batch_norm(leaves[0], torch.tensor(mean), torch.tensor(variance), *leaves[1:])
    assert_close(implementation(batch_norm_apply, form)(x, mean, inverse_std, gamma, beta), y.detach().numpy())
    gradients = implementation(batch_norm_backward, form)(g, x, mean, inverse_std, gamma, training=False)
    for actual, wanted in zip(gradients, torch.autograd.grad(y, leaves, torch.from_numpy(g))):
        assert_close(actual, wanted.numpy())


@both_forms
def test_the_gradient_to_x_with_given_statistics_does_not_look_at_x(form):
    x, g = np.full((2, 3, 9), np.inf), np.ones((2, 3, 9))
    gx, _, gbeta = implementation(batch_norm_backward, form)(g, x, np.zeros(3), np.array([1.0, 2, 3]), training=False)
    assert (gx == np.array([1.0, 2, 3])[:, None]).all() and gbeta.tolist() == [18] * 3


@both_forms
def test_an_example_by_hand(form):
    x = np.array([[[1.0, 3], [5, 5]], [[5.0, 7], [5, 5]]])
    _, mean, variance, inverse_std = implementation(batch_norm, form)(x, eps=0.25)
    assert mean.tolist() == [4, 5] and variance.tolist() == [5, 0]
    np.testing.assert_allclose(inverse_std, [1 / np.sqrt(5.25), 2])
    y = implementation(batch_norm_apply, form)(x, mean, np.array([0.5, 2]), np.array([4.0, 1]), np.array([0.0, 9]))
    assert y.tolist() == [[[-6, -2], [9, 9]], [[2, 6], [9, 9]]]
    y, *_ = implementation(batch_norm, form)(x, np.array([2.0, 1]), np.array([1.0, 9]), eps=4.0)     # √(5 + 4) = 3
    np.testing.assert_allclose(y, [[[-1, 1 / 3], [9, 9]], [[5 / 3, 3], [9, 9]]])


@both_forms
@pytest.mark.parametrize("length", [1, 500])
def test_a_large_mean_does_not_swallow_the_variance(form, length):
    x = (1e4 + np.random.default_rng(2).standard_normal((64, 3, length))).astype(np.float32)
    _, _, variance, _ = implementation(batch_norm, form)(x)
    np.testing.assert_allclose(variance, x.astype(np.float64).var((0, 2)), rtol=1e-6)


@both_forms
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_stay_in_their_channel(form, value):
    x = np.random.default_rng(3).standard_normal((2, 3, 9))
    x[0, 1, 4] = value
    y, mean, variance, inverse_std = implementation(batch_norm, form)(x)
    assert np.isfinite(mean[[0, 2]]).all() and not np.isfinite(mean[1]) and np.isnan(variance[1])
    assert np.isnan(y[:, 1]).all() and np.isfinite(y[:, ::2]).all()


@both_forms
def test_an_empty_batch(form):
    x = np.zeros((0, 3, 9))
    y = implementation(batch_norm_apply, form)(x, np.zeros(3), np.ones(3))
    gx, ggamma, gbeta = implementation(batch_norm_backward, form)(x, x, np.zeros(3), np.ones(3), training=False)
    assert y.shape == gx.shape == x.shape and (ggamma == 0).all() and (gbeta == 0).all()


@both_forms
@pytest.mark.parametrize("error, call", [
    (ValueError, lambda f: f(batch_norm)(np.zeros(3))),
    (RuntimeError, lambda f: f(batch_norm)(np.zeros((2, 3)), np.zeros(2))),
    (RuntimeError, lambda f: f(batch_norm_apply)(np.zeros((2, 3, 9)), np.zeros(3), np.zeros(2))),
    (RuntimeError, lambda f: f(batch_norm_apply)(np.zeros((2, 3, 9)), np.zeros(3), np.zeros(3), np.zeros(4))),
    (RuntimeError,
     lambda f: f(batch_norm_backward)(np.zeros((2, 3, 8)), np.zeros((2, 3, 9)), np.zeros(3), np.zeros(3))),
    (RuntimeError,
     lambda f: f(batch_norm_backward)(np.zeros((2, 3, 9)), np.zeros((2, 3, 9)), np.zeros(1), np.zeros(3))),
])
def test_wrong_arguments_are_refused(form, error, call):
    with pytest.raises(error, match="batch_norm"):
        call(lambda kernel: implementation(kernel, form))
