"""Convolution: gradients to second order, torch, an example by hand, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import conv_geometry, seeds


def conv_of(geometry):
    return f"conv{len(geometry.stride)}d"


any_geometry = st.sampled_from([1, 2, 2, 3]).flatmap(lambda dims: conv_geometry(dims, max_extra=6 - dims))
small_geometry = st.sampled_from([1, 2, 2, 3]).flatmap(lambda dims: conv_geometry(dims, *((3, 3), (3, 2), (2, 1))[dims - 1]))


@given(small_geometry, seeds(), st.booleans())
def test_gradients(geometry, seed, with_bias):
    x, w = values(geometry.input_shape, seed), values(geometry.weight_shape, seed + 1)
    bias = [values((geometry.weight_shape[0],), seed + 2)] if with_bias else []
    check_gradient(lambda *args: getattr(F, conv_of(geometry))(*args, **geometry.settings), x, w, *bias)


@given(any_geometry, seeds(), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_against_torch(geometry, seed, dtype, batched):
    x, w = values(geometry.input_shape, seed, dtype=dtype), values(geometry.weight_shape, seed + 1, dtype=dtype)
    bias = values((geometry.weight_shape[0],), seed + 2, dtype=dtype)
    check_against_torch(f"nn.functional.{conv_of(geometry)}", x if batched else x[0], w, bias, **geometry.settings)


@given(any_geometry, seeds())
def test_the_gradient_of_arrays_is_that_of_tensors(fused_equals_composed, geometry, seed):
    x, w = values(geometry.input_shape, seed), values(geometry.weight_shape, seed + 1)
    bias = values((geometry.weight_shape[0],), seed + 2)
    fused_equals_composed(lambda *args: getattr(F, conv_of(geometry))(*args, **geometry.settings), x, w, bias)


@pytest.mark.parametrize("shape", [(8, 1, 28, 28), (2, 6, 14, 14), (3, 16, 5, 5)])
@pytest.mark.parametrize("kernel", [1, 2, 5])
def test_sizes_that_compiled_loops_serve(shape, kernel):
    x = values(shape, 0, dtype=np.float32)
    w = values((4, shape[1], kernel, kernel), 1, dtype=np.float32) / 10
    for settings in ({}, {"stride": 2}, {"padding": "same"}, {"padding": kernel // 2, "stride": (1, 3)}):
        if settings.get("padding") != "same" or kernel % 2:  # torch copies the input for even kernels, with a warning
            check_against_torch("nn.functional.conv2d", x, w, rtol=1e-4, atol=1e-4, **settings)


@given(any_geometry, seeds())
def test_the_three_operations_are_each_others_adjoints(geometry, seed):
    """<g, conv(x, w)> = <grad_input(g, w), x> = <grad_weight(g, x), w>"""
    x, w = Tensor(values(geometry.input_shape, seed), True), Tensor(values(geometry.weight_shape, seed + 1), True)
    y = getattr(F, conv_of(geometry))(x, w, **geometry.settings)
    g = Tensor(values(y.shape, seed + 2))
    y.backward(g)
    product = (g.array * y.array).sum()
    for leaf in (x, w):
        np.testing.assert_allclose((leaf.grad.array * leaf.array).sum(), product, rtol=1e-9, atol=1e-9)


def test_an_example_by_hand():
    """A 2×2 filter slides over a 3×3 image; every pixel of the gradient counts the windows that saw it."""
    x = Tensor(np.array([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]]), True)
    w = Tensor(np.array([[[[1.0, 0], [0, -1]]]]), True)
    y = F.conv2d(x, w, Tensor(np.array([10.0])))
    assert y.tolist() == [[[[6, 6], [6, 6]]]]  # x[i, j] − x[i+1, j+1] + 10 = 10 − 4
    y.sum().backward()
    assert x.grad.tolist() == [[[[1, 1, 0], [1, 0, -1], [0, -1, -1]]]]
    assert w.grad.tolist() == [[[[12, 16], [24, 28]]]]  # sums of the four 2×2 corners


def test_the_gradient_of_images_is_not_computed_if_it_is_not_wanted(monkeypatch):
    from scratchnet.nn.functional import conv

    monkeypatch.setattr(conv.kernels, "conv_grad_input", lambda *a: pytest.fail("computed for nothing"))
    w = Tensor(values((2, 1, 3, 3), 1), True)
    F.conv2d(Tensor(values((2, 1, 5, 5), 0)), w).sum().backward()
    assert w.grad.shape == (2, 1, 3, 3)


X, W = values((2, 4, 6, 5), 0, dtype=np.float32), values((6, 4, 3, 3), 1, dtype=np.float32)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X, W), dict(stride=0)),
        ((X, W), dict(stride=(1,))),
        ((X, W), dict(stride=(1, 2, 3))),
        ((X, W), dict(stride=1.5)),
        ((X, W), dict(stride="a")),
        ((X, W), dict(padding=-1)),
        ((X, W), dict(padding="same", stride=2)),
        ((X, W), dict(padding="SAME")),
        ((X, W), dict(padding="valid", stride=2)),
        ((X, W), dict(dilation=0)),
        ((X, W), dict(dilation=9)),
        ((X, W), dict(groups=0)),
        ((X, W), dict(groups=2)),
        ((X, W[:5, :2]), dict(groups=2)),
        ((X, W[:, :3]), {}),
        ((X, W, W[:5, 0, 0, 0]), {}),
        ((X, W, W[:, 0, 0, :1]), {}),
        ((X, W.astype(np.float64)), {}),
        ((X, W, W[:, 0, 0, 0].astype(np.float64)), {}),
        ((X[0, 0], W), {}),
        ((X, W[0]), {}),
        ((X[:, :, :2], W), {}),
        ((X[:, :, :2], W), dict(padding=1)),
        ((X[:0], W), {}),
        ((X, W[:0]), {}),
        ((X.astype(np.int64), W.astype(np.int64)), {}),
        ((X, None), {}),
        ((3, W), {}),
    ],
)
def test_refusals_are_those_of_torch(args, kwargs):
    check_against_torch("nn.functional.conv2d", *args, **kwargs)


SIGNAL, VOLUME = X[0], values((1, 2, 3, 4, 3), 2, dtype=np.float32)
K1, K3 = values((2, 6, 2), 3, dtype=np.float32), values((2, 2, 2, 1, 2), 3, dtype=np.float32)


@pytest.mark.parametrize(
    "name, args, kwargs",
    [
        ("conv1d", (SIGNAL, K1), dict(stride=(1, 2))),
        ("conv1d", (SIGNAL, K1), dict(padding="same")),
        ("conv1d", (SIGNAL, W), {}),
        ("conv1d", (X, K1), {}),
        ("conv1d", (SIGNAL[:, 0], K1), {}),
        ("conv1d", (SIGNAL, K1[:, :, :0]), {}),
        ("conv3d", (VOLUME, K3), dict(stride=(1, 2))),
        ("conv3d", (VOLUME, K3), dict(padding="same", dilation=2)),
        ("conv3d", (VOLUME, K3), dict(padding=(0, 1))),
        ("conv3d", (VOLUME, K3), dict(dilation=5)),
        ("conv3d", (VOLUME[0, 0], K3), {}),
        ("conv3d", (VOLUME, K3[0]), {}),
        ("conv_tbc", (SIGNAL, values((2, 5, 3), 4, dtype=np.float32), np.ones(3, np.float32)), {}),
        ("conv_tbc", (SIGNAL, values((2, 5, 3), 4, dtype=np.float32), np.ones(3, np.float32), 1), {}),
        ("conv_tbc", (SIGNAL, values((2, 4, 3), 4, dtype=np.float32), np.ones(3, np.float32)), {}),
        ("conv_tbc", (SIGNAL, values((2, 5), 4, dtype=np.float32), np.ones(3, np.float32)), {}),
        ("conv_tbc", (SIGNAL[0], values((2, 5, 3), 4, dtype=np.float32), np.ones(3, np.float32)), {}),
    ],
)
def test_refusals_in_other_dimensions_are_those_of_torch(name, args, kwargs):
    check_against_torch(f"nn.functional.{name}", *args, **kwargs)


def test_messages_say_what_was_given_and_what_was_expected():
    with pytest.raises(
        RuntimeError, match=r"input has 3 channels, but weight of shape \(8, 4, 3, 3\) with groups=1 expects 4"
    ):
        F.conv2d(Tensor(np.zeros((1, 3, 5, 5))), Tensor(np.zeros((8, 4, 3, 3))))
    with pytest.raises(RuntimeError, match="input is float32, weight is float64"):
        F.conv2d(Tensor(np.zeros((1, 3, 5, 5), np.float32)), Tensor(np.zeros((8, 3, 3, 3))))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(seeds(), st.integers(1, 4), st.integers(1, 4), st.integers(1, 2))
def test_same_padding_keeps_the_size(seed, rows, columns, dilation):
    x, w = values((1, 1, 5, 4), seed), values((1, 1, rows, columns), seed + 1)
    check_against_torch("nn.functional.conv2d", x, w, padding="same", dilation=dilation)
    check_gradient(lambda x, w: F.conv2d(x, w, padding="same", dilation=dilation), x, w)
