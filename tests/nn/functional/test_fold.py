"""unfold and fold: gradients to second order, torch, adjoints, a convolution made of them, refusals."""

import numpy as np
import pytest
from hypothesis import given

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import conv_geometry, seeds


def settings(geometry):
    return dict(dilation=geometry.dilation, padding=geometry.padding, stride=geometry.stride)


@given(conv_geometry(), seeds())
def test_against_torch_and_gradients(geometry, seed):
    x, kernel = values(geometry.input_shape, seed), geometry.weight_shape[2:]
    check_against_torch("nn.functional.unfold", x, kernel, **settings(geometry))
    check_gradient(lambda x: F.unfold(x, kernel, **settings(geometry)), x)
    columns = values(F.unfold(Tensor(x), kernel, **settings(geometry)).shape, seed + 1)
    size = geometry.input_shape[2:]
    check_against_torch("nn.functional.fold", columns, size, kernel, **settings(geometry))
    check_gradient(lambda c: F.fold(c, size, kernel, **settings(geometry)), columns)


@given(conv_geometry(), seeds())
def test_a_convolution_is_a_product_of_matrices(geometry, seed):
    x, w = Tensor(values(geometry.input_shape, seed)), Tensor(values(geometry.weight_shape, seed + 1))
    y = F.conv2d(x, w, **geometry.settings)
    columns = F.unfold(x, geometry.weight_shape[2:], **settings(geometry))
    n, groups = len(x.array), geometry.groups
    product = w.reshape(groups, len(w.array) // groups, -1) @ columns.reshape(n, groups, -1, columns.shape[-1])
    np.testing.assert_allclose(product.reshape(y.shape).array, y.array, atol=1e-12)


def test_by_hand():
    x = scratchnet.arange(6.0).reshape(1, 1, 2, 3)
    assert F.unfold(x, (1, 2)).tolist() == [[[0, 1, 3, 4], [1, 2, 4, 5]]]
    assert F.fold(scratchnet.ones(1, 2, 4), (2, 3), (1, 2)).tolist() == [
        [[[1, 2, 1], [1, 2, 1]]]
    ]  # windows that see a pixel


X = values((2, 3, 5, 4), 0)
COLUMNS = values((2, 12, 12), 0)


@pytest.mark.parametrize(
    "name, args, kwargs",
    [
        ("unfold", (X[0], 2), {}),
        ("unfold", (X, 6), {}),
        ("unfold", (X, 0), {}),
        ("unfold", (X, 2), dict(stride=0)),
        ("unfold", (X, 2), dict(padding=-1)),
        ("unfold", (X, 2), dict(dilation=0)),
        ("unfold", (X, 2.5), {}),
        ("unfold", (X[:, :0], 2), {}),
        ("unfold", (X[:0], 2), {}),
        ("fold", (COLUMNS, (5, 4), 2), {}),
        ("fold", (COLUMNS[0], (5, 4), 2), {}),
        ("fold", (COLUMNS[:, :11], (5, 4), 2), {}),
        ("fold", (COLUMNS, (5, 5), 2), {}),
        ("fold", (COLUMNS[0, 0], (5, 4), 2), {}),
        ("fold", (COLUMNS, (5, 4), 2), dict(stride=0)),
        ("fold", (COLUMNS, (0, 4), 2), {}),
    ],
)
def test_refusals_are_those_of_torch(name, args, kwargs):
    check_against_torch(f"nn.functional.{name}", *args, **kwargs)


@pytest.mark.parametrize("text", ["Unfold(2)", "Unfold((3, 2), dilation=1, padding=1, stride=2)"])
def test_unfold_layer(check_module, text):
    check_module(text, X)


def test_fold_layer(check_module):
    check_module("Fold((5, 4), 2)", COLUMNS)
