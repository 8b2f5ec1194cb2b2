"""Resizing by sparse matrices: tables, the compiled loop on drawn shapes, blocks, guard bands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import kernels
from scratchnet.kernels import interpolate, resample
from scratchnet.kernels.interpolate_tables import Table, table
from tests.kernels.calls import assert_close, both_forms, guarded_allocations, implementation

MODES = ("nearest", "nearest-exact", "linear", "cubic", "area")


def matrix(t):
    dense = np.zeros((t.outputs, t.inputs))
    np.add.at(dense, (t.owner, t.position), t.weight)
    return dense


@st.composite
def tables(draw, count, largest=9):
    """Tables for so many axes, of which some may be transposed."""
    result = []
    for _ in range(count):
        size = st.integers(1, largest)
        mode = draw(st.sampled_from([*MODES, "smooth"]))
        smooth = mode == "smooth"
        t = table("cubic" if smooth else mode, draw(size), draw(size), np.dtype(np.float64), draw(st.booleans()), None, smooth)
        result.append(t.adjoint if draw(st.booleans()) else t)
    return tuple(result)


@given(tables(1))
def test_a_table_is_a_matrix(drawn):
    (t,) = drawn
    np.testing.assert_array_equal(matrix(t.adjoint), matrix(t).T)
    assert t.adjoint.adjoint is t
    positions, weights = t.columns
    padded = np.zeros((t.outputs, t.inputs + 1))
    np.add.at(padded, (np.arange(t.outputs), positions), weights)
    np.testing.assert_allclose(padded[:, :-1], matrix(t), atol=1e-15)
    assert (padded[:, -1] == 0).all() and len(positions) in (1, *range(2, 100, 2))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("align", [False, True])
@given(n=st.integers(1, 20), m=st.integers(1, 20), antialias=st.booleans())
def test_weights_sum_to_one(mode, align, n, m, antialias):
    antialias = antialias and mode in ("linear", "cubic") and not align
    np.testing.assert_allclose(matrix(table(mode, n, m, np.dtype(np.float64), align, None, antialias)).sum(1), 1)


@both_forms
@given(st.integers(1, 3), st.data())
def test_products_with_matrices(form, dims, data):
    drawn, lead = data.draw(tables(dims, 6)), data.draw(st.lists(st.integers(0, 3), max_size=2))
    x = np.random.default_rng(0).standard_normal((*lead, *(t.inputs for t in drawn)))
    expected = x
    for axis, t in zip(range(len(lead), x.ndim), drawn):
        expected = np.moveaxis(np.tensordot(matrix(t), expected, (1, axis)), 0, axis)
    actual = implementation(resample, form)(x, drawn)
    assert actual.shape == expected.shape and actual.flags.c_contiguous
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    assert not np.may_share_memory(actual, x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("planes", [1, 40])
@pytest.mark.parametrize("sizes", [(37, 70), (70, 37)])
def test_blocks_of_rows(monkeypatch, dtype, planes, sizes):
    monkeypatch.setattr(interpolate, "_BLOCK", 200)
    axes = [table("cubic", *sizes, np.dtype(dtype)), table("linear", 23, 41, np.dtype(dtype))]
    x = np.random.default_rng(0).standard_normal((planes, sizes[0], 23)).astype(dtype)
    for drawn in (axes, [t.adjoint for t in axes]):
        source = x if drawn is axes else resample.reference(x, axes)
        resample(source, drawn)                 # what is compiled now is not guarded
        with guarded_allocations(monkeypatch):
            actual = resample(source, drawn)
        assert_close(actual, resample.reference(source, drawn), scale=4)


def test_nothing_leaks_from_what_is_not_finite():
    """Pixels that are not asked for do not count, not even times zero."""
    nearest = table("nearest", 7, 3, np.dtype(np.float64)).adjoint
    g = np.array([[np.nan, np.inf, 1.0]])
    for form in (resample, resample.reference):
        actual = form(g, (nearest,))
        assert np.array_equal(actual, [[np.nan, 0, np.inf, 0, 1, 0, 0]], equal_nan=True)


def test_tables_are_computed_once():
    assert table("linear", 5, 9, np.dtype(np.float32)) is table("linear", 5, 9, np.dtype(np.float32))


@both_forms
def test_by_hand(form):
    t = Table(2, np.array([0, 1, 3, 3]), np.array([1, 0, 1]), np.array([2.0, 0.5, 0.5]))
    x = np.array([[3.0, 5]])
    run = implementation(resample, form)
    assert run(x, (t,)).tolist() == [[10, 4, 0]]
    assert run(np.array([[1.0, 10, 100]]), (t.adjoint,)).tolist() == [[5, 7]]


@both_forms
def test_shapes_are_checked(form):
    t = table("linear", 3, 5, np.dtype(np.float64))
    for x, drawn in ((np.ones((2, 4)), (t,)), (np.ones(3), (t, t)), (np.ones(3), ())):
        with pytest.raises(RuntimeError, match="resample"):
            implementation(resample, form)(x, drawn)


def test_other_dtypes_run_the_reference():
    x = np.arange(6, dtype=np.uint8).reshape(2, 3)
    t = table("nearest", 3, 6, np.dtype(np.float32))
    assert kernels.resample(x, (t,)).tolist() == [[0, 0, 1, 1, 2, 2], [3, 3, 4, 4, 5, 5]]
