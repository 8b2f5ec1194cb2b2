"""Sizes of sliding windows, against a count by hand and against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels.geometry import inside, per_axis, seen_through, window_count, window_counts
from tests.kernels.calls import windows


@given(windows(pooling=True), st.booleans())
def test_window_counts_are_torchs(geometry, ceil_mode):
    size = geometry[0]
    expected = torch.nn.functional.max_pool2d(torch.zeros(1, 1, *size), *geometry[1:], ceil_mode).shape[2:]
    assert window_counts("test", *geometry, ceil_mode) == tuple(expected)


def test_an_example_by_hand():
    # 7 pixels, windows of 3 every 3: 0-2, 3-5, and in ceil mode the incomplete 6-8
    assert window_count(7, 3, 3, 0, 1) == 2
    assert window_count(7, 3, 3, 0, 1, ceil_mode=True) == 3
    # 6 pixels: 0-2, 3-5; a third would start outside
    assert window_count(6, 3, 3, 0, 1, ceil_mode=True) == 2


@given(st.integers(1, 12), st.integers(0, 12), st.integers(1, 4), st.integers(-12, 12))
def test_inside(size, count, stride, start):
    expected = [i for i in range(count) if 0 <= i * stride + start < size]
    first, last = inside(size, count, stride, start)
    assert 0 <= first <= last <= count
    assert list(range(first, last)) == expected


@given(st.integers(1, 3).flatmap(lambda dims: windows(dims=dims)))
def test_taps_are_as_many_as_windows(geometry):
    size, kernel, stride, padding, dilation = geometry
    counts = window_counts("test", *geometry)
    padded = np.zeros([n + 2 * p for n, p in zip(size, padding)])
    for tap in np.ndindex(kernel):
        assert padded[seen_through(tap, stride, dilation, counts)].shape == counts


def test_one_value_for_each_axis():
    assert per_axis(3, 3, "stride", 1) == (3, 3, 3)
    assert per_axis(np.int64(3), 1, "stride", 1) == (3,)
    assert per_axis([1, 2], 2, "stride", 1) == (1, 2)
    assert per_axis((np.int64(0), 2), 2, "padding", 0) == (0, 2)
    for wrong in ((1, 2, 3), (1.5, 2), ("a", "b")):
        with pytest.raises(TypeError, match="stride: expected an int or 2"):
            per_axis(wrong, 2, "stride", 1)
    with pytest.raises(RuntimeError, match=r"stride: expected positive values, got \(1, 0\)"):
        per_axis((1, 0), 2, "stride", 1)
    with pytest.raises(RuntimeError, match="padding: expected non-negative values, got -1"):
        per_axis(-1, 2, "padding", 0)


def test_no_window_fits():
    with pytest.raises(RuntimeError, match=r"conv2d: the kernel covers \(5, 3\) pixels, .* only \(4, 6\)"):
        window_counts("conv2d", (2, 6), (3, 3), (1, 1), (1, 0), (2, 1))
