"""Maxima and minima, and where they are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import axes, axis, seeds, shapes, values

DIMS = [None, 0, -1, 2]
ROWS = {
    "ties": [[1.0, 3.0, 3.0], [0.0, 0.0, 0.0], [-2.0, -5.0, -5.0]],
    "nan": [[1.0, math.nan, 2.0], [math.nan, math.nan, 0.0], [math.nan, 1.0, 1.0]],
    "infinite": [[math.inf, math.inf, 1.0], [-math.inf, -math.inf, -math.inf], [math.inf, -math.inf, 0.0]],
}


@pytest.mark.parametrize("name", ["amax", "amin"])
@given(shape=shapes(max_dims=3, min_side=1), seed=seeds(), keepdim=st.booleans(), data=st.data())
def test_gradient_over_dims(name, shape, seed, keepdim, data):
    dim = data.draw(axes(len(shape)))
    dim = () if dim is None else dim
    check_gradient(lambda x: getattr(scratchnet, name)(x, dim, keepdim), values(shape, seed, distinct=True))


@pytest.mark.parametrize("name", ["max", "min"])
@given(shape=shapes(max_dims=3, min_side=1), seed=seeds(), keepdim=st.booleans(), data=st.data())
def test_gradient_along_a_dim(name, shape, seed, keepdim, data):
    dim, x = data.draw(axis(len(shape))), values(shape, seed, distinct=True)
    op = getattr(scratchnet, name)
    check_gradient(lambda x: op(x, dim, keepdim).values, x)
    check_gradient(op, x)
    check_gradient(lambda x: scratchnet.aminmax(x, dim=dim, keepdim=keepdim), x)


@pytest.mark.parametrize("name", ["max", "min"])
def test_max(name):
    x = values((2, 3, 4), 0)
    check_against_torch(name, x)
    for dim in (0, 1, -1):
        check_against_torch(name, x, dim)
        check_against_torch(name, x, dim, True)
        check_against_torch(f"Tensor.{name}", x, dim=dim, keepdim=True)
        check_against_torch(name, x, axis=dim)
    check_against_torch(name, x, x[::-1].copy())
    check_against_torch(name, x, other=x[0])
    check_against_torch(name, x[0, 0, 0, ...])
    check_against_torch(name, x[0, 0, 0, ...], 0)
    check_against_torch(name, x[0, 0, 0, ...], 0, True)


@pytest.mark.parametrize("name", ["amax", "amin"])
def test_amax(name):
    x = values((2, 3, 4), 0)
    for dim in (0, -1, (0, 2), (), [1]):
        check_against_torch(name, x, dim)
        check_against_torch(name, x, dim, True)
    check_against_torch(f"Tensor.{name}", x)
    check_against_torch(name, x[0, 0, 0, ...], 0, True)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_argmax(name):
    x = values((2, 3, 4), 0)
    for dim in (None, 0, 1, -1):
        check_against_torch(name, x, dim)
        check_against_torch(name, x, dim, True)
    check_against_torch(f"Tensor.{name}", x, dim=1)
    check_against_torch(name, x[0, 0, 0, ...])
    check_against_torch(name, x[0, 0, 0, ...], 0)


def test_aminmax():
    x = values((2, 3, 4), 0)
    check_against_torch("aminmax", x)
    check_against_torch("aminmax", x, dim=1)
    check_against_torch("aminmax", x, dim=-1, keepdim=True)
    check_against_torch("Tensor.aminmax", x, keepdim=True)


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin", "aminmax"])
def test_ties_nan_and_infinity(name, kind):
    """Values, indices, and which elements get the gradient."""
    x = np.array(ROWS[kind])
    for row in x:
        check_against_torch(name, row)
    if name == "aminmax":
        check_against_torch(name, x, dim=1)
    else:
        check_against_torch(name, x, 1)
        check_against_torch(name, x, 0)
    check_against_torch(name, x[x == x])


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32"])
def test_dtypes(name, dtype):
    x = np.array([[1, 0, 3], [200, 100, 2]]).astype(dtype)
    check_against_torch(name, x)
    check_against_torch(name, x, 1)


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "argmax", "argmin"])
def test_refusals(name):
    empty = np.zeros((0, 3))
    check_against_torch(name, empty)
    check_against_torch(name, empty, 0)
    check_against_torch(name, empty, 1)
    for dim in (2, -3, 0.5, "a"):
        check_against_torch(name, np.ones((2, 3)), dim)
    check_against_torch(name, 1.0)
    if name in ("max", "min"):
        check_against_torch(name, np.ones(3), np.ones(2))
        check_against_torch(name, np.ones(3), 0, other=np.ones(3))
    if name in ("amax", "amin"):
        check_against_torch(name, np.ones((2, 3)), (0, 0))


def test_named_results():
    values, indices = scratchnet.tensor([[1, 5, 2]]).max(dim=1)
    result = scratchnet.tensor([[1, 5, 2]]).max(dim=1)
    assert (values.tolist(), indices.tolist()) == ([5], [1])
    assert (result.values.tolist(), result.indices.tolist()) == ([5], [1])


def test_by_hand():
    x = scratchnet.tensor([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]], requires_grad=True)
    x.max().backward()
    assert x.grad.tolist() == [[0, 0.5, 0.5], [0, 0, 0]]  # shared by the two
    x.grad = None
    x.max(1).values.sum().backward()
    assert x.grad.tolist() == [[0, 1, 0], [1, 0, 0]]  # to the first of the two
    x.grad = None
    x.amax((0, 1)).backward()
    assert x.grad.tolist() == [[0, 0.5, 0.5], [0, 0, 0]]
