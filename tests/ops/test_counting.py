"""Distinct elements, histograms, searching in sorted rows."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_against_torch
from scratchnet.testing.strategies import axis, seeds, shapes, values

DTYPES = ["bool", "uint8", "int64", "float32", "float64"]


# ---- distinct elements -------------------------------------------------------------------------------------
@given(shape=shapes(max_dims=3), seed=seeds(), data=st.data())
def test_unique_against_torch(shape, seed, data):
    x = np.asarray(np.round(values(shape, seed, away_from=())))
    dim = data.draw(st.none() | axis(len(shape)))
    for inverse, counts in itertools.product((False, True), repeat=2):
        settings = {"return_inverse": inverse, "return_counts": counts, "grad": False}
        check_against_torch("unique_consecutive", x, **settings)
        check_against_torch("unique", x, **settings)
        if shape:
            check_against_torch("unique", x, dim=dim, **settings)
            check_against_torch("Tensor.unique_consecutive", x, dim=dim, **settings)


@pytest.mark.parametrize("dtype", DTYPES)
def test_unique_dtypes(dtype):
    x = np.array([[3, 1, 3], [3, 1, 3], [0, 1, 2]]).astype(dtype)
    check_against_torch("unique", x, True, True, True, grad=False)
    check_against_torch("Tensor.unique", x, True, True, True, 0, grad=False)
    check_against_torch("unique_consecutive", x, True, True, 0, grad=False)


def test_unique_nan():
    check_against_torch("unique", np.array([np.nan, 1.0, np.nan]), return_counts=True, grad=False)
    check_against_torch("unique_consecutive", np.array([np.nan, np.nan, 1.0, 1.0]), grad=False)


def test_unique_refuses():
    check_against_torch("unique", np.ones((2, 3)), dim=2)
    check_against_torch("unique", 1.0)


# ---- histograms --------------------------------------------------------------------------------------------
def test_bincount():
    x = np.array([1, 1, 3, 0])
    check_against_torch("bincount", x)
    check_against_torch("bincount", x.astype(np.uint8))
    check_against_torch("bincount", x, minlength=7)
    check_against_torch("Tensor.bincount", x, None, 2)
    for dtype in ("float32", "float64", "int64", "int32"):
        check_against_torch("bincount", x, np.array([1, 2, 3, 4]).astype(dtype), grad=False)
    check_against_torch("bincount", x[:0])
    check_against_torch("bincount", x[:0], minlength=2)


def test_bincount_refuses():
    for x in (np.array([-1]), np.array([[1]]), np.array([1.0]), np.array([True])):
        check_against_torch("bincount", x, grad=False)
    check_against_torch("bincount", np.array([1]), minlength=-1)
    check_against_torch("bincount", np.array([1]), np.array([1.0, 2.0]), grad=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_histc(dtype):
    x = values((3, 7), 0, away_from=()).astype(dtype)
    check_against_torch("histc", x, grad=False)
    check_against_torch("Tensor.histc", x, 5, grad=False)
    check_against_torch("histc", x, bins=4, min=-1, max=1.5, grad=False)
    check_against_torch("histc", np.array([1, 2, 1, 3], dtype), 4, 0, 3, grad=False)  # 3 is in the last bin
    check_against_torch("histc", np.array([1, 1], dtype), bins=4, grad=False)
    check_against_torch("histc", np.array([1, np.nan, 5], dtype), 2, 0, 2, grad=False)
    check_against_torch("histc", np.zeros((0,), dtype), 3, grad=False)


def test_histc_refuses():
    x = np.array([1.0, 2.0])
    check_against_torch("histc", np.array([1, 2]))
    check_against_torch("histc", x, 0)
    check_against_torch("histc", x, 2, 2, 1)
    check_against_torch("histc", np.array([np.nan, 1.0]), 2)
    check_against_torch("histc", np.array([np.inf, 1.0]), 2)


# ---- searching ---------------------------------------------------------------------------------------------
@given(leading=shapes(max_dims=2, min_side=1), seed=seeds(), right=st.booleans(), data=st.data())
def test_searchsorted_against_torch(leading, seed, right, data):
    n, m = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 4))
    rows = np.sort(np.round(values((*leading, n), seed, away_from=())), -1)
    sought = np.round(values((*leading, m), seed + 1, -3, 3, away_from=()))
    check_against_torch("searchsorted", rows, sought, right=right, grad=False)
    check_against_torch("searchsorted", rows, sought, side="right" if right else "left", grad=False)
    check_against_torch(
        "searchsorted", rows, sought[..., 0, None] if m else sought, out_int32=True, grad=False
    )
    if not leading:
        check_against_torch("bucketize", sought, rows, right=right, grad=False)


def test_searchsorted():
    row = np.array([1, 3, 5])
    check_against_torch("searchsorted", row, 3)
    check_against_torch("searchsorted", row, 3.5)
    check_against_torch("searchsorted", row, np.array([[3.0], [6.0]]), grad=False)
    check_against_torch("searchsorted", row.astype(np.float32), float("nan"), grad=False)
    check_against_torch("searchsorted", row[[2, 0, 1]], np.array([3, 2]), sorter=np.array([1, 2, 0]))
    check_against_torch("bucketize", 2, row)
    check_against_torch("bucketize", np.array([[0, 5]]), row, out_int32=True)


def test_searchsorted_refuses():
    row = np.array([1, 3, 5])
    check_against_torch("searchsorted", np.stack([row, row]), np.array([3]))
    check_against_torch("searchsorted", np.stack([row, row]), 3)
    check_against_torch("searchsorted", row, 3, side="up")
    check_against_torch("searchsorted", row, 3, side="left", right=True)
    check_against_torch("searchsorted", row, 3, sorter=np.array([0, 1]))
    check_against_torch("bucketize", row, row[None])


def test_by_hand():
    values, inverse, counts = scratchnet.tensor([3, 1, 3]).unique(return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3], [1, 0, 1], [1, 2])
    assert scratchnet.tensor([1, 1, 3]).bincount().tolist() == [0, 2, 0, 1]
    assert scratchnet.bucketize(
        scratchnet.tensor([0.5, 1.0, 9.0]), scratchnet.tensor([1.0, 2.0])
    ).tolist() == [0, 0, 2]
