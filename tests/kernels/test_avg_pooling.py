"""Average pooling against torch, by hand, and its gradient as the adjoint."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import avg_pool2d, avg_pool2d_backward
from tests.kernels.calls import assert_close, both_forms, implementation, windows


@both_forms
@given(geometry=windows(pooling=True, dilation=False), ceil_mode=st.booleans(), count_include_pad=st.booleans(),
       divisor=st.sampled_from([None, 3, -2]), batch=st.integers(0, 2))
def test_avg_pool_is_torchs(form, geometry, ceil_mode, count_include_pad, divisor, batch):
    (size, kernel, stride, padding, _), rng = geometry, np.random.default_rng(0)
    options = (kernel, stride, padding, ceil_mode, count_include_pad, divisor)
    x = rng.standard_normal((batch, 3, *size))
    y = implementation(avg_pool2d, form)(x, *options)
    leaf = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.avg_pool2d(leaf, *options)
    assert_close(y, expected.detach().numpy())
    g = rng.standard_normal(y.shape)
    gx = implementation(avg_pool2d_backward, form)(g, x.shape, *options)
    assert_close(gx, torch.autograd.grad(expected, leaf, torch.tensor(g))[0].numpy())
    np.testing.assert_allclose(np.vdot(y, g), np.vdot(x, gx), rtol=0, atol=1e-11)


@both_forms
def test_an_example_by_hand(form):
    x = np.array([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]])
    # the last windows end outside: 3 + 6 over 2, 7 + 8 over 2, 9 over 1
    assert implementation(avg_pool2d, form)(x, 2, ceil_mode=True).tolist() == [[[[3, 4.5], [7.5, 9]]]]
    gx = implementation(avg_pool2d_backward, form)(np.array([[[[4.0, 2], [6, 1]]]]), x.shape, 2, ceil_mode=True)
    assert gx.tolist() == [[[[1, 1, 1], [1, 1, 1], [3, 3, 1]]]]


@both_forms
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_stay_in_their_window(form, value):
    x = np.ones((1, 1, 4, 4))
    x[0, 0, 1, 1] = value
    assert np.array_equal(implementation(avg_pool2d, form)(x, 2), [[[[value, 1], [1, 1]]]], equal_nan=True)


@both_forms
@pytest.mark.parametrize("call", [
    lambda f: f(avg_pool2d)(np.zeros((3, 4, 4)), 2),
    lambda f: f(avg_pool2d)(np.zeros((1, 1, 4, 4)), 2, padding=2),
    lambda f: f(avg_pool2d)(np.zeros((1, 1, 4, 4)), 5),
    lambda f: f(avg_pool2d)(np.zeros((1, 1, 4, 4)), 2, divisor_override=0),
    lambda f: f(avg_pool2d_backward)(np.zeros((1, 1, 2, 3)), (1, 1, 4, 4), 2),
    lambda f: f(avg_pool2d_backward)(np.zeros((1, 1, 2, 2)), (1, 4, 4), 2),
])
def test_wrong_arguments_are_refused(form, call):
    with pytest.raises(RuntimeError, match="avg_pool2d"):
        call(lambda kernel: implementation(kernel, form))
