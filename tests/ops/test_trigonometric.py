"""Trigonometric and hyperbolic functions, and their inverses."""

import math

import numpy as np
import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, shapes, values

# name: where to draw the numbers from
FUNCTIONS = {
    "sin": {},
    "cos": {},
    "tan": {"low": -1.2, "high": 1.2},
    "asin": {"low": -0.9, "high": 0.9},
    "acos": {"low": -0.9, "high": 0.9},
    "atan": {},
    "sinh": {},
    "cosh": {},
    "tanh": {},
    "asinh": {},
    "acosh": {"low": 1.2, "high": 3},
    "atanh": {"low": -0.9, "high": 0.9},
    "deg2rad": {},
    "rad2deg": {},
}
SPECIAL = [0.0, 1.0, -1.0, 0.5, 2.0, 100.0, -100.0, 1e-30, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("name", FUNCTIONS)
@given(shape=shapes(max_dims=3), seed=seeds())
def test_gradient(name, shape, seed):
    check_gradient(getattr(scratchnet, name), values(shape, seed, **FUNCTIONS[name]))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_torch(name, dtype):
    x = values((2, 3), 0, -3, 3, away_from=()).astype(dtype)
    check_against_torch(name, x)
    check_against_torch(f"Tensor.{name}_", x + 0, grad=False)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name):
    check_against_torch(name, np.array(SPECIAL))
    check_against_torch(name, np.zeros((0, 2), np.float32))
    check_against_torch(name, np.array(0.5, np.float32))


@pytest.mark.parametrize("name", ["asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh"])
def test_aliases(name):
    alias = name.replace("a", "arc", 1)
    assert getattr(scratchnet, alias) is getattr(scratchnet, name)
    assert getattr(scratchnet.Tensor, alias) is getattr(scratchnet.Tensor, name)


@pytest.mark.parametrize("name", ["atan2", "hypot"])
@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_gradient_of_two(name, two, seed):
    check_gradient(getattr(scratchnet, name), values(two[0], seed), values(two[1], seed + 1))


@pytest.mark.parametrize("name", ["atan2", "hypot"])
def test_torch_of_two(name):
    a, b = np.meshgrid([0.0, -0.0, 1.0, -2.0, math.inf, math.nan], [0.0, 3.0, -1.0, -math.inf])
    check_against_torch(name, a.astype(np.float32)[1:], b.astype(np.float32)[1:])
    check_against_torch(name, a[1:], b[1:, :1])
    check_against_torch(name, np.ones(2), 1.0)
    check_against_torch(name, np.ones(2, np.float32), np.ones(2))
    check_against_torch(name, np.ones(2), np.ones(3))
    check_against_torch("Tensor.atan2_", np.ones(2), np.full(2, 3.0), grad=False)


def test_atan2_takes_integers_and_is_flat_at_the_origin():
    check_against_torch("atan2", np.arange(3), np.arange(3)[::-1])
    check_against_torch("atan2", np.zeros(1), np.zeros(1))


def test_by_hand():
    # the angle of (√3, 1) is π/6; x² + y² = 4, so dθ/dy = √3/4 and dθ/dx = −1/4
    y = scratchnet.tensor(1.0, requires_grad=True)
    x = scratchnet.tensor(math.sqrt(3), requires_grad=True)
    angle = scratchnet.atan2(y, x)
    angle.backward()
    assert angle.item() == pytest.approx(math.pi / 6)
    assert y.grad.item() == pytest.approx(math.sqrt(3) / 4)
    assert x.grad.item() == pytest.approx(-1 / 4)
    # tanh(½ ln 3) = (3 − 1) / (3 + 1) = ½, and its slope 1 − ¼
    x = scratchnet.tensor(0.5 * math.log(3), requires_grad=True)
    y = x.tanh()
    y.backward()
    assert y.item() == pytest.approx(0.5)
    assert x.grad.item() == pytest.approx(0.75)
