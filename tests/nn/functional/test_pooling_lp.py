"""Pooling by p-norms: torch, gradients to second order, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import pool_geometry, seeds


@given(
    st.integers(1, 3).flatmap(lambda dims: pool_geometry(dims, max_kernel=2, max_extra=2, dilated=False)),
    seeds(),
    st.sampled_from([1, 1.5, 2, 3, float("inf"), -float("inf")]),
)
def test_norms_of_windows(geometry, seed, p):
    size = [max(n, k) for n, k in zip(geometry.input_shape[2:], geometry.kernel_size)]
    x = values((*geometry.input_shape[:2], *size), seed, low=0.5, high=2, distinct=True)
    function, dims = f"lp_pool{len(size)}d", len(size)
    kernel = geometry.kernel_size[0] if dims == 1 else geometry.kernel_size  # torch multiplies by a number in 1-D
    for stride in (None, geometry.stride):
        check_against_torch(f"nn.functional.{function}", x, p, kernel, stride, geometry.ceil_mode)
    check_gradient(lambda x: getattr(F, function)(x, p, kernel, geometry.stride, geometry.ceil_mode), x)


def test_by_hand():
    x = Tensor(np.array([[[3.0, 4, -6, 8]]]))
    assert F.lp_pool1d(x, 2, 2).tolist() == [[[5, 10]]]
    assert F.lp_pool1d(x, 1, 2).tolist() == [[[7, 2]]]
    assert F.lp_pool1d(x, float("inf"), 2).tolist() == [[[4, 8]]]


@pytest.mark.parametrize("p", [1, 2, 3])
def test_negative_numbers_and_zeros(p):
    """The root of a negative sum is NaN; where the sum is 0 the gradient is 0."""
    x = np.array([[[-1.0, -2, 0, 0, 3, -1]]])
    check_against_torch("nn.functional.lp_pool1d", x, p, 2)
    zeros = Tensor(np.zeros((1, 1, 2)), True)
    F.lp_pool1d(zeros, p, 2).sum().backward()
    assert zeros.grad.tolist() == [[[0, 0]]]


def test_refusals():
    x = values((2, 3, 8, 8), 0)
    for settings in (dict(kernel_size=9), dict(kernel_size=2, stride=0), dict(kernel_size=2.5)):
        check_against_torch("nn.functional.lp_pool2d", x, 2, **settings)
