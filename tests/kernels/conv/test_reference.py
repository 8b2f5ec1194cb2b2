"""Convolution and its gradients against torch, by hand, and as each other's adjoints."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import conv_forward, conv_grad_bias, conv_grad_input, conv_grad_weight
from tests.kernels.calls import assert_close, both_forms, implementation, windows


def draw_case(geometry, batch, groups, depth, filters, dtype=np.float64):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, groups * depth, *geometry[0])).astype(dtype)
    w = rng.standard_normal((groups * filters, depth, *geometry[1])).astype(dtype)
    return x, w, rng.standard_normal(groups * filters).astype(dtype), (*geometry[2:], groups), rng


def by_torch(x, w, b, options, g=None):
    """The result, and its gradients to x, w and b."""
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    convolution = getattr(torch.nn.functional, f"conv{x.ndim - 2}d")
    y = convolution(*leaves, *options)
    if g is None:
        return y.detach().numpy()
    return [v.numpy() for v in torch.autograd.grad(y, leaves, torch.from_numpy(g))]


shapes = given(geometry=st.sampled_from([1, 2, 2, 3]).flatmap(lambda dims: windows(dims=dims)),
               batch=st.integers(1, 4), groups=st.integers(1, 3), depth=st.integers(1, 6), filters=st.integers(1, 9))


@both_forms
@shapes
def test_forward_and_gradients_are_torchs(form, geometry, batch, groups, depth, filters):
    x, w, b, options, rng = draw_case(geometry, batch, groups, depth, filters)
    y = implementation(conv_forward, form)(x, w, *options, b)
    assert_close(y, by_torch(x, w, b, options), 256)
    g = rng.standard_normal(y.shape)
    gx, gw, gb = by_torch(x, w, b, options, g)
    assert_close(implementation(conv_grad_input, form)(g, w, x.shape, *options), gx, 256)
    assert_close(implementation(conv_grad_weight, form)(g, x, w.shape, *options), gw, 256)
    assert_close(implementation(conv_grad_bias, form)(g), gb, 256)


@both_forms
@shapes
def test_gradients_are_adjoints(form, geometry, batch, groups, depth, filters):
    """<conv(x, w), g> = <x, grad_input(g, w)> = <w, grad_weight(g, x)>"""
    x, w, _, options, rng = draw_case(geometry, batch, groups, depth, filters)
    y = implementation(conv_forward, form)(x, w, *options)
    g = rng.standard_normal(y.shape)
    gx = implementation(conv_grad_input, form)(g, w, x.shape, *options)
    gw = implementation(conv_grad_weight, form)(g, x, w.shape, *options)
    for one, other in ((x, gx), (w, gw)):
        np.testing.assert_allclose(np.vdot(one, other), np.vdot(y, g), rtol=0, atol=1e-9)


LAYERS = {
    "LeNet 1": ((5, 1, 28, 28), (6, 1, 5, 5), 1, 2, 1, 1),
    "LeNet 2": ((5, 6, 14, 14), (16, 6, 5, 5), 1, 0, 1, 1),
    "LeNet 3": ((3, 16, 5, 5), (120, 16, 5, 5), 1, 0, 1, 1),
    "tall": ((2, 2, 70, 40), (5, 2, 3, 3), 1, 1, 1, 1),
    "wide": ((1, 1, 3, 1300), (1, 1, 3, 3), 1, 1, 1, 1),
    "many filters": ((1, 3, 6, 6), (71, 3, 3, 3), 1, 1, 1, 1),
    "many channels": ((2, 37, 6, 6), (3, 37, 3, 3), 1, 1, 1, 1),
    "depthwise": ((2, 9, 12, 12), (9, 1, 3, 3), 2, 1, 1, 9),
    "pointwise": ((2, 9, 12, 12), (7, 9, 1, 1), 1, 0, 1, 1),
    "pointwise, strided": ((2, 9, 12, 12), (7, 9, 1, 1), 2, 0, 1, 1),
    "stem": ((1, 3, 33, 35), (8, 3, 7, 7), 2, 3, 1, 1),
    "kernel as large as the image": ((2, 3, 9, 7), (4, 3, 9, 7), 1, 0, 1, 1),
    "signal": ((4, 3, 50), (7, 3, 5), 2, 2, 2, 1),
    "signal, grouped": ((2, 6, 31), (4, 3, 3), 1, 1, 1, 2),
    "volume": ((2, 4, 5, 6, 7), (6, 2, 2, 3, 2), (1, 2, 1), (1, 0, 2), (2, 1, 1), 2),
    "one pixel": ((20, 5, 1, 1), (4, 5, 3, 3), 1, 1, 1, 1),
}


@both_forms
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers(form, layer, dtype):
    rng = np.random.default_rng(1)
    input_shape, weight_shape, *options = LAYERS[layer]
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in (input_shape, weight_shape))
    b = rng.standard_normal(len(w)).astype(dtype)
    y = implementation(conv_forward, form)(x, w, *options, b)
    assert_close(y, by_torch(x, w, b, options))
    g = rng.standard_normal(y.shape).astype(dtype)
    gx, gw, gb = by_torch(x, w, b, options, g)
    assert_close(implementation(conv_grad_input, form)(g, w, x.shape, *options), gx)
    assert_close(implementation(conv_grad_weight, form)(g, x, w.shape, *options), gw)
    assert_close(implementation(conv_grad_bias, form)(g), gb)


@both_forms
def test_an_example_by_hand(form):
    x, w = np.array([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]]), np.array([[[[1.0, 0], [0, -1]]]])
    assert implementation(conv_forward, form)(x, w, bias=np.array([10.0])).tolist() == [[[[6, 6], [6, 6]]]]
    g = np.array([[[[1.0, 2], [3, 4]]]])
    assert implementation(conv_grad_input, form)(g, w, x.shape).tolist() == [[[[1, 2, 0], [3, 3, -2], [0, -3, -4]]]]
    assert implementation(conv_grad_weight, form)(g, x, w.shape).tolist() == [[[[37, 47], [67, 77]]]]
    assert implementation(conv_grad_bias, form)(g).tolist() == [10]


@both_forms
def test_an_empty_batch(form):
    x, w = np.zeros((0, 4, 9, 9)), np.ones((6, 2, 3, 3))
    y = implementation(conv_forward, form)(x, w, groups=2)
    assert y.shape == (0, 6, 7, 7)
    assert implementation(conv_grad_input, form)(y, w, x.shape, groups=2).shape == x.shape
    gw = implementation(conv_grad_weight, form)(y, x, w.shape, groups=2)
    assert gw.shape == w.shape and (gw == 0).all()
    assert implementation(conv_grad_bias, form)(y).tolist() == [0] * 6


@both_forms
def test_no_channels(form):
    y = implementation(conv_forward, form)(np.zeros((2, 0, 9, 9)), np.ones((3, 0, 3, 3)), bias=np.arange(3.0))
    assert np.array_equal(y, np.broadcast_to(np.arange(3.0)[:, None, None], (2, 3, 7, 7)))


@both_forms
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_reach_the_windows_that_see_them_and_no_others(form, value):
    rng = np.random.default_rng(2)
    x, w, b = rng.standard_normal((2, 3, 8, 9)), rng.standard_normal((5, 3, 3, 3)), np.zeros(5)
    x[0, 1, 3, 0] = x[1, 2, 7, 8] = value
    for options in ((1, 0, 1, 1), (1, 1, 1, 1), (2, 1, 2, 1)):
        assert_close(implementation(conv_forward, form)(x, w, *options), by_torch(x, w, b, options))
    g = rng.standard_normal((2, 5, 6, 7))
    g[0, 2, 2, 6] = value
    gx = implementation(conv_grad_input, form)(g, w, x.shape)
    assert_close(gx, by_torch(np.zeros_like(x), w, b, (1, 0, 1, 1), g)[0])


@both_forms
def test_nan_in_an_image_is_seen_in_the_gradient_of_the_weight(form):
    x, g = np.ones((2, 3, 8, 9)), np.ones((2, 5, 6, 7))
    x[1, 2, 4, 4] = np.nan
    gw = implementation(conv_grad_weight, form)(g, x, (5, 3, 3, 3))
    assert np.isnan(gw[:, 2]).all() and np.isfinite(gw[:, :2]).all()


@both_forms
@pytest.mark.parametrize("message, call", [
    ("input has 3 channels, but weight of shape .* expects 4",
     lambda f: f(conv_forward)(zeros(1, 3, 5, 5), zeros(2, 4, 3, 3))),
    ("with groups=2 expects 4", lambda f: f(conv_forward)(zeros(1, 3, 5, 5), zeros(2, 2, 3, 3), groups=2)),
    ("groups=2 does not divide", lambda f: f(conv_forward)(zeros(1, 4, 5, 5), zeros(3, 2, 3, 3), groups=2)),
    ("groups=0 does not divide", lambda f: f(conv_forward)(zeros(1, 4, 5, 5), zeros(3, 2, 3, 3), groups=0)),
    ("expected an input", lambda f: f(conv_forward)(zeros(4, 5, 5), zeros(3, 4, 3, 3))),
    ("expected an input", lambda f: f(conv_forward)(zeros(4, 5), zeros(3, 4))),
    ("has no elements", lambda f: f(conv_forward)(zeros(1, 4, 5, 5), zeros(0, 4, 3, 3))),
    ("kernel covers", lambda f: f(conv_forward)(zeros(1, 1, 5, 5), zeros(1, 1, 6, 3))),
    ("stride", lambda f: f(conv_forward)(zeros(1, 1, 5, 5), zeros(1, 1, 3, 3), 0)),
    ("padding", lambda f: f(conv_forward)(zeros(1, 1, 5, 5), zeros(1, 1, 3, 3), 1, -1)),
    ("dilation", lambda f: f(conv_forward)(zeros(1, 1, 5, 5), zeros(1, 1, 3, 3), 1, 0, 0)),
    ("bias", lambda f: f(conv_forward)(zeros(1, 1, 5, 5), zeros(2, 1, 3, 3), bias=zeros(3))),
    ("expected g", lambda f: f(conv_grad_input)(zeros(1, 2, 3, 4), zeros(2, 1, 3, 3), (1, 1, 5, 5))),
    ("expected g", lambda f: f(conv_grad_weight)(zeros(2, 2, 3, 3), zeros(1, 1, 5, 5), (2, 1, 3, 3))),
])
def test_wrong_arguments_are_refused(form, message, call):
    with pytest.raises(RuntimeError, match=message):
        call(lambda kernel: implementation(kernel, form))


def zeros(*shape):
    return np.zeros(shape)
