"""Running sums, products, maxima and minima, and differences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values

SCANS = ["cumsum", "cumprod", "logcumsumexp", "cummax", "cummin"]


@pytest.mark.parametrize("name", SCANS)
@given(shape=shapes(max_dims=3), seed=seeds(), data=st.data())
def test_gradient(name, shape, seed, data):
    dim, op = data.draw(axis(len(shape))), getattr(scratchnet, name)
    x = values(shape, seed, gap=0.3, distinct=True)
    check_gradient(
        (lambda x: op(x, dim).values) if name in ("cummax", "cummin") else (lambda x: op(x, dim)), x
    )


@given(shape=shapes(max_dims=3), seed=seeds(), data=st.data())
def test_cumprod_gradient_with_zeros(shape, seed, data):
    dim = data.draw(axis(len(shape)))
    x = np.where(values(shape, seed + 1, away_from=()) > 0.5, 0, values(shape, seed, gap=0.4))
    check_gradient(lambda x: scratchnet.cumprod(x, dim), np.asarray(x))


@pytest.mark.parametrize("zeros", [[0], [3], [0, 2], [0, 1, 2, 3]])
def test_cumprod_with_zeros(zeros):
    x = np.array([2.0, 3.0, 5.0, 7.0])
    x[zeros] = 0
    check_against_torch("cumprod", x, 0)
    check_against_torch("cumprod", np.stack([x, x[::-1]]), 1)
    check_against_torch("cumprod", np.stack([x, x[::-1]]), 0)


@pytest.mark.parametrize("name", SCANS)
def test_torch(name):
    x = values((2, 3, 4), 0)
    for dim in (0, 1, -1):
        check_against_torch(name, x, dim)
        check_against_torch(f"Tensor.{name}", x, dim=dim)
    check_against_torch(name, x[0, 0, 0, ...], 0)
    check_against_torch(name, x.transpose(2, 0, 1)[::2], 1)
    for dim in (0, 1):
        check_against_torch(name, np.zeros((0, 3)), dim, grad=name not in ("cummax", "cummin"))


@pytest.mark.parametrize("name", SCANS)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32"])
def test_dtypes(name, dtype):
    x = np.array([[1, 0, 3], [200, 100, 2]]).astype(dtype)
    check_against_torch(name, x, 1)
    check_against_torch(name, x[0, 0, ...], 0)
    if name in ("cumsum", "cumprod"):
        check_against_torch(name, x, 1, dtype=np.dtype(np.float32))
        check_against_torch(name, x, 1, dtype=np.dtype(np.int64), grad=False)
        check_against_torch(f"Tensor.{name}_", x, 1, grad=False)


@pytest.mark.parametrize("name", ["cummax", "cummin"])
def test_ties_and_nan(name):
    for row in (
        [3.0, 1, 3, 3, 4, 4],
        [0.0] * 4,
        [math.nan, math.nan, 1],
        [1.0, math.nan, 2, math.nan],
        [math.inf, 1, -math.inf],
    ):
        check_against_torch(name, np.array(row), 0)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_nan_and_infinity(name):
    for row in ([1.0, math.nan, 3], [math.inf, 1, -math.inf]):
        check_against_torch(name, np.array(row), 0)


def test_logcumsumexp_does_not_overflow():
    for row in ([1000.0, 1001, 999], [-1000.0, 500, -2000], [-math.inf, 1, 2], [-math.inf] * 3):
        check_against_torch("logcumsumexp", np.array(row), 0)
    for row in ([math.inf, 1, 2], [math.nan, 1, 2]):
        check_against_torch("logcumsumexp", np.array(row), 0, grad=False)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_dtype_of_the_result(name):
    for x in (np.array([1.5, 2.5]), np.array([100, 100], np.int8), np.array([True, True])):
        for dtype in ("int8", "int32", "int64", "float64"):
            check_against_torch(name, x, 0, dtype=np.dtype(dtype), grad=False)
        check_against_torch(name, x, 0, dtype=np.dtype(bool))  # refused


@pytest.mark.parametrize("name", SCANS)
def test_refusals(name):
    for dim in (2, -3, None, 0.5, "a", True):
        check_against_torch(name, np.ones((2, 3)), dim)
    check_against_torch(name, np.ones(3))
    check_against_torch(name, 1.0, 0)


@pytest.mark.parametrize("n", [0, 1, 2])
@given(shape=shapes(min_dims=1, max_dims=3), seed=seeds(), data=st.data())
def test_diff_gradient(n, shape, seed, data):
    dim = data.draw(axis(len(shape)))
    x, before = values(shape, seed), values(shape, seed + 1)
    check_gradient(lambda x: scratchnet.diff(x, n, dim), x)
    check_gradient(lambda x, before: scratchnet.diff(x, n, dim, prepend=before, append=before), x, before)


def test_diff():
    x = values((3, 4), 0)
    for n in (0, 1, 2, 3, 5):
        check_against_torch("diff", x, n)
        check_against_torch("diff", x, n, 0)
    check_against_torch("diff", x, prepend=x, append=x[:, :1])
    check_against_torch("Tensor.diff", x, dim=0, append=x)
    check_against_torch("diff", np.array([1, 4, 2]), append=np.array([2.5]))
    check_against_torch("diff", np.array([True, True, False]))
    check_against_torch("diff", np.array(1.0))
    check_against_torch("diff", x, -1)
    check_against_torch("diff", x, 1, 2)
    check_against_torch("diff", x, prepend=x[0])


def test_by_hand():
    x = scratchnet.tensor([2.0, 3.0, 0.0, 5.0], requires_grad=True)
    weights = scratchnet.tensor([1.0, 10, 100, 1000])
    (x.cumsum(0) * weights).sum().backward()
    assert x.grad.tolist() == [1111, 1110, 1100, 1000]
    x.grad = None
    y = x.cumprod(0)
    assert y.tolist() == [2, 6, 0, 0]
    # products of the others: of x₂ in y₂ = 2 · 3 · x₂ and y₃ = 2 · 3 · x₂ · 5
    (y * weights).sum().backward()
    assert x.grad.tolist() == [1 + 3 * 10, 2 * 10, 6 * 100 + 30 * 1000, 0]
    x.grad = None
    x.cummax(0).values.sum().backward()
    assert x.grad.tolist() == [1, 2, 0, 1]
