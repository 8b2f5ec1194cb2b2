"""Division that rounds, and its remainders."""

import operator

import numpy as np
import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, values

OPERATORS = {"//": operator.floordiv, "%": operator.mod}
MODES = [None, "floor", "trunc"]
# every combination of signs, exact and inexact
DIVIDENDS, DIVISORS = (
    np.array([7.0, -7.0, 7.0, -7.0, 6.0, -6.0, 0.5]),
    np.array([3.0, 3.0, -3.0, -3.0, -3.0, 3.0, 2.0]),
)


def apart(two, seed):
    """Dividends and divisors whose quotients keep away from whole numbers, where the functions jump."""
    divisor = np.sign(values(two[1], seed)) * values(two[1], seed + 2, low=1, high=1.1)
    whole = np.round(values(two[0], seed + 1, -3, 3, away_from=()))
    dividend = whole + values(two[0], seed, low=0.4, high=0.6, away_from=())
    return np.asarray(dividend), np.asarray(divisor)


@pytest.mark.parametrize("name", ["remainder", "fmod"])
@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_gradient(name, two, seed):
    x, y = apart(two, seed)
    check_gradient(getattr(scratchnet, name), x, y)
    check_gradient(lambda x: getattr(scratchnet, name)(x, -1.0), x)


@pytest.mark.parametrize("mode", MODES)
@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_div_gradient(mode, two, seed):
    check_gradient(lambda x, y: scratchnet.div(x, y, rounding_mode=mode), *apart(two, seed))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float16", "float32", "float64"])
def test_torch(dtype):
    x, y = DIVIDENDS.astype(dtype), DIVISORS.astype(dtype)
    if dtype == "uint8":
        x, y = abs(DIVIDENDS).astype(dtype), abs(DIVISORS).astype(dtype)
    for mode in MODES:
        check_against_torch("div", x, y, rounding_mode=mode)
        check_against_torch("div", x, 2, rounding_mode=mode)
        check_against_torch("div", x, 2.5, rounding_mode=mode)
        check_against_torch("Tensor.div_", x, y, rounding_mode=mode, grad=False)
    for name in ("remainder", "fmod", "floor_divide"):
        # torch refuses the derivative of floor_divide; here too, below
        grad = name != "floor_divide"
        check_against_torch(name, x, y, grad=grad)
        check_against_torch(name, x[:, None], y, grad=grad)
        check_against_torch(f"Tensor.{name}", x, 2, grad=grad)
        check_against_torch(f"Tensor.{name}_", x, y, grad=False)


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators(symbol):
    op = OPERATORS[symbol]
    for x in (DIVIDENDS, DIVISORS.astype(np.float32), DIVISORS.astype(np.int64)):
        for other in (x[::-1].copy(), 2, -2.0, True, None, "a"):
            check_against_torch(op, x, other, torch_fn=op, grad=False)
        x = x[x != 0]
        for other in (7, -7.0, None):
            check_against_torch(op, other, x, torch_fn=op, grad=False)
    iop = {"//": operator.ifloordiv, "%": operator.imod}[symbol]
    check_against_torch(iop, DIVIDENDS, DIVISORS, torch_fn=iop, grad=False)


@pytest.mark.parametrize("name", ["remainder", "fmod", "floor_divide"])
def test_zero_and_infinity(name):
    x = np.array([1.0, -1.0, 0.0, np.inf, -np.inf, np.nan, 2.0, -2.0, 2.0])
    y = np.array([0.0, 0.0, 0.0, 2.0, 2.0, 2.0, np.inf, np.inf, -np.inf])
    check_against_torch(name, x, y, grad=False)
    check_against_torch(name, np.array([1, 0]), np.array([1, 0]))
    check_against_torch(name, np.array([1, 0]), 0)
    check_against_torch(name, np.array([True]), np.array([True]))
    check_against_torch(name, np.array([True]), 2)


@pytest.mark.parametrize("mode", MODES)
def test_div_by_zero(mode):
    x = np.array([1.0, -1.0, 0.0, np.inf, np.nan])
    check_against_torch("div", x, np.zeros(5), rounding_mode=mode, grad=False)
    check_against_torch("div", np.array([1, 2]), np.array([0, 1]), rounding_mode=mode)


def test_large_integers_are_divided_exactly():
    x = np.array([2**62 + 1, -(2**62) - 1, 2**53 + 1])
    for mode in ("floor", "trunc"):
        check_against_torch("div", x, np.array([3, 3, -1]), rounding_mode=mode)
    assert scratchnet.div(scratchnet.tensor(2**62 + 1), 1, rounding_mode="trunc").item() == 2**62 + 1


def test_refusals():
    check_against_torch("div", np.ones(2), 2.0, rounding_mode="up")
    with pytest.raises(RuntimeError, match="'trunc' or 'floor', got 'up'"):
        scratchnet.div(scratchnet.ones(2), 2.0, rounding_mode="up")
    y = scratchnet.ones(2, requires_grad=True) // 2
    with pytest.raises(RuntimeError, match="no derivative"):
        y.sum().backward()


def test_by_hand():
    # −7 = 3 · (−3) + 2 = 3 · (−2) − 1
    x, y = scratchnet.tensor(-7.0, requires_grad=True), scratchnet.tensor(3.0, requires_grad=True)
    r = x % y
    r.backward()
    assert (r.item(), x.grad.item(), y.grad.item()) == (2, 1, 3)
    x.grad = y.grad = None
    r = scratchnet.fmod(x, y)
    r.backward()
    assert (r.item(), x.grad.item(), y.grad.item()) == (-1, 1, 2)
