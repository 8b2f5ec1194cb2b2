"""Variance and standard deviation."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import axes, seeds, shapes, values

NAMES = ["var", "std", "var_mean", "std_mean"]
DIMS = [None, 0, -1, (0, 2), (1,), (), [0, 1]]


@pytest.mark.parametrize("name", NAMES)
@given(shape=shapes(max_dims=3, min_side=2), seed=seeds(), keepdim=st.booleans(), data=st.data())
def test_gradient(name, shape, seed, keepdim, data):
    dim = data.draw(axes(len(shape)))
    assume(shape)  # the variance of one element is NaN
    correction = data.draw(st.sampled_from([None, 0, 1, 0.5]))
    op = getattr(scratchnet, name)
    x = values(shape, seed, distinct=True)
    check_gradient(lambda x: op(x, dim, keepdim=keepdim, correction=correction), x)


@pytest.mark.parametrize("name", NAMES)
def test_torch(name):
    x = values((2, 3, 4), 0)
    for dim in DIMS:
        grad = dim != ()  # of all dimensions: in torch the gradient counts none of them and is infinite
        check_against_torch(name, x, dim, grad=grad)
        check_against_torch(name, x, dim, correction=0, keepdim=True, grad=grad)
        check_against_torch(name, x, dim=dim, correction=1.5, grad=grad)
    check_against_torch(name, x, False)
    check_against_torch(name, x, unbiased=False)
    check_against_torch(name, x, 1, False)
    check_against_torch(name, x, 1, True, True)
    check_against_torch(name, x, axis=1, keepdims=True)
    check_against_torch(name, x.astype(np.float32))


@pytest.mark.parametrize("name", ["var", "std"])
def test_methods(name):
    check_against_torch(f"Tensor.{name}", values((2, 3), 0), 1)
    check_against_torch(f"Tensor.{name}", values((2, 3), 0), correction=0)


@pytest.mark.parametrize("name", NAMES)
def test_too_few_elements(name):
    check_against_torch(name, np.ones(1))
    check_against_torch(name, np.ones((3, 1)), 1)
    check_against_torch(name, np.zeros((0, 3)))
    check_against_torch(name, np.zeros((0, 3)), 0)
    check_against_torch(name, np.zeros((0, 3)), 1)
    check_against_torch(name, np.array(2.0))
    check_against_torch(name, np.array([1.0, 3.0]), correction=2, grad=False)
    check_against_torch(name, np.array([1.0, 3.0]), correction=3, grad=False)


@pytest.mark.parametrize("name", NAMES)
def test_refusals(name):
    for x in (np.array([1, 2]), np.array([True])):
        check_against_torch(name, x)
    for dim in (3, (0, 0), 0.5, "a"):
        check_against_torch(name, np.ones((2, 3)), dim)
    check_against_torch(name, np.ones(3), 0, unbiased=True, correction=1)
    check_against_torch(name, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_nan_infinity_and_no_spread(name):
    for x in ([1.0, 1.0, 1.0], [1.0, math.nan], [1.0, math.inf], [0.5] * 7):
        check_against_torch(name, np.array(x), rtol=1e-6, atol=1e-7)
    # far from 0 the sum of squares would cancel
    check_against_torch(name, 1e4 + values((100,), 0, away_from=(), dtype=np.float32), rtol=1e-4)


def test_gradient_of_std_is_0_where_there_is_no_spread():
    x = scratchnet.ones((2, 3), requires_grad=True)
    x.std(1).sum().backward()
    assert x.grad.tolist() == [[0, 0, 0]] * 2


def test_by_hand():
    # mean 3, deviations −2 and 2: var = (4 + 4) / 1 = 8, dvar/dx = 2 · (x − 3)
    x = scratchnet.tensor([1.0, 5.0], requires_grad=True)
    var, mean = scratchnet.var_mean(x)
    var.backward()
    assert (var.item(), mean.item(), x.grad.tolist()) == (8, 3, [-4, 4])
    x.grad = None
    std = x.std(correction=0)  # √(8 / 2) = 2, dstd/dx = (x − 3) / (2 · 2)
    std.backward()
    assert (std.item(), x.grad.tolist()) == (2, [-0.5, 0.5])
