"""Pooling: gradients to second order, torch, ties and NaN, examples by hand, refusals."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import pool_geometry, seeds


def max_settings(g):
    return dict(stride=g.stride, padding=g.padding, dilation=g.dilation, ceil_mode=g.ceil_mode)


def assume_pixels(geometry):
    """No window of padding alone: its maximum is −∞, and torch reads and writes beyond the image for it."""
    y = F.max_pool2d(scratchnet.zeros(geometry.input_shape), geometry.kernel_size, **max_settings(geometry))
    assume(np.isfinite(y.array).all())


@given(pool_geometry(), seeds())
def test_gradients_of_max_pooling(geometry, seed):
    assume_pixels(geometry)
    x = values(geometry.input_shape, seed, distinct=True)
    check_gradient(lambda x: F.max_pool2d(x, geometry.kernel_size, **max_settings(geometry)), x)


@given(pool_geometry(), seeds(), st.booleans(), st.sampled_from([np.float32, np.float64, np.int64]))
def test_max_pooling_against_torch(geometry, seed, with_indices, dtype):
    x = (values(geometry.input_shape, seed) * 2).round().astype(dtype)  # whole numbers: many ties
    assume_pixels(geometry)
    check_against_torch(
        "nn.functional.max_pool2d",
        x,
        geometry.kernel_size,
        return_indices=with_indices,
        **max_settings(geometry),
    )


@given(pool_geometry(dilated=False), seeds(), st.booleans(), st.sampled_from([None, None, 3, -2]))
def test_average_pooling(geometry, seed, include_pad, divisor):
    settings = dict(
        stride=geometry.stride,
        padding=geometry.padding,
        ceil_mode=geometry.ceil_mode,
        count_include_pad=include_pad,
        divisor_override=divisor,
    )
    x = values(geometry.input_shape, seed)
    check_gradient(lambda x: F.avg_pool2d(x, geometry.kernel_size, **settings), x)
    for dtype in (np.float32, np.float64):
        check_against_torch("nn.functional.avg_pool2d", x.astype(dtype), geometry.kernel_size, **settings)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 7), st.integers(1, 7), seeds())
def test_adaptive_average_pooling(height, width, rows, columns, seed):
    x = values((2, 2, height, width), seed)
    check_against_torch("nn.functional.adaptive_avg_pool2d", x, (rows, columns))
    check_gradient(lambda x: F.adaptive_avg_pool2d(x, (rows, columns)), x)


def test_the_gradient_of_a_maximum_goes_to_the_first_of_equals_and_adds_up_where_windows_overlap():
    x = Tensor(np.array([[[[1.0, 3, 3, 0]]]]), True)
    y = F.max_pool2d(x, (1, 2), stride=1)
    assert y.tolist() == [[[[3, 3, 3]]]]
    y.backward(Tensor(np.array([[[[1.0, 10, 100]]]])))
    assert x.grad.tolist() == [[[[0, 11, 100, 0]]]]


def test_an_average_by_hand():
    """The padding counts, unless told otherwise; a window in the corner holds one pixel of the image."""
    x = Tensor(np.array([[[[1.0, 2], [3, 4]]]]), True)
    assert F.avg_pool2d(x, 2, padding=1).tolist() == [[[[0.25, 0.5], [0.75, 1]]]]
    assert F.avg_pool2d(x, 2, padding=1, count_include_pad=False).tolist() == [[[[1, 2], [3, 4]]]]
    assert F.avg_pool2d(x, 2, divisor_override=5).tolist() == [[[[2]]]]
    F.avg_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]


def test_nan_wins_a_maximum():
    x = np.array([[[[1.0, np.nan, 2, 3, np.nan, np.nan]]]])
    check_against_torch("nn.functional.max_pool2d", x, (1, 3), return_indices=True)


def test_a_window_of_padding_alone_has_no_gradient():
    x = Tensor(values((1, 1, 1, 6), 0), True)
    y = F.max_pool2d(x, 2, 1, 1, dilation=(2, 1))
    (y * Tensor(np.isfinite(y.array).astype(float))).nan_to_num().sum().backward()
    assert np.isfinite(x.grad.array).all()


X = values((2, 3, 8, 8), 0, dtype=np.float32)


@pytest.mark.parametrize("function", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize(
    "x, kwargs",
    [
        (X, dict(kernel_size=0)),
        (X, dict(kernel_size=2, stride=0)),
        (X, dict(kernel_size=2, padding=2)),
        (X, dict(kernel_size=2, padding=-1)),
        (X, dict(kernel_size=9)),
        (X, dict(kernel_size=(2,))),
        (X, dict(kernel_size=(2, 3))),
        (X, dict(kernel_size=(2, 3, 4))),
        (X, dict(kernel_size=2.5)),
        (X, dict(kernel_size=3, stride=())),
        (X[0], dict(kernel_size=2)),
        (X[:0], dict(kernel_size=2)),
        (X[:, :0], dict(kernel_size=2)),
        ((10 * X).astype(np.int64), dict(kernel_size=2)),
        (X[::2, :, ::-1].swapaxes(2, 3), dict(kernel_size=2)),
    ],
)
def test_refusals_are_those_of_torch(function, x, kwargs):
    check_against_torch(f"nn.functional.{function}", np.ascontiguousarray(x), **kwargs)


def test_more_refusals():
    check_against_torch("nn.functional.max_pool2d", X, 3, padding=1, dilation=0)
    check_against_torch("nn.functional.max_pool2d", X > 0, 2)
    check_against_torch("nn.functional.max_pool2d", X[0, 0], 2)
    check_against_torch("nn.functional.avg_pool2d", X, 2, divisor_override=0)
    check_against_torch("nn.functional.adaptive_avg_pool2d", X[0, 0], 2)
    check_against_torch("nn.functional.adaptive_avg_pool2d", X, (3, None))
    check_against_torch("nn.functional.adaptive_avg_pool2d", X[:0], 3)


LAYERS = [
    "MaxPool2d(2)",
    "MaxPool2d((3, 2), stride=(2, 1), padding=1, dilation=1, ceil_mode=True)",
    "MaxPool2d(2, dilation=3, return_indices=True)",
    "AvgPool2d(2)",
    "AvgPool2d((3, 2), stride=(2, 1), padding=1, ceil_mode=True, count_include_pad=False)",
    "AvgPool2d(3, divisor_override=4)",
    "AdaptiveAvgPool2d((3, None))",
    "AdaptiveAvgPool2d(5)",
]


@pytest.mark.parametrize("text", LAYERS)
def test_layer(check_module, text):
    check_module(text, X)
    check_module(text, values((3, 7, 9), 0))
