"""Unpooling: the inverse of pooling, torch, gradients to second order, refusals."""

import numpy as np
import pytest
from hypothesis import assume, given

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds
from tests.nn.functional.test_pooling import geometries


@given(geometries(dilated=False, max_kernel=2, max_extra=2), seeds())
def test_unpooling(geometry, seed):
    """Values come back to their places; of a place that was largest in two windows torch keeps the last."""
    dims, kernel, stride, padding = len(geometry.kernel_size), *(
        getattr(geometry, name) for name in ("kernel_size", "stride", "padding"))  # fmt: skip
    x = values(geometry.input_shape, seed, distinct=True)
    y, places = getattr(F, f"max_pool{dims}d")(Tensor(x), kernel, stride, padding, return_indices=True)
    name, size = f"max_unpool{dims}d", geometry.input_shape[2:]
    arguments = (kernel, stride, padding, size)
    least = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(y.shape[2:], stride, kernel, padding)]
    assume(all(abs(n - m) < s for n, m, s in zip(size, least, stride)))
    back = getattr(F, name)(y, places, *arguments).array
    assert np.array_equal(back, np.where(back != 0, x, 0)) and set(y.array.ravel()) == set(back[back != 0])
    check_against_torch(f"nn.functional.{name}", y.array, places.array, *arguments)
    unique = all(len(set(p)) == len(p) for p in places.array.reshape(-1, places[0, 0].numel()))
    if unique:  # the gradient of a value that was written over is that of the place, in torch too
        check_gradient(lambda y: getattr(F, name)(y, places, *arguments), y.array)


def test_by_hand():
    y = Tensor(np.array([[[[5.0, 7]]]]), True)
    places = Tensor(np.array([[[[1, 6]]]]))
    x = F.max_unpool2d(y, places, 2)
    assert x.tolist() == [[[[0, 5, 0, 0], [0, 0, 7, 0]]]]
    x.backward(Tensor(np.arange(8.0).reshape(1, 1, 2, 4)))
    assert y.grad.tolist() == [[[[1, 6]]]]


Y = values((2, 3, 2, 2), 0)
PLACES = np.random.default_rng(0).permuted(np.tile(np.arange(16), (6, 1)), axis=1)[:, :4].reshape(2, 3, 2, 2)


@pytest.mark.parametrize("settings", [
    {},
    dict(output_size=(5, 4)),
    dict(output_size=(2, 3, 4, 5)),
    dict(output_size=[4, 4]),
    dict(output_size=(6, 4)),
    dict(output_size=(4,)),
    dict(output_size=(4, 4, 4)),
    dict(stride=1),
    dict(stride=(3, 2), padding=1),
    dict(padding=3),
])  # fmt: skip
def test_sizes(settings):
    check_against_torch("nn.functional.max_unpool2d", Y, PLACES, 2, **settings)


@pytest.mark.parametrize("y, places", [
    (Y, PLACES + 12),
    (Y, PLACES - 12),
    (Y, PLACES.astype(np.int32)),
    (Y, PLACES * 1.0),
    (Y, PLACES[:1]),
    (Y[0], PLACES[0]),
    (Y[0, 0], PLACES[0, 0]),
    (Y[:0], PLACES[:0]),
    (Y[:, :0], PLACES[:, :0]),
    ((9 * Y).astype(np.int64), PLACES),
])  # fmt: skip
def test_inputs(y, places):
    check_against_torch("nn.functional.max_unpool2d", y, places, 2)


def test_other_layouts():
    """torch's backward fails for these."""
    check_against_torch("nn.functional.max_unpool2d", Y.swapaxes(2, 3), PLACES.swapaxes(2, 3), 2, grad=False)
    check_against_torch("nn.functional.max_unpool2d", Y[:, ::2].astype(np.float32), PLACES[:, ::2], 2, grad=False)


@pytest.mark.parametrize("dims", [1, 3])
def test_other_dimensions_by_default(dims):
    x = values((2, 3, 4, 6, 8)[: 2 + dims], 0)
    y, places = getattr(F, f"max_pool{dims}d")(Tensor(x), 2, return_indices=True)
    check_against_torch(f"nn.functional.max_unpool{dims}d", y.array, places.array, 2)
    check_against_torch(f"nn.functional.max_unpool{dims}d", y.array[0], places.array[0], 2)


@pytest.mark.parametrize("text", ["MaxUnpool1d(2)", "MaxUnpool2d((2, 3), stride=[3, 3], padding=(0, 1))", "MaxUnpool3d(2, 2)"])
def test_layer(check_module, text):
    dims = int(text[9])
    y = values((2, 3, 2, 2, 2)[: 2 + dims], 0)
    check_module(text, y, np.tile(np.arange(2**dims), (2, 3, 1)).reshape(y.shape))
