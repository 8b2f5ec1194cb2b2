"""Average pooling against torch, by hand, and its gradient as the adjoint."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from scratchnet.kernels import adaptive_windows, avg_pool, avg_pool_backward, fractional_windows, sliding_windows
from tests.kernels.calls import assert_close, both_forms, implementation, windows


def check_against_torch(form, x, sliding, pool, options):
    """Values, gradient, and that the one is the adjoint of the other."""
    leaf = torch.tensor(x, requires_grad=True)
    expected = pool(leaf, *options)
    y = implementation(avg_pool, form)(x, sliding)
    assert_close(y, expected.detach().numpy())
    g = np.random.default_rng(1).standard_normal(y.shape)
    gx = implementation(avg_pool_backward, form)(g, sliding)
    assert_close(gx, torch.autograd.grad(expected, leaf, torch.tensor(g))[0].numpy())
    np.testing.assert_allclose(np.vdot(y, g), np.vdot(x, gx), rtol=0, atol=1e-11)


@both_forms
@given(geometry=st.integers(1, 3).flatmap(lambda dims: windows(pooling=True, dilation=False, dims=dims)),
       ceil_mode=st.booleans(), count_include_pad=st.booleans(), divisor=st.sampled_from([None, 3, -2]),
       batch=st.integers(0, 2))
def test_avg_pool_is_torchs(form, geometry, ceil_mode, count_include_pad, divisor, batch):
    size, kernel, stride, padding, dilation = geometry
    assume(len(size) < 3 or all(k <= n for k, n in zip(kernel, size)))      # torch refuses these in 3-D alone
    x = np.random.default_rng(0).standard_normal((batch, 3, *size))
    divisor = divisor if len(size) > 1 else None
    options = (kernel, stride, padding, ceil_mode, count_include_pad, *([divisor] if len(size) > 1 else []))
    sliding = sliding_windows("f", size, kernel, stride, padding, dilation, ceil_mode, count_include_pad, divisor)
    check_against_torch(form, x, sliding, getattr(torch.nn.functional, f"avg_pool{len(size)}d"), options)


@both_forms
@given(sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 12)), min_size=1, max_size=3))
def test_adaptive_avg_pool_is_torchs(form, sizes):
    size, output = zip(*sizes)
    x = np.random.default_rng(0).standard_normal((2, 3, *size))
    pool = getattr(torch.nn.functional, f"adaptive_avg_pool{len(size)}d")
    check_against_torch(form, x, adaptive_windows(size, output), pool, (output,))


@both_forms
def test_an_example_by_hand(form):
    x = np.array([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]])
    # the last windows end outside: 3 + 6 over 2, 7 + 8 over 2, 9 over 1
    sliding = sliding_windows("f", (3, 3), (2, 2), (2, 2), (0, 0), (1, 1), True)
    assert implementation(avg_pool, form)(x, sliding).tolist() == [[[[3, 4.5], [7.5, 9]]]]
    gx = implementation(avg_pool_backward, form)(np.array([[[[4.0, 2], [6, 1]]]]), sliding)
    assert gx.tolist() == [[[[1, 1, 1], [1, 1, 1], [3, 3, 1]]]]


@both_forms
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_stay_in_their_window(form, value):
    x = np.ones((1, 1, 4, 4))
    x[0, 0, 1, 1] = value
    y = implementation(avg_pool, form)(x, adaptive_windows((4, 4), (2, 2)))
    assert np.array_equal(y, [[[[value, 1], [1, 1]]]], equal_nan=True)


@both_forms
def test_a_large_sum_is_exact(form):
    """A million ones in single precision, and halves whose sum is beyond their range."""
    assert implementation(avg_pool, form)(np.ones((1, 1, 1 << 20), np.float32), adaptive_windows((1 << 20,), (1,))) == 1
    halves = np.full((1, 1, 300), 60000, np.float16)
    assert implementation(avg_pool, form)(halves, adaptive_windows((300,), (1,))).tolist() == [[[60000]]]


def test_means_of_integers_are_rounded_towards_zero():
    assert avg_pool(np.array([[[-3, -2, 2, 3]]]), adaptive_windows((4,), (2,))).tolist() == [[[-2, 2]]]


@both_forms
@pytest.mark.parametrize("call", [
    lambda f: f(avg_pool)(np.zeros((4, 4)), adaptive_windows((4, 4), (2, 2))),
    lambda f: f(avg_pool)(np.zeros((1, 1, 4, 5)), adaptive_windows((4, 4), (2, 2))),
    lambda f: f(avg_pool)(np.zeros((1, 1, 4)), sliding_windows("f", (4,), (2,), (1,), (0,), (2,))),
    lambda f: f(avg_pool)(np.zeros((1, 2, 4)), fractional_windows((4,), (2,), [np.array([[0, 2], [1, 2]])])),
    lambda f: f(avg_pool_backward)(np.zeros((1, 1, 2, 3)), adaptive_windows((4, 4), (2, 2))),
    lambda f: f(avg_pool_backward)(np.zeros((2, 2)), adaptive_windows((4, 4), (2, 2))),
])
def test_wrong_arguments_are_refused(form, call):
    with pytest.raises(RuntimeError, match="expected"):
        call(lambda kernel: implementation(kernel, form))
