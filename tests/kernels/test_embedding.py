"""Sums and largest numbers of rows: the twins against the references on drawn indices, by hand, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import max_rows, sum_rows
from tests.kernels.calls import assert_close, both_forms, implementation


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 2**16), count=st.integers(0, 30), rows=st.integers(1, 5), columns=st.integers(0, 9),
       case=st.sampled_from(["both", "lookup", "gradient"]), scaled=st.booleans())  # fmt: skip
def test_sums_of_rows(dtype, seed, count, rows, columns, case, scaled):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((count if case == "gradient" else 4, columns)).astype(dtype)
    source = None if case == "gradient" else rng.integers(-1, 4, count)
    target = None if case == "lookup" else rng.integers(-1, rows, count)
    rows = count if case == "lookup" else rows
    scale = rng.standard_normal(count).astype(dtype) if scaled else None
    args = (x[:, ::-1], source, target, rows, scale)
    assert_close(implementation(sum_rows, "twin")(*args), sum_rows.reference(*args), 8)


@given(seed=st.integers(0, 2**16), lengths=st.lists(st.integers(0, 4), max_size=5))
def test_largest_of_bags(seed, lengths):
    rng = np.random.default_rng(seed)
    starts = np.cumsum([0, *lengths])
    args = (rng.integers(-2, 3, (4, 5)).astype(np.float32), rng.integers(-1, 4, starts[-1]), starts)
    for one, other in zip(implementation(max_rows, "twin")(*args), max_rows.reference(*args)):
        np.testing.assert_array_equal(one, other)


@both_forms
def test_examples_by_hand(form):
    x, i = np.array([[1.0, 2], [3, 4]]), np.array([1, 0, 1])
    assert implementation(sum_rows, form)(x, i, None, 3).tolist() == [[3, 4], [1, 2], [3, 4]]
    assert implementation(sum_rows, form)(x[i], None, i, 2).tolist() == [[1, 2], [6, 8]]
    y, chosen = implementation(max_rows, form)(x, i, np.array([0, 0, 3]))
    assert y.tolist() == [[0, 0], [3, 4]] and chosen.tolist() == [[-1, -1], [1, 1]]


@both_forms
def test_wrong_arguments_are_refused(form):
    total, largest = implementation(sum_rows, form), implementation(max_rows, form)
    x = np.ones((3, 2))
    for args in ((x, np.array([3]), None, 1), (x, np.array([0]), np.array([2]), 2)):
        with pytest.raises(IndexError, match="out of range"):
            total(*args)
    for args in ((x[0], np.array([0]), None, 1), (x, np.array([0, 1]), None, 1), (x, None, np.array([0]), 1),
                 (x, np.array([0]), None, 1, np.ones(2))):  # fmt: skip
        with pytest.raises(RuntimeError, match="expected"):
            total(*args)
    with pytest.raises(RuntimeError, match="starts"):
        largest(x, np.array([0, 1]), np.array([0, 3]))
    with pytest.raises(IndexError, match="out of range"):
        largest(x, np.array([5]), np.array([0, 1]))
