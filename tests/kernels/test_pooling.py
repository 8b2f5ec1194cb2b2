"""Max pooling against torch, ties and NaNs included, and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import max_pool2d, max_pool2d_backward
from tests.kernels.calls import both_forms, implementation, windows

pixels = {"distinct": lambda rng, shape: rng.permutation(int(np.prod(shape))).reshape(shape) * 1.0,
          "ties": lambda rng, shape: rng.integers(0, 3, shape) * 1.0,
          "nan": lambda rng, shape: rng.choice([1, 2, np.nan], shape),
          "infinite": lambda rng, shape: rng.choice([-np.inf, -np.inf, 1, np.inf], shape)}


@both_forms
@pytest.mark.parametrize("kind", pixels)
@given(geometry=windows(pooling=True), ceil_mode=st.booleans(), batch=st.integers(0, 2))
def test_max_pool_is_torchs(form, kind, geometry, ceil_mode, batch):
    rng = np.random.default_rng(0)
    x = pixels[kind](rng, (batch, 3, *geometry[0]))
    values, indices = implementation(max_pool2d, form)(x, *geometry[1:], ceil_mode)
    leaf = torch.tensor(x, requires_grad=True)
    expected, places = torch.nn.functional.max_pool2d(leaf, *geometry[1:], ceil_mode, return_indices=True)
    assert np.array_equal(values, expected.detach().numpy(), equal_nan=True)
    assert indices.dtype == np.int64
    seen = indices >= 0
    # torch names a pixel that does not exist where a dilated window misses the image altogether
    assert np.array_equal(indices[seen], places.numpy()[seen])
    assert (values[~seen] == -np.inf).all()
    g = rng.standard_normal(values.shape) * seen
    gx = implementation(max_pool2d_backward, form)(g, indices, x.shape)
    if seen.all():
        np.testing.assert_allclose(gx, torch.autograd.grad(expected, leaf, torch.tensor(g))[0], rtol=0, atol=1e-13)
    # the gradient is the adjoint of picking the winners
    direction, plane = rng.standard_normal(x.shape), np.arange(3 * batch).reshape(batch, 3, 1, 1)
    picked = direction.ravel()[plane * x[0, 0].size + indices] if batch else indices
    np.testing.assert_allclose(np.vdot(gx, direction), np.vdot(g, picked), atol=1e-11)


@both_forms
def test_an_example_by_hand(form):
    x = np.array([[[[1.0, 5, 2], [7, 3, 3], [0, 3, 9]]]])
    values, indices = implementation(max_pool2d, form)(x, 2, 1)
    assert values.tolist() == [[[[7, 5], [7, 9]]]]
    assert indices.tolist() == [[[[3, 1], [3, 8]]]]
    gx = implementation(max_pool2d_backward, form)(np.array([[[[1.0, 2], [4, 8]]]]), indices, x.shape)
    assert gx.tolist() == [[[[0, 2, 0], [5, 0, 0], [0, 0, 8]]]]


def test_integers():
    x = np.arange(16).reshape(1, 1, 4, 4)
    values, indices = max_pool2d.reference(x, 2, padding=1)
    assert values.tolist() == [[[[0, 2, 3], [8, 10, 11], [12, 14, 15]]]] == indices.tolist()


@both_forms
@pytest.mark.parametrize("bad", [-2, 9, 10**12])
def test_an_index_out_of_range_is_refused(form, bad):
    indices = np.zeros((1, 1, 2, 2), np.int64)
    indices[0, 0, 1, 1] = bad
    with pytest.raises(IndexError, match="out of range"):
        implementation(max_pool2d_backward, form)(np.ones((1, 1, 2, 2)), indices, (1, 1, 3, 3))


@both_forms
@pytest.mark.parametrize("call", [
    lambda f: f(max_pool2d)(np.zeros((3, 4, 4)), 2),
    lambda f: f(max_pool2d)(np.zeros((1, 1, 4, 4)), 2, padding=2),
    lambda f: f(max_pool2d)(np.zeros((1, 1, 4, 4)), 5),
    lambda f: f(max_pool2d)(np.zeros((1, 1, 4, 4)), 0),
    lambda f: f(max_pool2d)(np.zeros((1, 1, 4, 4)), 2, 0),
    lambda f: f(max_pool2d_backward)(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 3), int), (1, 1, 4, 4)),
    lambda f: f(max_pool2d_backward)(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 2), int), (2, 1, 4, 4)),
    lambda f: f(max_pool2d_backward)(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 2, 2)), (1, 1, 4, 4)),
])
def test_wrong_arguments_are_refused(form, call):
    with pytest.raises(RuntimeError, match="max_pool2d"):
        call(lambda kernel: implementation(kernel, form))
