"""Adaptive pooling: torch, gradients to second order, by hand, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds


def regions(most):
    """Sizes of input and output along one to three axes."""
    return st.lists(st.tuples(st.integers(1, most), st.integers(1, most + 1)), min_size=1, max_size=3)


@given(regions(3), seeds())
def test_gradients(sizes, seed):
    size, output = zip(*sizes)
    x = values((2, 2, *size), seed, distinct=True)
    for kind in ("avg", "max"):
        pool = getattr(F, f"adaptive_{kind}_pool{len(size)}d")
        check_gradient(lambda x: pool(x, output), x)  # noqa: B023


@given(regions(6), seeds(), st.sampled_from([np.float32, np.float64]))
def test_against_torch(sizes, seed, dtype):
    size, output = zip(*sizes)
    x = (values((2, 2, *size), seed) * 2).round().astype(dtype)
    name = f"nn.functional.adaptive_{{}}_pool{len(size)}d"
    check_against_torch(name.format("avg"), x, output)
    check_against_torch(name.format("max"), x, output)
    check_against_torch(name.format("max"), x, output, return_indices=True)
    check_against_torch(f"{name.format('max')}_with_indices", x, output)


def test_by_hand():
    """Regions [0, 2), [1, 4) and [3, 5) of five pixels: they overlap."""
    x = Tensor(np.array([[[1.0, 3, 5, 7, 11]]]), True)
    y = F.adaptive_avg_pool1d(x, 3)
    assert y.tolist() == [[[2, 5, 9]]]
    y.backward(Tensor(np.array([[[2.0, 3, 10]]])))
    assert x.grad.tolist() == [[[1, 2, 1, 6, 5]]]
    y, places = F.adaptive_max_pool1d(x, 3, return_indices=True)
    assert (y.tolist(), places.tolist()) == ([[[3, 7, 11]]], [[[1, 3, 4]]])


def test_the_whole_image():
    x = values((2, 3, 7, 5), 0)
    np.testing.assert_allclose(F.adaptive_avg_pool2d(Tensor(x), 1).array, x.mean((2, 3), keepdims=True), 1e-14)
    assert np.array_equal(F.adaptive_max_pool2d(Tensor(x), 1).array, x.max((2, 3), keepdims=True))


def test_nan_and_infinity():
    x = np.array([[[1.0, np.nan, 2, 3, np.nan, np.nan, -np.inf, -np.inf, np.inf, 1, -np.inf]]])
    check_against_torch("nn.functional.adaptive_max_pool1d", x, 4, return_indices=True)
    check_against_torch("nn.functional.adaptive_avg_pool1d", x, 4)


X = values((2, 3, 4, 5, 6), 0, dtype=np.float32)
SIGNALS = {1: X[..., 0, 0], 2: X[..., 0], 3: X}


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("output", [0, -1, 2.5, None, (2,), (2, 2), (None, 3), (2, 2, 2), (None, 2, None), (2,) * 4])
def test_output_sizes(kind, dims, output):
    x, grad = np.ascontiguousarray(SIGNALS[dims]), output != 0  # torch's backward refuses nothing, its forward does not
    check_against_torch(f"nn.functional.adaptive_{kind}_pool{dims}d", x, output, grad=grad)


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[0],
        lambda x: x[0, 0],
        lambda x: x[:0],
        lambda x: x[:, :0],
        lambda x: x[..., :0],
        lambda x: x[None],
        lambda x: x > 0,
        lambda x: (10 * x).astype(np.int64),
        lambda x: x[:, ::-1].swapaxes(0, 1),
    ],
)
def test_inputs(kind, dims, change):
    x = np.ascontiguousarray(change(SIGNALS[dims]))
    check_against_torch(f"nn.functional.adaptive_{kind}_pool{dims}d", x, 2, grad=x.size > 0 or len(x) == 0)


def test_too_few_dimensions_for_sizes():
    for name in ("adaptive_avg_pool2d", "adaptive_max_pool3d"):
        for sizes in ((2, 2), [2] * 3):
            check_against_torch(f"nn.functional.{name}", X[0, 0, 0], sizes)


@pytest.mark.parametrize("text", [
    "AdaptiveAvgPool1d(5)", "AdaptiveAvgPool2d((3, None))", "AdaptiveAvgPool2d(5)", "AdaptiveAvgPool3d((3, 1, 2))",
    "AdaptiveMaxPool1d(3, return_indices=True)", "AdaptiveMaxPool2d((None, 2))", "AdaptiveMaxPool3d(2, True)",
])  # fmt: skip
def test_layer(check_module, text):
    dims = int(text[text.index("d(") - 1])
    check_module(text, np.ascontiguousarray(SIGNALS[dims]))
    check_module(text, values((3, 7, 9, 8)[: dims + 1], 0))
