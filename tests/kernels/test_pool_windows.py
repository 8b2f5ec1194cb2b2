"""Windows: which pixels they see, by hand and against torch's sizes; what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import adaptive_windows, fractional_windows, sliding_windows
from tests.kernels.calls import windows


def seen(axis):
    """The pixels of each window."""
    return [list(range(a, b, axis.step)) for a, b in zip(axis.start[0], axis.stop[0])]


def test_sliding_windows_by_hand():
    sliding = sliding_windows("f", (6,), (3,), (2,), (1,), (1,))
    assert seen(sliding.axes[2]) == [[0, 1], [1, 2, 3], [3, 4, 5]]
    assert sliding.axes[2].divisor.tolist() == [3, 3, 3]
    without = sliding_windows("f", (6,), (3,), (2,), (1,), (1,), False, False)
    assert without.axes[2].divisor.tolist() == [2, 3, 3]
    # the first tap of the first window is pixel -1, the next pixel 2
    assert seen(sliding_windows("f", (6,), (2,), (2,), (1,), (3,)).axes[2]) == [[2], [1, 4], [3]]


def test_ceil_mode_by_hand():
    """A last window that ends outside has as much less to divide by; one that starts in the padding is left out."""
    sliding = sliding_windows("f", (5,), (2,), (2,), (0,), (1,), True)
    assert seen(sliding.axes[2]) == [[0, 1], [2, 3], [4]]
    assert sliding.axes[2].divisor.tolist() == [2, 2, 1]
    assert sliding_windows("f", (4,), (2,), (3,), (1,), (1,), True).output == (2,)


def test_a_divisor_of_ones_own():
    d, h, w = sliding_windows("f", (4, 4), (2, 2), (2, 2), (0, 0), (1, 1), divisor_override=-3).axes
    assert (d.divisor.tolist(), h.divisor.tolist(), w.divisor.tolist()) == ([1], [1, 1], [-3, -3])


def test_adaptive_windows_by_hand():
    regions = adaptive_windows((5, 6), (3, 2))
    assert seen(regions.axes[1]) == [[0, 1], [1, 2, 3], [3, 4]]
    assert seen(regions.axes[2]) == [[0, 1, 2], [3, 4, 5]]
    assert regions.axes[2].stride == 3, "equal regions are sliding windows"
    assert adaptive_windows((5,), (0,)).output == (0,)


@given(windows(pooling=True), st.booleans())
def test_taps_in_the_image_are_those_of_the_ranges(geometry, ceil_mode):
    """The two descriptions of sliding windows, by window and by tap, are one."""
    for axis in sliding_windows("f", *geometry, ceil_mode).axes[1:]:
        by_tap = [[] for _ in range(axis.windows)]
        for first, last, column in axis.taps:
            for j in range(first, last):
                by_tap[j].append(column + (j - first) * axis.stride)
        assert by_tap == seen(axis)


@given(st.integers(1, 3).flatmap(lambda dims: windows(pooling=True, dims=dims)), st.booleans())
def test_sizes_are_torchs(geometry, ceil_mode):
    size = geometry[0]
    pool = getattr(torch.nn.functional, f"max_pool{len(size)}d")
    assert sliding_windows("f", *geometry, ceil_mode).output == pool(torch.zeros(1, 1, *size), *geometry[1:], ceil_mode).shape[2:]


def test_windows_are_remembered():
    assert sliding_windows("f", (5,), (2,), (2,), (0,), (1,)) is sliding_windows("f", (5,), (2,), (2,), (0,), (1,))


@pytest.mark.parametrize("geometry", [
    ((4,), (0,), (1,), (0,), (1,)),
    ((4,), (2,), (0,), (0,), (1,)),
    ((4,), (2,), (1,), (-1,), (1,)),
    ((4,), (2,), (1,), (2,), (1,)),
    ((4,), (3,), (1,), (2,), (3,)),
    ((4,), (2,), (1,), (0,), (0,)),
    ((4,), (5,), (1,), (0,), (1,)),
    ((4, 4), (2, 4), (1, 1), (0, 0), (1, 2)),
])
def test_wrong_settings_are_refused(geometry):
    with pytest.raises(RuntimeError, match="my_pool"):
        sliding_windows("my_pool", *geometry)


@pytest.mark.parametrize("start", [-1, 3])
def test_fractional_windows_outside_of_the_image_are_refused(start):
    with pytest.raises(RuntimeError, match="do not lie in"):
        fractional_windows((4,), (2,), [np.array([[0, start]])])


def test_arrays_of_another_shape_are_refused():
    with pytest.raises(RuntimeError, match=r"expected an input of shape \[N, C, 4\]"):
        adaptive_windows((4,), (2,)).check("f", (1, 1, 5))
    with pytest.raises(RuntimeError, match="expected an input"):
        adaptive_windows((4,), (2,)).check("f", (1, 4))
    two = fractional_windows((4,), (2,), [np.array([[0, 2], [1, 2]])])
    with pytest.raises(RuntimeError, match="2 planes"):
        two.check("f", (3, 1, 4))
