"""Products by panels: against NumPy's, nothing beside the arrays, and the same for any number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import jit, matrix_panels
from tests.kernels.calls import guarded_allocations, on_threads

SHAPES = [(4, 35, 150), (13, 16, 64), (7, 33, 65), (25, 17, 3), (24, 48, 130), (12, 1, 1)]


def both(rows, inner, columns, dtype, turned, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((rows, inner)).astype(dtype), rng.standard_normal((inner, columns)).astype(dtype)
    return a, np.asfortranarray(b) if turned else b


def check(a, b, bias=None):
    added = 0 if bias is None else bias
    wide = a.astype(np.longdouble) @ b.astype(np.longdouble) + added
    limit = np.abs(a).astype(np.longdouble) @ np.abs(b) + np.abs(added)
    error = np.abs(matrix_panels.product(a, b, bias) - wide)
    assert (error <= np.sqrt(a.shape[1]) * np.finfo(a.dtype).eps * limit + np.finfo(a.dtype).tiny).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("turned", [False, True])
@given(rows=st.integers(1, 20), inner=st.integers(1, 20), columns=st.integers(1, 140),
       biases=st.sampled_from(["none", "one", "all"]), seed=st.integers(0, 9))
def test_drawn_products(dtype, turned, rows, inner, columns, biases, seed):
    a, b = both(rows, inner, columns, dtype, turned, seed)
    size = {"none": 0, "one": 1, "all": columns}[biases]
    check(a, b, np.random.default_rng(seed + 1).standard_normal(size).astype(dtype) if size else None)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_many_blocks(monkeypatch, shape, turned):
    monkeypatch.setattr(matrix_panels, "_DEPTH", 16)
    monkeypatch.setattr(matrix_panels, "_ROWS", 12)
    check(*both(*shape, np.float32, turned))


@pytest.mark.parametrize("turned", [False, True])
def test_nothing_is_written_beside_the_arrays(monkeypatch, turned):
    with guarded_allocations(monkeypatch):
        check(*both(13, 9, 70, np.float32, turned))


def test_results_do_not_depend_on_the_threads():
    a, b = both(300, 40, 200, np.float32, True)
    first, *others = on_threads(lambda: matrix_panels.product(a, b))
    assert all((r == first).all() for r in others)


def test_nan_stays_in_its_row_and_column():
    a, b = both(14, 9, 70, np.float32, True)
    a[3, 4], b[2, 68] = np.nan, np.inf
    np.testing.assert_array_equal(np.isfinite(matrix_panels.product(a, b)), np.isfinite(a @ b))


def test_which_products_it_serves():
    a, b = both(65, 384, 384, np.float32, True)
    assert matrix_panels.serves(a, b) is matrix_panels.serves(a, b.copy("C")) is jit.ENABLED
    for others in [(a[:3], b), (a[:, ::2], b[::2]), (a.T.copy().T, b), (a, b[:, ::2]), (a[:6], b)]:
        assert not matrix_panels.serves(*others)
