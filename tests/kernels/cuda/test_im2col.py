"""The CUDA twins of im2col and col2im: in the simulator on drawn geometry, and their bodies on the CPU at real size."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import col2im, im2col
from scratchnet.kernels.cuda.im2col import col2im_item, im2col_item
from scratchnet.kernels.cuda.windows import constants
from scratchnet.kernels.im2col import windows_over
from scratchnet.kernels.jit import jit
from tests.kernels.calls import windows
from tests.kernels.cuda.running import assert_close, launched, simulated


@given(geometry=st.integers(1, 3).flatmap(lambda dims: windows(dims=dims)), seed=st.integers(0, 9))
def test_twins_are_the_references(geometry, seed):
    x = np.random.default_rng(seed).standard_normal((2, 1, *geometry[0])).astype(np.float32)
    cols = im2col.reference(x, *geometry[1:])
    assert_close(simulated(im2col.cuda_twin, x, *geometry[1:], seed=seed), (cols,), 0)
    expected = col2im.reference(cols, *geometry)
    assert_close(simulated(col2im.cuda_twin, cols, *geometry, seed=seed), (expected,))


def test_an_empty_batch_starts_nothing():
    assert launched(im2col.cuda_twin, np.zeros((0, 2, 4, 4), np.float32), 2) == []


def test_layout_does_not_matter():
    x = np.random.default_rng(0).standard_normal((4, 3, 2, 1)).astype(np.float32).T
    assert not x.flags.c_contiguous
    assert_close(simulated(im2col.cuda_twin, x, 2), (im2col.reference(x, 2),), 0)


def test_other_dtypes_and_too_many_elements_are_refused():
    with pytest.raises(TypeError, match="im2col: the CUDA kernel takes arrays of float32, got float64"):
        im2col.cuda_twin(np.zeros((1, 1, 2, 2)), 2)
    large = np.broadcast_to(np.float32(0), (1 << 21, 1, 32, 32))
    with pytest.raises(RuntimeError, match="fewer than 2³¹ elements"):
        im2col.cuda_twin(large, 2)


@jit
def im2col_items(start, stop, x, cols):
    for i in range(start, stop):
        im2col_item(i, x, cols)


@jit
def col2im_items(start, stop, cols, y):
    for i in range(start, stop):
        col2im_item(i, cols, y)


@pytest.mark.slow
def test_bodies_on_the_cpu_at_the_size_of_a_layer():
    """The same functions that the kernels call, compiled for the CPU, between guard bands."""
    settings = (3, 2, 1, 1)
    x = np.random.default_rng(0).standard_normal((2, 64, 56, 56)).astype(np.float32)
    values = constants(*windows_over("test", x.shape[2:], *settings).volumes())
    cols = im2col.reference(x, *settings)
    y = col2im.reference(cols, x.shape[2:], *settings)
    for loop, source, expected, tolerance in ((im2col_items, x, cols, 0), (col2im_items, cols, y, 1e-6)):
        count = math.prod(expected.shape)
        result = np.full(count + 128, np.nan, np.float32)
        loop.specialised(**values)(0, count, source.reshape(-1), result[64:-64])
        np.testing.assert_allclose(result[64:-64], expected.reshape(-1), rtol=0, atol=tolerance)
        assert np.isnan(result[:64]).all() and np.isnan(result[-64:]).all()
