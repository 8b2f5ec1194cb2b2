"""Group and instance normalisation against torch, by hand, and in numbers that cancel."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import group_norm, group_norm_backward
from tests.kernels.calls import assert_close, both_forms, implementation


@st.composite
def problems(draw):
    """The shape [N, C, ...] of x, and a number of groups with two or more values each."""
    groups, channels = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sides = draw(st.lists(st.integers(1, 6), max_size=2)) if channels > 1 else [draw(st.integers(2, 30))]
    return (draw(st.integers(0, 4)), groups * channels, *sides), groups


@both_forms
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(problem=problems(), eps=st.sampled_from([1e-5, 0.1]))
def test_values_and_gradients_are_torchs(form, affine, dtype, problem, eps):
    shape, groups = problem
    rng = np.random.default_rng(0)
    x, g = (3 * rng.standard_normal((2, *shape)) + 1).astype(dtype)
    gamma, beta = rng.standard_normal((2, shape[1])).astype(dtype) if affine else (None, None)
    y, mean, variance, inverse_std = implementation(group_norm, form)(x, groups, gamma, beta, eps)
    gx, ggamma, gbeta = implementation(group_norm_backward, form)(g, x, groups, mean, inverse_std, gamma)
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta) if a is not None]
    expected = torch.nn.functional.group_norm(leaves[0], groups, *leaves[1:], eps=eps)
    gradients = torch.autograd.grad(expected, leaves, torch.from_numpy(g))
    wide = x.astype(np.float64).reshape(shape[0] * groups, int(np.prod(shape[1:])) // groups)
    assert_close(mean, wide.mean(1).astype(dtype), 4, scale=np.abs(x).max(initial=0))
    assert_close(variance, wide.var(1).astype(dtype), 64)
    error = max(1, (np.abs(x).max(initial=0) * inverse_std.max(initial=0)))     # x - mean cancels
    size = np.abs(gamma).max() if affine else 1
    assert_close(y, expected.detach().numpy(), 8 * error, scale=4 * size)
    count = max(x[:, 0].size, 1)
    scales = (8 * size * inverse_std.max(initial=0), count, count)
    for actual, wanted, scale in zip((gx, ggamma, gbeta), gradients, scales):
        assert_close(actual, wanted.numpy(), 8 * error, scale=4 * scale * np.abs(g).max(initial=0))


@both_forms
def test_an_example_by_hand(form):
    """Of 1, 3, 5, 7 the mean is 4 and the variance 5; of 2, 2, 6, 6 they are 4 and 4."""
    x = np.array([[[1.0, 3], [5, 7]], [[2, 2], [6, 6]]])
    y, mean, variance, inverse_std = implementation(group_norm, form)(x, 1, np.array([3.0, 6]), np.array([0.0, 1]), 4.0)
    assert mean.tolist() == [4, 4] and variance.tolist() == [5, 4]
    np.testing.assert_allclose(inverse_std, [1 / 3, 8**-0.5])
    np.testing.assert_allclose(y[0], [[-3, -1], [3, 7]])
    y, mean, *_ = implementation(group_norm, form)(x, 2, eps=3.0)
    assert mean.tolist() == [2, 6, 2, 6] and y[0].tolist() == [[-0.5, 0.5], [-0.5, 0.5]] and not y[1].any()


@both_forms
@pytest.mark.parametrize("groups", [1, 3])
def test_a_large_mean_does_not_swallow_the_variance(form, groups):
    x = (1e4 + np.random.default_rng(2).standard_normal((2, 3, 5000))).astype(np.float32)
    _, _, variance, _ = implementation(group_norm, form)(x, groups)
    np.testing.assert_allclose(variance, x.astype(np.float64).reshape(2 * groups, -1).var(1), rtol=1e-6)


@both_forms
def test_nan_stays_in_its_group(form):
    x = np.random.default_rng(3).standard_normal((2, 4, 5))
    x[0, 1, 2] = np.nan
    y, *_ = implementation(group_norm, form)(x, 2)
    assert np.isnan(y[0, :2]).all() and np.isfinite(y[0, 2:]).all() and np.isfinite(y[1]).all()


@both_forms
@pytest.mark.parametrize("error, call", [
    (ValueError, lambda f: f(group_norm)(np.zeros(3), 1)),
    (ValueError, lambda f: f(group_norm)(np.zeros((2, 3, 4)), 2)),
    (ValueError, lambda f: f(group_norm)(np.zeros((2, 3, 4)), 0)),
    (RuntimeError, lambda f: f(group_norm)(np.zeros((2, 3, 4)), 1, np.zeros(4))),
    (RuntimeError, lambda f: f(group_norm)(np.zeros((2, 3, 4)), 1, None, np.zeros(2))),
    (RuntimeError,
     lambda f: f(group_norm_backward)(np.zeros((2, 3, 5)), np.zeros((2, 3, 4)), 1, np.zeros(2), np.zeros(2))),
    (RuntimeError,
     lambda f: f(group_norm_backward)(np.zeros((2, 3, 4)), np.zeros((2, 3, 4)), 3, np.zeros(2), np.zeros(6))),
])
def test_wrong_arguments_are_refused(form, error, call):
    with pytest.raises(error, match="group_norm"):
        call(lambda kernel: implementation(kernel, form))
