"""Powers and roots."""

import itertools
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, shapes, values

EXPONENTS = [0, 1, 2, 3, -1, -2, 0.5, -0.5, 1.5, 2.0, 0.0]
ROOTS = ["sqrt", "rsqrt", "reciprocal", "square"]
SPECIAL = np.array([0.0, 1.0, -1.0, 0.5, -2.0, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("name", ROOTS)
@given(shape=shapes(max_dims=3), seed=seeds())
def test_gradient_of_roots(name, shape, seed):
    low = 0.2 if "sqrt" in name else -2
    check_gradient(getattr(scratchnet, name), values(shape, seed, low, away_from=(0,), gap=0.2))


@given(shape=shapes(max_dims=3), seed=seeds(), exponent=st.sampled_from(EXPONENTS))
def test_gradient_with_a_number_above(shape, seed, exponent):
    low = -2 if exponent == int(exponent) else 0.2
    check_gradient(lambda x: x**exponent, values(shape, seed, low, gap=0.3))


@given(shape=shapes(max_dims=3), seed=seeds(), base=st.sampled_from([2, 0.5, 1, 3.0]))
def test_gradient_with_a_number_below(shape, seed, base):
    check_gradient(lambda x: base**x, values(shape, seed))


@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_gradient_with_tensors(two, seed):
    check_gradient(scratchnet.pow, values(two[0], seed, low=0.3), values(two[1], seed + 1))


@pytest.mark.parametrize("name", ROOTS)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
def test_roots(name, dtype):
    x = np.array([[1, 4, 9], [2, 3, 5]]).astype(dtype)
    check_against_torch(name, x)
    check_against_torch(f"Tensor.{name}_", x, grad=False)
    if "float" in dtype:
        check_against_torch(name, SPECIAL.astype(dtype))


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_numbers_above(exponent):
    for x in (
        SPECIAL,
        SPECIAL.astype(np.float32),
        np.array([0, 1, 2, -3]),
        np.array([True, False]),
        np.array(2.0),
    ):
        check_against_torch(operator.pow, x, exponent, torch_fn=operator.pow)
        check_against_torch("pow", x, exponent)


@pytest.mark.parametrize("base", [0, 1, 2, -2, 0.5, 0.0, -0.5])
def test_numbers_below(base):
    for x in (
        SPECIAL,
        SPECIAL.astype(np.float32),
        np.array([0, 1, 2, 3]),
        np.array([True, False]),
        np.array(2.0),
    ):
        check_against_torch(operator.pow, base, x, torch_fn=operator.pow)
        check_against_torch("pow", base, x)


def test_tensors():
    base, exponent = (np.array(side) for side in zip(*itertools.product(SPECIAL, SPECIAL)))
    check_against_torch("pow", base, exponent)
    check_against_torch("pow", base.astype(np.float32), np.array([2.0]))
    check_against_torch("pow", np.array([[2.0], [3.0]]), np.array([1, 2, 0]))
    check_against_torch("pow", np.ones(2), np.ones(3))


@pytest.mark.parametrize("a", ["bool", "uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("b", ["bool", "uint8", "int64", "float32", "float64"])
def test_dtypes(a, b):
    x, y = np.array([1, 2, 3]).astype(a), np.array([2, 0, 3]).astype(b)
    grad = b != "bool"  # torch subtracts 1 from the exponent, which it refuses for bools
    check_against_torch("pow", x, y, grad=grad)
    check_against_torch("pow", x, y[0, ...], grad=grad)
    check_against_torch("pow", x[1, ...], y, grad=grad)


def test_integers_and_negative_powers():
    check_against_torch("pow", np.array([2]), -1)  # refused
    check_against_torch("pow", np.array([True]), -1)
    x, y = (np.array(side) for side in zip(*itertools.product([-2, -1, 0, 1, 2], [-3, -2, -1, 0, 1, 2])))
    some = (x != 0) | (y >= 0)  # 0 to a negative power: anything
    check_against_torch("pow", x[some], y[some])
    check_against_torch("pow", 2, np.array([-1, 3]))
    check_against_torch("pow", np.array([2], np.uint8), 9)


def test_bools():
    for x in (np.array([True, False]), np.array([2, 0]), np.array([0.5, 0.0])):
        check_against_torch("pow", x, True, grad=False)
        check_against_torch("pow", x, False, grad=False)
        check_against_torch("pow", True, x, grad=False)


def test_in_place_and_float_power():
    x = np.array([1.0, 2.0, 3.0], np.float32)
    check_against_torch("Tensor.pow_", x, 2, grad=False)
    check_against_torch("Tensor.pow_", x, x, grad=False)
    check_against_torch(operator.ipow, x, 3, torch_fn=operator.ipow, grad=False)
    check_against_torch("Tensor.pow_", np.array([1, 2]), 0.5, grad=False)
    check_against_torch("float_power", x, 2)
    check_against_torch("float_power", np.array([1, 2]), np.array([2, -1]))


def test_refusals():
    for other in (None, "a", [2.0]):
        check_against_torch(operator.pow, np.ones(2), other, torch_fn=operator.pow)
        check_against_torch(operator.pow, other, np.ones(2), torch_fn=operator.pow)
    check_against_torch("pow", 2, 3)
    with pytest.raises(RuntimeError, match="negative integer powers"):
        scratchnet.tensor([2]) ** -1


def test_infinite_gradients_do_not_become_nan_at_power_zero():
    x = scratchnet.tensor([0.0, 2.0], requires_grad=True)
    y = x**0
    y.backward(scratchnet.tensor([float("inf"), 1.0]))
    assert x.grad.tolist() == [0.0, 0.0]


def test_by_hand():
    # y = xᶻ at x = 2, z = 3: dy/dx = 3 · 4, dy/dz = 8 ln 2, d²y/dx² = 6 · 2
    x, z = scratchnet.tensor(2.0, requires_grad=True), scratchnet.tensor(3.0, requires_grad=True)
    y = x**z
    dx, dz = scratchnet.autograd.grad(y, (x, z), create_graph=True)
    (dxx,) = scratchnet.autograd.grad(dx, x)
    assert (y.item(), dx.item(), dxx.item()) == (8, 12, 12)
    assert dz.item() == pytest.approx(8 * np.log(2))
