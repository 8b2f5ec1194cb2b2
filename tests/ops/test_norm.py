"""The p-norm."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import axes, seeds, shapes, values

ORDERS = [2, 1, 3, 0.5, 1.5, 2.5, -1, -2, math.inf, -math.inf, "fro"]


@pytest.mark.parametrize("p", ORDERS)
@given(shape=shapes(max_dims=3, min_side=1), seed=seeds(), keepdim=st.booleans(), data=st.data())
def test_gradient(p, shape, seed, keepdim, data):
    dim = data.draw(axes(len(shape)))
    if shape == () or dim == () or (p == "fro" and np.size(dim) > 2):       # three named dimensions are refused
        dim = None
    # kept away from 0, and apart in magnitude where one element is chosen
    signs = np.sign(values(shape, seed + 1))
    x = np.asarray(signs * values(shape, seed, low=0.5, distinct=True))
    check_gradient(lambda x: scratchnet.norm(x, p, dim, keepdim), x)


@pytest.mark.parametrize("p", [*ORDERS, 0, 2.0, None])
def test_torch(p):
    x = values((2, 3, 4), 0)
    for dim in (None, 0, -1, (0, 2), (0, 1)):
        check_against_torch("norm", x, p, dim)
        check_against_torch("norm", x, p, dim, True)
    check_against_torch("Tensor.norm", x, p)
    check_against_torch("norm", x[0, 0, 0, ...], p)
    check_against_torch("norm", x.astype(np.float32), p)
    check_against_torch("norm", x.astype(np.float32), p, dtype=np.dtype(np.float64))


@pytest.mark.parametrize("p", [*ORDERS, 0])
def test_kinks_and_special_values(p):
    rows = [
        [0.0, 0, 0],
        [3.0, 3, -3],
        [-2.0, 2, 0],
        [math.inf, 1, 0],
        [-math.inf, math.inf, 0],
        [math.nan, 1, 2],
    ]
    for row in rows:
        check_against_torch("norm", np.array(row), p)
    check_against_torch("norm", np.array(rows), p, 1)


@pytest.mark.parametrize("p", [*ORDERS, 0])
def test_empty(p):
    check_against_torch("norm", np.zeros((0, 3)), p)
    check_against_torch("norm", np.zeros((0, 3)), p, 0)
    check_against_torch("norm", np.zeros((0, 3)), p, 1)


def test_nuclear_norm():
    check_against_torch("norm", values((3, 4), 0), "nuc")
    check_against_torch("norm", values((2, 3, 4), 0), "nuc", (0, 2), True)


def test_refusals():
    check_against_torch("norm", np.array([1, 2]))
    check_against_torch("norm", np.array([True]))
    check_against_torch("norm", np.ones(3), 2, 1)
    check_against_torch("norm", np.ones((3, 3)), 2, (0, 0))
    check_against_torch("norm", np.ones(3), "max")
    check_against_torch("norm", np.ones((3, 3)), "max")
    for dim in (None, 1, (0, 1, 2)):
        check_against_torch("norm", np.ones((2, 3, 4)), "nuc", dim)
    check_against_torch("norm", np.ones((2, 3, 4)), "fro", (0, 1, 2))


def test_by_hand():
    x = scratchnet.tensor([3.0, -4.0], requires_grad=True)
    y = x.norm()
    y.backward()
    assert y.item() == 5
    np.testing.assert_allclose(x.grad.numpy(), [0.6, -0.8], rtol=1e-6)
    x.grad = None
    y = x.norm(math.inf)
    y.backward()
    assert (y.item(), x.grad.tolist()) == (4, [0, -1])


@pytest.mark.parametrize("p", [1, 2, 2.5, math.inf])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_renorm(p, dim):
    """Slices that are too long are shortened, by torch's factor; the length is a part of what is differentiated."""
    x = values((3, 4, 2), 3, low=0.5, distinct=True)
    maxnorm = float(np.median(scratchnet.norm(scratchnet.tensor(x).movedim(dim, 0).flatten(1), p, 1).array))
    check_against_torch("renorm", x, p, dim, maxnorm)
    check_against_torch("Tensor.renorm", x.astype(np.float32), p, dim, 0)
    if p == 2:
        check_gradient(lambda x: scratchnet.renorm(x, p, dim, 0.9 * maxnorm), x)


def test_renorm_in_place_and_by_hand():
    x = scratchnet.tensor([[3.0, 4.0], [0.0, 0.0], [0.3, 0.4]], dtype=scratchnet.float64)
    assert x.renorm_(2, 0, 1.0) is x
    np.testing.assert_allclose(x.array, [[0.6, 0.8], [0, 0], [0.3, 0.4]], rtol=1e-7)


@pytest.mark.parametrize("args", [(0, 0, 1), (2, 2, 1), (2, 0, -1), (math.nan, 0, 1), (2, 0, math.nan), (2, 0.5, 1),
                                  ("2", 0, 1), (2, 0, None), (2, True, 1)])  # fmt: skip
def test_renorm_refuses(args):
    x = values((2, 3), 0)
    check_against_torch("renorm", x, *args)
    check_against_torch("renorm", x[0], 2, 0, 1)
    check_against_torch("renorm", x.astype(int), 2, 0, 1)
