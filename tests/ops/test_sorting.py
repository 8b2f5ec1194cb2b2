"""sort, argsort, topk, kthvalue, msort."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values

DTYPES = ["bool", "uint8", "int64", "float16", "float32", "float64"]


@given(shape=shapes(max_dims=3), seed=seeds(), descending=st.booleans(), data=st.data())
def test_sort_gradient(shape, seed, descending, data):
    dim = data.draw(axis(len(shape)))
    check_gradient(lambda x: scratchnet.sort(x, dim, descending).values, values(shape, seed, distinct=True))


@given(shape=shapes(max_dims=3, min_side=1), seed=seeds(), largest=st.booleans(), data=st.data())
def test_topk_and_kthvalue_gradient(shape, seed, largest, data):
    dim, x = data.draw(axis(len(shape))), values(shape, seed, distinct=True)
    k = data.draw(st.integers(1, shape[dim] if shape else 1))
    check_gradient(lambda x: scratchnet.topk(x, k, dim, largest).values, x)
    check_gradient(lambda x: scratchnet.kthvalue(x, k, dim).values, x)


@given(shape=shapes(max_dims=3), seed=seeds(), descending=st.booleans(), data=st.data())
def test_sort_against_torch(shape, seed, descending, data):
    """Few distinct values: equal ones keep their order."""
    dim = data.draw(axis(len(shape)))
    x = np.asarray(np.round(values(shape, seed, away_from=())))
    check_against_torch("sort", x, dim, descending)
    check_against_torch("argsort", x, dim=dim, descending=descending, stable=True)
    check_against_torch("sort", x.astype(np.int32), dim=dim, descending=descending, stable=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype):
    x = np.array([[3, 0, 1, 2], [200, 100, 2, 5]]).astype(dtype)
    check_against_torch("sort", x)
    check_against_torch("Tensor.sort", x, 0, True)
    check_against_torch("argsort", x, 0, True)
    check_against_torch("Tensor.argsort", x, descending=True)
    check_against_torch("msort", x)
    if dtype != "bool":
        check_against_torch("topk", x, 2)
        check_against_torch("Tensor.topk", x, 1, 0, False)
        check_against_torch("kthvalue", x, 2)
        check_against_torch("Tensor.kthvalue", x, 2, 0, True)


def test_nan_is_the_greatest():
    x = np.array([3.0, math.nan, 1.0, math.inf, -math.inf])
    check_against_torch("sort", x)
    check_against_torch("sort", x, descending=True)
    check_against_torch("topk", x, 3)
    check_against_torch("topk", x, 3, largest=False)
    check_against_torch("kthvalue", x, 5)
    assert scratchnet.tensor([math.nan, 1.0, math.nan]).sort(descending=True).indices.tolist() == [0, 2, 1]


def test_sizes():
    for x in (np.array(3.0), np.zeros((0, 3)), np.zeros((3, 0)), np.zeros((1,))):
        check_against_torch("sort", x)
        check_against_torch("argsort", x, 0)
        check_against_torch("topk", x, 1)
        check_against_torch("kthvalue", x, 1)
    check_against_torch("msort", np.zeros((0, 3)))
    check_against_torch("topk", np.ones((2, 3)), 0)
    check_against_torch("topk", np.array(3.0), 2)


def test_refusals():
    x = np.ones((2, 3))
    for name in ("sort", "argsort"):
        for dim in (2, "a", 0.5):
            check_against_torch(name, x, dim)
        check_against_torch(name, 1.0)
    for name in ("topk", "kthvalue"):
        for k in (-1, 4, 0.5, None):
            check_against_torch(name, x, k)
        check_against_torch(name, x, 1, 2)
    check_against_torch("kthvalue", x, 0)


def test_changed_indices_are_noticed():
    x = scratchnet.tensor([3.0, 1.0, 2.0], requires_grad=True)
    ordered, indices = x.sort()
    indices.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        ordered.sum().backward()


def test_by_hand():
    x = scratchnet.tensor([3.0, 1.0, 2.0], requires_grad=True)
    ordered, indices = x.sort()
    assert (ordered.tolist(), indices.tolist()) == ([1, 2, 3], [1, 2, 0])
    (ordered * scratchnet.tensor([1.0, 10, 100])).sum().backward()
    assert x.grad.tolist() == [100, 1, 10]
    x.grad = None
    result = x.topk(2)
    assert (result.values.tolist(), result.indices.tolist()) == ([3, 2], [0, 2])
    result.values.sum().backward()
    assert x.grad.tolist() == [1, 0, 1]
