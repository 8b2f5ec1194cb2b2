"""Sliding-window pooling: gradients to second order, torch, ties and NaN, examples by hand, refusals."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor, nn
from scratchnet.testing import check_against_torch, check_gradient, check_layer, values
from scratchnet.testing.strategies import pool_geometry, seeds

FEWER = dict(max_kernel=2, max_extra=2)  # gradients are checked number by number


def geometries(dilated=True, **options):
    return st.integers(1, 3).flatmap(lambda dims: pool_geometry(dims, dilated=dilated, **options))


def max_settings(g):
    return dict(stride=g.stride, padding=g.padding, dilation=g.dilation, ceil_mode=g.ceil_mode)


def pool(kind, geometry):
    return f"{kind}{len(geometry.kernel_size)}d"


def assume_pixels(geometry):
    """No window of padding alone: its maximum is −∞, and torch reads and writes beyond the image for it."""
    max_pool = getattr(F, pool("max_pool", geometry))
    y = max_pool(scratchnet.zeros(geometry.input_shape), geometry.kernel_size, **max_settings(geometry))
    assume(np.isfinite(y.array).all())


@given(geometries(**FEWER), seeds())
def test_gradients_of_max_pooling(geometry, seed):
    assume_pixels(geometry)
    max_pool = getattr(F, pool("max_pool", geometry))
    x = values(geometry.input_shape, seed, distinct=True)
    check_gradient(lambda x: max_pool(x, geometry.kernel_size, **max_settings(geometry)), x)


@given(geometries(), seeds(), st.booleans(), st.sampled_from([np.float32, np.float64, np.float16, np.int64]))
def test_max_pooling_against_torch(geometry, seed, with_indices, dtype):
    x = (values(geometry.input_shape, seed) * 2).round().astype(dtype)  # whole numbers: many ties
    assume_pixels(geometry)
    name, settings = f"nn.functional.{pool('max_pool', geometry)}", max_settings(geometry)
    check_against_torch(name, x, geometry.kernel_size, return_indices=with_indices, **settings)
    if dtype != np.int64:
        check_against_torch(f"{name}_with_indices", x, geometry.kernel_size, **settings)


@given(geometries(dilated=False, **FEWER), seeds(), st.booleans(), st.sampled_from([None, None, 3, -2]))
def test_average_pooling(geometry, seed, include_pad, divisor):
    settings = dict(
        stride=geometry.stride,
        padding=geometry.padding,
        ceil_mode=geometry.ceil_mode,
        count_include_pad=include_pad,
    )
    if len(geometry.kernel_size) > 1:
        settings["divisor_override"] = divisor
    name = pool("avg_pool", geometry)
    x = values(geometry.input_shape, seed)
    for dtype in (np.float32, np.float64):
        check_against_torch(f"nn.functional.{name}", x.astype(dtype), geometry.kernel_size, **settings)
    if len(geometry.kernel_size) < 3 or all(k <= n for k, n in zip(geometry.kernel_size, x.shape[2:])):
        check_gradient(lambda x: getattr(F, name)(x, geometry.kernel_size, **settings), x)


def test_the_fused_gradients_are_the_composed_ones(fused_equals_composed):
    x = values((2, 3, 9, 8), 0)
    fused_equals_composed(lambda x: F.max_pool2d(x, 3, 2, 1), x)
    fused_equals_composed(lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[0], x)
    fused_equals_composed(lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), x)


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


@pytest.mark.parametrize("kernel", [(1, 3), (1, 4), 1])
def test_nan_wins_a_maximum(kernel):
    x = np.array([[[[1.0, np.nan, 2, 3, np.nan, np.nan, -np.inf, -np.inf, np.inf, -np.inf, -np.inf, -np.inf]]]])
    check_against_torch("nn.functional.max_pool2d", x, kernel, return_indices=True)


def test_a_window_of_padding_alone_has_no_gradient():
    x = Tensor(values((1, 1, 1, 6), 0), True)
    y = F.max_pool2d(x, 2, 1, 1, dilation=(2, 1))
    assert y.shape == (1, 1, 1, 7) and (y.array == -np.inf).all()
    y.sum().backward()
    assert not x.grad.array.any()


def test_maxima_of_neighbouring_channels():
    x = values((2, 6, 3, 4), 0, distinct=True)
    y = F.cross_channel_max_pool(Tensor(x), 3, 2)
    assert np.array_equal(y.array, np.maximum(np.maximum(x[:, :4:2], x[:, 1:5:2]), x[:, 2:6:2]))
    check_gradient(lambda x: F.cross_channel_max_pool(x, 2), values((2, 4, 3), 0, distinct=True))
    assert nn.CrossChannelMaxPool(2)(Tensor(x)).shape == (2, 3, 3, 4)
    assert F.cross_channel_max_pool(Tensor(x[:, :, 0, 0]), 6).tolist() == x[:, :, 0, 0].max(1, keepdims=True).tolist()
    with pytest.raises(RuntimeError, match=r"\[N, C, ...\]"):
        F.cross_channel_max_pool(Tensor(x[0, 0, 0]), 2)


X = values((2, 3, 8, 8, 8), 0, dtype=np.float32)
SIGNALS = {1: X[..., 0, 0], 2: X[..., 0], 3: X}


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool"])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [
        dict(kernel_size=0),
        dict(kernel_size=2, stride=0),
        dict(kernel_size=2, stride=-1),
        dict(kernel_size=2, padding=2),
        dict(kernel_size=2, padding=-1),
        dict(kernel_size=9),
        dict(kernel_size=(2,)),
        dict(kernel_size=(2, 3)),
        dict(kernel_size=(2, 3, 4)),
        dict(kernel_size=(2, 3, 4, 1)),
        dict(kernel_size=2.5),
        dict(kernel_size=3, stride=()),
        dict(kernel_size=2, stride=[1], padding=(1,)),
    ],
)
def test_settings_are_refused_as_in_torch(kind, dims, settings):
    check_against_torch(f"nn.functional.{kind}{dims}d", np.ascontiguousarray(SIGNALS[dims]), **settings)


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool"])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[0],
        lambda x: x[:0],
        lambda x: x[:, :0],
        lambda x: x[..., :0],
        lambda x: x[None],
        lambda x: x > 0,
        lambda x: (10 * x).astype(np.int64),
        lambda x: x[::2, :, ::-1].swapaxes(1, 2),
    ],
)
def test_inputs_are_refused_as_in_torch(kind, dims, change):
    check_against_torch(f"nn.functional.{kind}{dims}d", np.ascontiguousarray(change(SIGNALS[dims])), 2)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_more_refusals(dims):
    x = np.ascontiguousarray(SIGNALS[dims])
    check_against_torch(f"nn.functional.max_pool{dims}d", x, 3, padding=1, dilation=0)
    check_against_torch(f"nn.functional.max_pool{dims}d", x, 3, padding=2, dilation=3)
    check_against_torch(f"nn.functional.max_pool{dims}d", x[0, 0], 2)
    if dims > 1:
        check_against_torch(f"nn.functional.avg_pool{dims}d", x, 2, divisor_override=0)


LAYERS = [
    "MaxPool{}d(2)",
    "MaxPool{}d(3, stride=2, padding=1, dilation=1, ceil_mode=True)",
    "MaxPool{}d(2, dilation=3, return_indices=True)",
    "AvgPool{}d(2)",
    "AvgPool{}d([3], stride=2, padding=1, ceil_mode=True, count_include_pad=False)",
    "AvgPool{}d(3, None, 1)",
    "LPPool{}d(2, 3, stride=2)",
]


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("text", LAYERS)
def test_layer(check_module, text, dims):
    text = text.format(dims).replace("[3]", "(3,)" if dims == 1 else str([3] * dims))
    check_module(text, np.ascontiguousarray(SIGNALS[dims]) + 2)
    check_module(text, values((3, 7, 9, 8)[: dims + 1], 0) + 2)


@pytest.mark.parametrize(
    "text", ["MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0))", "AvgPool2d((3, 2), divisor_override=4)"]
)
def test_layer_of_two_axes(check_module, text):
    check_module(text, np.ascontiguousarray(SIGNALS[2]))


def test_one_layer_for_all_sizes():
    """The windows are made for the size of the input, not for the first one."""
    layer = nn.AvgPool2d(2)
    for size in ((4, 4), (5, 7), (4, 4)):
        check_layer(layer, "AvgPool2d(2)", values((1, 2, *size), 0))
