"""Shuffles of pixels and channels: torch, gradients to second order, inverses, by hand, refusals; their layers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes


@given(shapes(0, 2, 1, 2), st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(1, 2), seeds())
def test_pixels(leading, r, channels, height, width, seed):
    x = values((*leading, channels * r * r, height, width), seed)
    check_against_torch("nn.functional.pixel_shuffle", x, r)
    check_gradient(lambda x: F.pixel_shuffle(x, r), x)
    y = values((*leading, channels, height * r, width * r), seed)
    check_against_torch("nn.functional.pixel_unshuffle", y, r)
    check_gradient(lambda y: F.pixel_unshuffle(y, r), y)
    assert np.array_equal(F.pixel_unshuffle(F.pixel_shuffle(Tensor(x), r), r).array, x)


@given(st.integers(1, 3), st.integers(1, 3), shapes(1, 3, 1, 3), seeds())
def test_channels(groups, channels, size, seed):
    x = values((2, groups * channels, *size), seed)
    check_against_torch("nn.functional.channel_shuffle", x, groups)
    check_against_torch("nn.functional.native_channel_shuffle", x, groups, grad=False)  # torch has no gradient of it
    check_gradient(lambda x: F.channel_shuffle(x, groups), x)


def test_by_hand():
    x = scratchnet.arange(8).reshape(1, 4, 1, 2)
    assert F.pixel_shuffle(x, 2).tolist() == [[[[0, 2, 1, 3], [4, 6, 5, 7]]]]
    assert F.channel_shuffle(scratchnet.arange(6).reshape(1, 6, 1), 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_empty_batches():
    """torch returns empty tensors of the input's shape."""
    assert F.pixel_shuffle(Tensor(np.zeros((0, 8, 4, 6))), 2).shape == (0, 2, 8, 12)
    assert F.pixel_unshuffle(Tensor(np.zeros((0, 8, 4, 6))), 2).shape == (0, 32, 2, 3)


X = values((2, 8, 4, 6), 0)


@pytest.mark.parametrize(
    "name, args",
    [
        ("pixel_shuffle", (X, 3)),
        ("pixel_shuffle", (X, 0)),
        ("pixel_shuffle", (X, -2)),
        ("pixel_shuffle", (X, 2.0)),
        ("pixel_shuffle", (X[0, 0], 2)),
        ("pixel_unshuffle", (X, 3)),
        ("pixel_unshuffle", (X, 4)),
        ("pixel_unshuffle", (X, 0)),
        ("pixel_unshuffle", (X[0, 0], 2)),
        ("channel_shuffle", (X, 3)),
        ("channel_shuffle", (X, 0)),
        ("channel_shuffle", (X[0, 0], 2)),
        ("channel_shuffle", (X, 2.0)),
        ("channel_shuffle", (X[:0], 2)),
    ],
)
def test_refusals_are_those_of_torch(name, args):
    check_against_torch(f"nn.functional.{name}", *args)


@pytest.mark.parametrize("text", ["PixelShuffle(2)", "PixelUnshuffle(2)", "ChannelShuffle(4)"])
def test_layer(check_module, text):
    check_module(text, X)
