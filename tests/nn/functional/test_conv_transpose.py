"""Transposed convolution: gradients to second order, torch, the adjoint of convolution, by hand, refusals."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import conv_geometry, seeds

DIMS = st.sampled_from([1, 2, 2, 3])


@st.composite
def cases(draw, dims, max_kernel, max_extra):
    """Name, arrays and settings of a call."""
    g = draw(conv_geometry(dims, max_kernel, max_extra))
    extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(g.stride, g.dilation))
    seed = draw(seeds())
    batch, _, *size = g.input_shape
    x, w = values((batch, g.weight_shape[0], *size), seed), values(g.weight_shape, seed + 1)
    bias = values((g.weight_shape[1] * g.groups,), seed + 2)
    return f"conv_transpose{dims}d", (x, w, bias), {**g.settings, "output_padding": extra}


def is_empty(args, kwargs):
    """Whether the padding leaves nothing of the result."""
    sizes = zip(args[0].shape[2:], args[1].shape[2:], *(kwargs[k] for k in ("stride", "padding", "dilation")),
                kwargs["output_padding"])  # fmt: skip
    return any((n - 1) * s - 2 * p + d * (k - 1) + 1 + e < 1 for n, k, s, p, d, e in sizes)


@given(DIMS.flatmap(lambda dims: cases(dims, 3, 6 - dims)), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_against_torch(case, dtype, batched):
    name, args, kwargs = case
    if not is_empty(args, kwargs):  # which torch refuses in float64, and not always in float32
        args = (a.astype(dtype) for a in args)
    x, w, b = args
    check_against_torch(f"nn.functional.{name}", x if batched else x[0], w, b, **kwargs)
    check_against_torch(f"nn.functional.{name}", x, w, **kwargs)


@given(DIMS.flatmap(lambda dims: cases(dims, *((3, 3), (3, 2), (2, 1))[dims - 1])))
def test_gradients(fused_equals_composed, case):
    name, args, kwargs = case
    assume(not is_empty(args, kwargs))
    check_gradient(lambda *a: getattr(F, name)(*a, **kwargs), *args)
    fused_equals_composed(lambda *a: getattr(F, name)(*a, **kwargs), *args)


@given(DIMS.flatmap(conv_geometry), seeds())
def test_it_is_the_adjoint_of_convolution(geometry, seed):
    """<g, conv(x, w)> = <conv_transpose(g, w), x>, with the output_padding that gives x's size."""
    x, w = Tensor(values(geometry.input_shape, seed)), Tensor(values(geometry.weight_shape, seed + 1))
    dims = x.ndim - 2
    y = getattr(F, f"conv{dims}d")(x, w, **geometry.settings)
    g = Tensor(values(y.shape, seed + 2))
    transposed = getattr(F, f"conv_transpose{dims}d")
    smallest = transposed(g, w, **geometry.settings).shape[2:] if smallest_size(y, geometry) > 0 else None
    assume(smallest is not None)
    extra = tuple(n - m for n, m in zip(x.shape[2:], smallest))
    back = transposed(g, w, output_padding=extra, **geometry.settings)
    np.testing.assert_allclose((g * y).sum().item(), (back * x).sum().item(), rtol=1e-9, atol=1e-9)


def smallest_size(y, g):
    settings = zip(y.shape[2:], g.weight_shape[2:], g.stride, g.padding, g.dilation)
    return min((n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in settings)


def test_an_example_by_hand():
    """Every pixel is replaced by itself times the filter; stride 2 leaves no overlap, stride 1 adds."""
    x, w = Tensor(np.array([[[1.0, 2]]])), Tensor(np.array([[[1.0, 10]]]))
    assert F.conv_transpose1d(x, w, stride=2).tolist() == [[[1, 10, 2, 20]]]
    assert F.conv_transpose1d(x, w).tolist() == [[[1, 12, 20]]]
    assert F.conv_transpose1d(x, w, padding=1).tolist() == [[[12]]]
    assert F.conv_transpose1d(x, w, Tensor(np.array([0.5])), 2, 0, 1).tolist() == [[[1.5, 10.5, 2.5, 20.5, 0.5]]]


X, W = values((2, 4, 3, 5), 0, dtype=np.float32), values((4, 3, 3, 2), 1, dtype=np.float32)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X, W), dict(stride=0)),
        ((X, W), dict(stride=(2,))),
        ((X, W), dict(stride=(1, 2, 3))),
        ((X, W), dict(stride=1.5)),
        ((X, W), dict(padding=-1)),
        ((X, W), dict(padding="same")),
        ((X, W), dict(padding=3)),
        ((X, W), dict(padding=2)),
        ((X, W), dict(dilation=0)),
        ((X, W), dict(groups=0)),
        ((X, W), dict(groups=3)),
        ((X, W), dict(groups=2)),
        ((X, W), dict(output_padding=1)),
        ((X, W), dict(output_padding=1, stride=(2, 1))),
        ((X, W), dict(output_padding=1, stride=(2, 1), dilation=2)),
        ((X, W), dict(output_padding=-1)),
        ((X, W), dict(output_padding=2, stride=1, dilation=3, padding=2)),
        ((X, W[:3]), {}),
        ((X, W, W[0, :2, 0, 0]), {}),
        ((X, W, W[0, :, 0, :1]), {}),
        ((X, W, np.tile(W[0, :, 0, 0], 2)), dict(groups=2)),
        ((X, W.astype(np.float64)), {}),
        ((X[0, 0], W), {}),
        ((X, W[0]), {}),
        ((X[:0], W), {}),
        ((X[:, :, :0], W), {}),
        ((X, W[:, :0]), {}),
        ((X, W[:, :, :0]), {}),
        ((X, None), {}),
        ((3, W), {}),
    ],
)
def test_refusals_are_those_of_torch(args, kwargs):
    check_against_torch("nn.functional.conv_transpose2d", *args, **kwargs)
