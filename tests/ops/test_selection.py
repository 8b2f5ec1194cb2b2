"""where, maximum, minimum, clamp, nan_to_num."""

import math

import numpy as np
import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, shapes, values

PAIRS = ["maximum", "minimum", "fmax", "fmin"]
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 2.5, math.inf, -math.inf, math.nan])


def distinct(two, seed):
    """Numbers of the two shapes, no two of them nearly equal."""
    n = [int(np.prod(shape)) for shape in two]
    x = values((sum(n),), seed, distinct=True)
    return x[: n[0]].reshape(two[0]), x[n[0] :].reshape(two[1])


# ---- where -------------------------------------------------------------------------------------------------
@given(three=broadcastable(3, max_dims=3), seed=seeds())
def test_where_gradient(three, seed):
    condition = values(three[0], seed, away_from=()) > 0
    check_gradient(
        scratchnet.where, np.asarray(condition), values(three[1], seed), values(three[2], seed + 1)
    )


@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_where_gradient_with_numbers(two, seed):
    condition, x = np.asarray(values(two[0], seed) > 0), values(two[1], seed + 1)
    check_gradient(lambda c, x: scratchnet.where(c, x, 0.0), condition, x)
    check_gradient(lambda c, x: scratchnet.where(c, 0.0, x), condition, x)
    check_gradient(lambda c, x: x.where(c, 2.0), condition, x)


def test_where():
    c, x, y = np.array([[True, False], [False, True]]), SPECIAL[:2], np.array([[3.0], [math.nan]])
    check_against_torch("where", c, x, y)
    check_against_torch("Tensor.where", x, c, y)
    for other in (2, 2.5, 0.0, 0, True, math.inf):
        check_against_torch("where", c, x, other)
        check_against_torch("where", c, other, x)
        check_against_torch("where", c, np.array([1, 2]), other)
        check_against_torch("where", c, np.array([True, False]), other)
        check_against_torch("where", c, other, 3)
    check_against_torch("where", c, x, y.astype(np.float32))
    check_against_torch("where", c, x.astype(np.float32), np.array(1.0))
    check_against_torch("where", c.astype(np.uint8) * 2, x, 0.0)
    check_against_torch("where", c, x.astype(np.float16), 0.0)
    check_against_torch("where", np.zeros((0, 2), bool), x, y[:1])


def test_where_refuses():
    check_against_torch("where", np.ones(2), np.ones(2), np.ones(2))
    check_against_torch("where", np.ones(2, bool), np.ones(2), np.ones(3))
    check_against_torch("where", True, np.ones(2), np.ones(2))
    check_against_torch("where", np.ones(2, bool), np.ones(2), "a")


def test_where_of_the_condition_alone():
    check_against_torch("where", np.array([[True, False], [True, True]]))
    check_against_torch("where", np.array([[0.0, 2.0]]))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_where_drops_infinities_and_nan(dtype):
    """What is not chosen is exactly 0, even if it is infinite: the slope of √relu(x) is 0 below 0, not NaN."""
    x = scratchnet.tensor([-1.0, 4.0], dtype=getattr(scratchnet, dtype), requires_grad=True)
    x.relu().sqrt().sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]
    bad = scratchnet.tensor([math.inf, math.nan, -math.inf, 5.0], dtype=x.dtype)
    keep = scratchnet.tensor([False, False, False, True])
    assert scratchnet.where(keep, bad, 0.0).tolist() == [0.0, 0.0, 0.0, 5.0]
    assert scratchnet.where(~keep, 0.0, bad).tolist() == [0.0, 0.0, 0.0, 5.0]


# ---- maximum and minimum -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PAIRS)
@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_pair_gradient(name, two, seed):
    check_gradient(getattr(scratchnet, name), *distinct(two, seed))


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name):
    """With every pair of special values: ties and NaN, and where their gradients go."""
    check_against_torch(name, SPECIAL[:, None], SPECIAL)
    check_against_torch(f"Tensor.{name}", SPECIAL.astype(np.float32), np.ones(8))
    check_against_torch(name, np.array([1, 2]), np.array([2, 2]))
    check_against_torch(name, np.array([True, False]), np.array([True, True]))
    check_against_torch(name, np.array([1, 2]), np.array([1.5, 1.5], np.float32))
    check_against_torch(name, np.ones(2), 1.0)
    check_against_torch(name, np.ones(2), np.ones(3))
    check_against_torch(name, np.zeros((2, 0)), np.ones(1))


def test_maximum_by_hand():
    a = scratchnet.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = scratchnet.tensor([2.0], requires_grad=True)
    scratchnet.maximum(a, b).sum().backward()
    assert a.grad.tolist() == [0, 0.5, 1]  # the tie is split
    assert b.grad.tolist() == [1.5]


def test_heaviside():
    for dtype in ("float32", "float64", "int64"):
        x = np.array([-2, 0, 3, -0.0]).astype(dtype)
        check_against_torch("heaviside", x, np.array([5]).astype(dtype), grad=False)
    check_against_torch("Tensor.heaviside", SPECIAL, np.full(8, 0.5), grad=False)
    check_against_torch("heaviside", np.ones(2), np.ones(2, np.float32))
    check_against_torch("heaviside", np.ones(2), 1.0)


# ---- clamp -------------------------------------------------------------------------------------------------
@given(shape=shapes(max_dims=3), seed=seeds())
def test_clamp_gradient(shape, seed):
    x = values(shape, seed, away_from=(-0.5, 1))
    check_gradient(lambda x: x.clamp(-0.5, 1), x)
    check_gradient(lambda x: x.clamp_min(-0.5) + x.clamp_max(1), x)


@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_clamp_gradient_with_tensors(two, seed):
    x, low = distinct(two, seed)
    check_gradient(scratchnet.clamp, x, low - 0.5, low + 0.7)
    check_gradient(lambda x, low: scratchnet.clamp(x, min=low), x, low)
    check_gradient(lambda x, high: scratchnet.clamp(x, max=high), x, low)


def test_clamp():
    for low, high in (
        (-0.5, 1),
        (None, 1.0),
        (0, None),
        (2, 1),
        (0, math.nan),
        (1.0, 1.0),
        (-math.inf, math.inf),
    ):
        for x in (SPECIAL, SPECIAL[:4].astype(np.float32), np.array([-1, 0, 1, 2]), np.array([True, False])):
            check_against_torch("clamp", x, low, high)
            check_against_torch("Tensor.clip", x, min=low, max=high)
            check_against_torch("Tensor.clamp_", x, low, high, grad=False)


def test_clamp_with_tensors():
    low, high = np.array([[1.0], [3.0], [math.nan]]), np.array([2.0, 3.0, 1.0, 5.0, 1, 1, 1, 1])
    x = np.stack([SPECIAL] * 3)  # torch has no gradient for an input that is broadcast
    check_against_torch("clamp", x, low, high)  # where low > high, and at the bounds, too
    check_against_torch("clamp", x, low)
    check_against_torch("clamp", x, max=high)
    check_against_torch("clamp_min", x, low)
    check_against_torch("clamp_max", x, high)
    check_against_torch("clamp", np.array([1, 2]), np.array([1.5, 1.5]), np.array([3, 3]))
    check_against_torch("Tensor.clamp_min_", np.array([1.0, 2.0]), 1.5, grad=False)
    check_against_torch("Tensor.clamp_max_", np.array([1.0, 2.0]), 1.5, grad=False)


def test_clamp_refuses():
    check_against_torch("clamp", np.ones(2))
    check_against_torch("clamp", np.ones(2), np.ones(2), 3.0)
    check_against_torch("clamp", 1.0, 0.0, 1.0)
    for x in (scratchnet.ones(2), scratchnet.tensor([1, 3])):
        assert scratchnet.clamp(x, scratchnet.tensor(0.5), 2).tolist() == [1, x[1].clamp(max=2)]  # as in torch
    with pytest.raises(TypeError, match="two numbers or two Tensors, got Tensor and float"):
        scratchnet.clamp(scratchnet.ones(2), scratchnet.tensor(1.0, requires_grad=True), 3.0)
    with pytest.raises(TypeError, match="two numbers or two Tensors, got Tensor and float"):
        scratchnet.clamp(scratchnet.ones(2), scratchnet.ones(2), 3.0)


# ---- nan_to_num --------------------------------------------------------------------------------------------
@given(shape=shapes(max_dims=3), seed=seeds())
def test_nan_to_num_gradient(shape, seed):
    check_gradient(scratchnet.nan_to_num, values(shape, seed))


def test_nan_to_num():
    for x in (SPECIAL, SPECIAL.astype(np.float32), SPECIAL.astype(np.float16), np.array([1, 2])):
        check_against_torch("nan_to_num", x)
        check_against_torch("nan_to_num", x, 1.0, posinf=3.0, neginf=-3.0)
        check_against_torch("Tensor.nan_to_num_", x, grad=False)
