"""Softmax and log-softmax against torch, for rows short and long, and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import log_softmax, log_softmax_backward, softmax, softmax_backward
from tests.kernels.calls import assert_close, both_forms, implementation

functions = pytest.mark.parametrize("forward, backward, theirs", [
    (softmax, softmax_backward, torch.softmax), (log_softmax, log_softmax_backward, torch.log_softmax)])


@both_forms
@functions
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(shape=st.one_of(st.tuples(st.integers(0, 5), st.integers(1, 70)), st.tuples(st.integers(1, 70)),
                       st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 10, 128, 129, 300]))),
       scale=st.sampled_from([1, 30, 1000]), data=st.data())
def test_values_and_gradients_are_torchs(form, forward, backward, theirs, dtype, shape, scale, data):
    axis = data.draw(st.sampled_from([i for i in range(-len(shape), len(shape)) if shape[i]]))
    rng = np.random.default_rng(0)
    x, g = (scale * rng.standard_normal(shape)).astype(dtype), rng.standard_normal(shape).astype(dtype)
    y = implementation(forward, form)(x, axis)
    leaf = torch.tensor(x, requires_grad=True)
    expected = theirs(leaf, axis)
    assert_close(y, expected.detach().numpy(), 8)
    gx = implementation(backward, form)(g, y, axis)
    wanted = torch.autograd.grad(expected, leaf, torch.from_numpy(g))[0].numpy()
    assert_close(gx, wanted, scale=np.abs(g).max(initial=0))


@both_forms
def test_an_example_by_hand(form):
    x = np.log([[1.0, 3, 4]])
    y = implementation(softmax, form)(x)
    np.testing.assert_allclose(y, [[0.125, 0.375, 0.5]], rtol=1e-15)
    np.testing.assert_allclose(implementation(log_softmax, form)(x), np.log(y), rtol=1e-15)
    gx = implementation(softmax_backward, form)(np.array([[1.0, 0, 0]]), np.array([[0.125, 0.375, 0.5]]))
    assert gx.tolist() == [[0.109375, -0.046875, -0.0625]]


@both_forms
@functions
@pytest.mark.parametrize("row", [
    [1e38, -1e38], [-1000, -1001], [0, -np.inf], [-np.inf, -np.inf], [np.inf, 0], [np.nan, 0], [0, np.nan]])
@pytest.mark.parametrize("repeats", [1, 50])
def test_extreme_rows_are_torchs(form, forward, backward, theirs, row, repeats):
    x = np.array([row * repeats, [0, 1] * repeats], np.float32)
    expected = theirs(torch.from_numpy(x), -1).numpy()
    assert_close(implementation(forward, form)(x), expected, 8)
    assert_close(implementation(forward, form)(x.T, 0).T, expected, 8)


@both_forms
@pytest.mark.parametrize("backward", [softmax_backward, log_softmax_backward])
def test_wrong_shapes_are_refused(form, backward):
    with pytest.raises(RuntimeError, match="one shape"):
        implementation(backward, form)(np.zeros((2, 3)), np.zeros((3, 2)))
