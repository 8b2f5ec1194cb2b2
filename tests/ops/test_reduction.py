"""Sums, means, products, logsumexp and truth values, of whole tensors and along dimensions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import axes, axis, seeds, shapes, values

SUMS = ["sum", "nansum", "mean", "nanmean"]
TRUTHS = ["any", "all"]
DTYPES = ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"]
DIMS = [None, 0, -1, (0, 2), (1,), (), (0, 1, 2), [0, 1]]


@pytest.mark.parametrize("name", ["sum", "nansum", "mean", "nanmean"])
@given(shape=shapes(max_dims=3, min_side=1), seed=seeds(), keepdim=st.booleans(), data=st.data())
def test_gradient(name, shape, seed, keepdim, data):
    dim = data.draw(axes(len(shape)))
    check_gradient(lambda x: getattr(scratchnet, name)(x, dim, keepdim), values(shape, seed))


@given(shape=shapes(max_dims=3), seed=seeds(), keepdim=st.booleans(), data=st.data())
def test_logsumexp_gradient(shape, seed, keepdim, data):
    dim = data.draw(axes(len(shape)).filter(lambda d: d is not None and d != ()) if shape else st.just(0))
    check_gradient(lambda x: scratchnet.logsumexp(x, dim, keepdim), values(shape, seed))


@given(shape=shapes(max_dims=3), seed=seeds(), keepdim=st.booleans(), zeros=st.booleans(), data=st.data())
def test_prod_gradient(shape, seed, keepdim, zeros, data):
    dim = data.draw(st.none() | axis(len(shape)))
    x = values(shape, seed, gap=0.4)
    if zeros:
        x = np.where(values(shape, seed + 1, away_from=()) > 0.5, 0, x)
    check_gradient(lambda x: scratchnet.prod(x, dim, keepdim) if dim is not None else scratchnet.prod(x), x)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_prod_with_zeros(zeros):
    """One zero: only its own gradient is not 0. Two: none is, but second derivatives are."""
    x = np.array([2.0, 3.0, 5.0, 7.0])
    x[:zeros] = 0
    check_gradient(scratchnet.prod, x)
    check_against_torch("prod", x)
    check_against_torch("prod", np.stack([x, x[::-1], np.ones(4)]), 1)
    check_against_torch("prod", np.stack([x, x[::-1], np.ones(4)]), 0, keepdim=True)
    t = scratchnet.tensor(x, requires_grad=True)
    hessian = scratchnet.autograd.functional.hessian(scratchnet.prod, t)
    expected = [[0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(hessian.numpy(), expected)


@pytest.mark.parametrize("name", [*SUMS, *TRUTHS])
def test_dims(name):
    x = values((2, 3, 4), 0)
    if name in TRUTHS:
        x = np.asarray(x > 0.5)
    for dim in DIMS:
        check_against_torch(name, x, dim=dim)
        check_against_torch(name, x, dim=dim, keepdim=True)
    check_against_torch(f"Tensor.{name}", x, 1, True)
    check_against_torch(f"Tensor.{name}", x, axis=1, keepdims=True)
    check_against_torch(name, x[0, 0, 0, ...])
    check_against_torch(name, x[0, 0, 0, ...], 0)
    check_against_torch(name, x[0, 0, 0, ...], -1, True)


@pytest.mark.parametrize("name", [*SUMS, *TRUTHS, "prod", "count_nonzero"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(name, dtype):
    x = np.array([[1, 0, 3], [200, 100, 2]]).astype(dtype)
    check_against_torch(name, x)
    check_against_torch(name, x, 0)
    check_against_torch(name, x, dim=1)
    check_against_torch(name, np.zeros((0, 3), dtype))
    check_against_torch(name, np.zeros((0, 3), dtype), 0)
    check_against_torch(name, np.zeros((0, 3), dtype), 1)
    check_against_torch("logsumexp", x, 0)


@pytest.mark.parametrize("name", [*SUMS, "prod"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, np.bool_])
def test_dtype_of_the_result(name, dtype):
    for x in (np.array([1.5, 2.0], np.float32), np.array([1, 300]), np.array([True, False])):
        grad = np.dtype(dtype).kind == "f"  # torch will not record a sum in integers; here it has no history
        check_against_torch(name, x, dtype=np.dtype(dtype), grad=grad)
        check_against_torch(name, x, 0, dtype=np.dtype(dtype), grad=grad)


@pytest.mark.parametrize("name", [*SUMS, *TRUTHS, "prod", "logsumexp", "count_nonzero"])
def test_refusals(name):
    x = np.ones((2, 3))
    for dim in (2, -3, 0.5, "a", True, (0, 0), (0, -2), (0, 5)):
        check_against_torch(name, x, dim)
    check_against_torch(name, x[0, 0, ...], 1)
    check_against_torch(name, 1.0)


def test_prod():
    x = values((2, 3, 4), 0)
    for dim in (0, 1, -1):
        check_against_torch("prod", x, dim)
        check_against_torch("prod", x, dim, True)
    check_against_torch("prod", x)
    check_against_torch("prod", x[0, 0, 0, ...])
    check_against_torch("prod", x[0, 0, 0, ...], 0)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "nansum", "nanmean", "any", "all", "count_nonzero"])
def test_nan_and_infinity(name):
    for x in ([1.0, math.nan, 3.0], [math.nan] * 2, [math.inf, 1.0], [math.inf, -math.inf], [0.0, -0.0]):
        # of nothing but NaN, torch's gradient of nanmean is NaN, here it is 0
        grad = not (name == "nanmean" and np.isnan(x).all())
        check_against_torch(name, np.array(x), grad=grad)
        check_against_torch(name, np.array([x, x]), 1, grad=grad)


def test_logsumexp():
    for x in (
        [1000.0, 1001.0],
        [-1000.0, -1001.0],
        [math.inf, 1.0],
        [-math.inf] * 2,
        [math.nan, 1.0],
        [math.inf] * 2,
    ):
        check_against_torch("logsumexp", np.array(x), 0)
    x = values((2, 3, 4), 0)
    for dim in (0, -1, (0, 2), (0, 1, 2)):
        check_against_torch("logsumexp", x, dim)
        check_against_torch("Tensor.logsumexp", x, dim, True)
    check_against_torch("logsumexp", x)
    check_against_torch("logsumexp", x[0, 0, 0, ...], 0)


def test_count_nonzero():
    x = np.array([[1.0, 0.0, math.nan], [-0.0, 2.0, 0.0]])
    for dim in (None, 0, 1, (0, 1)):
        check_against_torch("count_nonzero", x, dim)
    check_against_torch("Tensor.count_nonzero", x)


def test_half_precision_means_do_not_overflow():
    check_against_torch("mean", np.full(1000, 6e4, np.float16))
    check_against_torch("mean", np.full((2, 1000), 6e4, np.float16), 1)


def test_by_hand():
    x = scratchnet.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    w = scratchnet.tensor([10.0, 100.0])
    (x.sum(0) * w).sum().backward()
    assert x.grad.tolist() == [[10, 100], [10, 100]]
    x.grad = None
    (x.mean(1) * w).sum().backward()
    assert x.grad.tolist() == [[5, 5], [50, 50]]
    x.grad = None
    x.prod(1).sum().backward()
    assert x.grad.tolist() == [[2, 1], [4, 3]]
    x.grad = None
    x.logsumexp(1).sum().backward()  # softmax of (a, a + 1)
    small, large = 1 / (1 + math.e), math.e / (1 + math.e)
    np.testing.assert_allclose(x.grad.numpy(), [[small, large]] * 2, rtol=1e-6)
