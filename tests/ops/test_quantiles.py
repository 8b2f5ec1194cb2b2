"""Medians, quantiles, modes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.ops.quantiles import INTERPOLATIONS
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values

ROWS = [
    [1.0, 3.0, 3.0, 0.0],
    [0.0, 0.0, 0.0],
    [1.0, math.nan, 2.0],
    [math.nan, math.nan],
    [math.inf, math.inf, 1.0],
    [-math.inf, math.nan, 5.0, 1.0],
    [7.0],
]


@pytest.mark.parametrize("name", ["median", "nanmedian"])
@given(shape=shapes(max_dims=3, min_side=1), seed=seeds(), keepdim=st.booleans(), data=st.data())
def test_median_gradient(name, shape, seed, keepdim, data):
    dim, op, x = data.draw(axis(len(shape))), getattr(scratchnet, name), values(shape, seed, distinct=True)
    check_gradient(op, x)
    check_gradient(lambda x: op(x, dim, keepdim).values, x)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@given(shape=shapes(min_dims=1, max_dims=3, min_side=1), seed=seeds(), keepdim=st.booleans(), data=st.data())
def test_quantile_gradient(interpolation, shape, seed, keepdim, data):
    dim = data.draw(st.none() | axis(len(shape)))
    q = scratchnet.tensor(data.draw(st.sampled_from([0.3, [0.0, 0.41, 1.0]])), dtype=scratchnet.float64)
    check_gradient(
        lambda x: scratchnet.quantile(x, q, dim, keepdim, interpolation=interpolation),
        values(shape, seed, distinct=True),
    )


@pytest.mark.parametrize("name", ["median", "nanmedian"])
def test_median(name):
    x = values((2, 3, 4), 0)
    check_against_torch(name, x)
    for dim in (0, 1, -1):
        check_against_torch(name, x, dim)
        check_against_torch(f"Tensor.{name}", x, dim=dim, keepdim=True)
    for row in ROWS:
        check_against_torch(name, np.array(row))
        check_against_torch(name, np.array(row), 0)
    for shape in ((), (0, 3), (3, 0)):
        check_against_torch(name, np.zeros(shape))
        check_against_torch(name, np.zeros(shape), 0)
        check_against_torch(name, np.zeros(shape), -1, True)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32"])
def test_median_dtypes(dtype):
    x = np.array([[3, 0, 1, 2], [200, 100, 2, 5]]).astype(dtype)
    for name in ("median", "nanmedian"):
        check_against_torch(name, x)
        check_against_torch(name, x, 1)


@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_quantile(name, interpolation):
    x, several = values((2, 3, 4), 0), np.array([0.0, 0.1, 0.5, 0.77, 1.0])
    how = {"interpolation": interpolation}
    check_against_torch(name, x, 0.4, **how)
    check_against_torch(name, x, several, grad=False, **how)
    for dim in (0, 1, -1):
        check_against_torch(name, x, 0.5, dim, **how)
        check_against_torch(name, x, 0.25, dim, True, **how)
        check_against_torch(f"Tensor.{name}", x, several, dim, keepdim=True, grad=False, **how)
    check_against_torch(name, x, several, keepdim=True, grad=False, **how)
    check_against_torch(name, x, 0.3, keepdim=True, **how)
    for row in ROWS:
        check_against_torch(name, np.array(row), several, grad=False, **how)
        check_against_torch(name, np.array(row, np.float32), 0.3, grad=False, **how)


def test_quantile_refuses():
    x = np.ones((2, 3))
    for q in (2.0, -0.1, np.array([0.5, 1.5]), np.array([[0.5]]), np.array([0.5], np.float32)):
        check_against_torch("quantile", x, q, grad=False)
    check_against_torch("quantile", np.array([1, 2]), 0.5)
    check_against_torch("quantile", np.zeros((0, 3)), 0.5)
    check_against_torch("quantile", x, 0.5, interpolation="cubic")
    check_against_torch("quantile", x, 0.5, 2)


def test_mode():
    for row in ([2, 1, 2, 1, 3], [1, 2, 3, 3, 2, 2], [5], [4, 4], [3, 2, 1]):
        check_against_torch("mode", np.array(row))
        check_against_torch("mode", np.array(row, np.float64))
    x = np.round(values((3, 4, 5), 0))
    for dim in (0, 1, -1):
        check_against_torch("mode", x, dim)
        check_against_torch("Tensor.mode", x, dim, True)
    check_against_torch("mode", np.array(3.0))
    check_against_torch("mode", np.zeros((0, 3)), 0)
    check_against_torch("mode", np.zeros((0, 3)), 1)


def test_by_hand():
    x = scratchnet.tensor([5.0, 1.0, 3.0, 2.0], requires_grad=True)
    y = x.median()  # the lower of 2 and 3
    y.backward()
    assert (y.item(), x.grad.tolist()) == (2, [0, 0, 0, 1])
    x.grad = None
    y = x.quantile(0.5)
    y.backward()
    assert (y.item(), x.grad.tolist()) == (2.5, [0, 0, 0.5, 0.5])
