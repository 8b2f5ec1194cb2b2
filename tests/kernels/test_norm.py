"""Mean and variance in blocks: accurate where a sum of squares would cancel, and as vectors merge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels.norm import merge_moments, moments


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(size=st.sampled_from([1, 2, 3, 17, 2047, 2048, 2049, 5000]), offset=st.sampled_from([0.0, -3.0, 1e3, 1e6]))
def test_moments(dtype, size, offset):
    x = (offset + np.random.default_rng(size).standard_normal(size)).astype(dtype)
    mean, squares = moments(x)
    wide = x.astype(np.longdouble)
    expected = wide.mean()
    eps = np.finfo(dtype).eps
    # errors are some roundings of the deviations: nothing cancels, however large the mean
    np.testing.assert_allclose(mean, float(expected), rtol=2e-16, atol=4 * eps)
    np.testing.assert_allclose(squares, float(np.square(wide - expected).sum()), rtol=16 * eps, atol=1e-16 * size * offset)


@given(st.integers(0, 40), st.integers(1, 40))
def test_parts_merge_to_the_whole(first, second):
    x = 100 + np.random.default_rng(first).standard_normal(first + second)
    a, b = x[:first], x[first:]
    parts = [(len(p), p.mean(), np.square(p - p.mean()).sum()) if len(p) else (0, 0.0, 0.0) for p in (a, b)]
    mean, squares = merge_moments(*parts[0], *parts[1])
    np.testing.assert_allclose((mean, squares), (x.mean(), np.square(x - x.mean()).sum()), rtol=1e-12, atol=1e-12)


def test_an_example_by_hand():
    """1, 3 has mean 2 and Σ (x − mean)² = 2; with 8, the mean is 4 and the sum 9 + 1 + 16."""
    assert moments(np.array([1.0, 3.0])) == (2, 2)
    assert merge_moments(2, 2.0, 2.0, 1, 8.0, 0.0) == (4, 26)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_seen(value):
    x = np.zeros(5000)
    x[4321] = value
    mean, squares = moments(x)
    assert not np.isfinite(mean) and np.isnan(squares)
