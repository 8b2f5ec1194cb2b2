"""Going by the places of maxima: adjoint to one another, by hand, and for places out of range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import max_pool, max_pool_backward, max_unpool, pick, sliding_windows
from tests.kernels.calls import both_forms, implementation, windows


@both_forms
@given(geometry=st.integers(1, 3).flatmap(lambda dims: windows(pooling=True, dims=dims)), dtype=st.sampled_from("fd"))
def test_the_gradient_is_the_adjoint_of_picking_the_maxima(form, geometry, dtype):
    rng, size = np.random.default_rng(0), geometry[0]
    x = rng.standard_normal((2, 3, *size)).astype(dtype)
    values, indices = max_pool(x, sliding_windows("f", *geometry))
    picked = implementation(pick, form)(x, indices)
    assert np.array_equal(picked, np.where(indices < 0, 0, values)) and picked.dtype == x.dtype
    g = rng.integers(-9, 9, values.shape).astype(dtype)
    gx = implementation(max_pool_backward, form)(g, indices, size)
    direction = rng.integers(-9, 9, x.shape).astype(dtype)
    assert np.vdot(gx, direction) == np.vdot(g, implementation(pick, form)(direction, indices))


@both_forms
def test_an_example_by_hand(form):
    """Two windows have their maximum at pixel 3."""
    g, indices = np.array([[[[1.0, 2], [4, 8]]]]), np.array([[[[3, 1], [3, 8]]]])
    gx = implementation(max_pool_backward, form)(g, indices, (3, 3))
    assert gx.tolist() == [[[[0, 2, 0], [5, 0, 0], [0, 0, 8]]]]
    assert implementation(pick, form)(gx, indices).tolist() == [[[[5, 2], [5, 8]]]]


@both_forms
def test_the_last_of_equal_indices_stays(form):
    y = implementation(max_unpool, form)(np.array([[[1.0, 2, 3]]]), np.array([[[4, 0, 4]]]), (2, 3))
    assert y.tolist() == [[[[2, 0, 0], [0, 3, 0]]]]


@both_forms
@pytest.mark.parametrize("bad", [-2, 9, 10**12])
@pytest.mark.parametrize("kernel", [max_pool_backward, max_unpool])
def test_an_index_out_of_range_is_refused(form, kernel, bad):
    indices = np.zeros((1, 1, 2, 2), np.int64)
    indices[0, 0, 1, 1] = bad
    with pytest.raises(IndexError, match="out of range"):
        implementation(kernel, form)(np.ones((1, 1, 2, 2)), indices, (3, 3))
    with pytest.raises(IndexError, match="out of range"):
        implementation(pick, form)(np.ones((1, 1, 3, 3)), indices)


@both_forms
@pytest.mark.parametrize("call", [
    lambda f: f(max_pool_backward)(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 3), int), (4, 4)),
    lambda f: f(max_pool_backward)(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 2)), (4, 4)),
    lambda f: f(max_unpool)(np.zeros(2), np.zeros(2, int), (4,)),
    lambda f: f(pick)(np.zeros((1, 2, 4)), np.zeros((1, 1, 2), int)),
])
def test_wrong_arguments_are_refused(form, call):
    with pytest.raises(RuntimeError, match="expected"):
        call(lambda kernel: implementation(kernel, form))
