"""Comparisons, and tests for NaN, infinity and closeness."""

import math
import operator

import numpy as np
import pytest

import scratchnet
from scratchnet.testing import check_against_torch

OPERATORS = {
    f.__name__: f for f in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
}
PREDICATES = ["isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal", "signbit"]
DTYPES = ["bool", "uint8", "int64", "float16", "float32", "float64"]
SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 2.5, math.inf, -math.inf, math.nan])


@pytest.mark.parametrize("name", OPERATORS)
def test_torch(name):
    op = OPERATORS[name]
    x, y = SPECIAL[:, None], SPECIAL
    check_against_torch(name, x, y)
    check_against_torch(op, x, y, torch_fn=op)
    check_against_torch(f"Tensor.{name}", x, 1)
    check_against_torch(f"Tensor.{name}_", np.zeros((8, 8)), y, grad=False)
    check_against_torch(name, np.ones(2), np.ones(3))
    check_against_torch(name, 1.0, np.ones(3))
    check_against_torch(name, np.zeros((0, 3)), np.ones(3))
    check_against_torch(op, x, 1.0, torch_fn=op)
    check_against_torch(op, 1, x, torch_fn=op)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("b", DTYPES)
def test_dtypes(name, a, b):
    check_against_torch(name, np.array([0, 1, 2]).astype(a), np.array([2, 1, 0]).astype(b))


@pytest.mark.parametrize("name", OPERATORS)
def test_numbers_out_of_range_wrap_around(name):
    check_against_torch(name, np.array([0, 44, 255], np.uint8), -1)
    check_against_torch(name, np.array([0, 44, 255], np.uint8), 300)
    check_against_torch(name, np.array([1, 2, 3]), 2.5)
    check_against_torch(name, np.array([True, False]), 0.5)


@pytest.mark.parametrize("name", OPERATORS)
def test_unknown_operands(name):
    """`==` and `!=` say whether it is the same object; the others refuse."""
    op = OPERATORS[name]
    for other in (None, "a", object(), [1.0]):
        check_against_torch(op, np.ones(2), other, torch_fn=op)
        check_against_torch(op, other, np.ones(2), torch_fn=op)


@pytest.mark.parametrize(
    "alias, name",
    [("not_equal", "ne"), ("less", "lt"), ("less_equal", "le"), ("greater", "gt"), ("greater_equal", "ge")],
)
def test_aliases(alias, name):
    assert getattr(scratchnet, alias) is getattr(scratchnet, name)
    assert getattr(scratchnet.Tensor, alias) is getattr(scratchnet.Tensor, name)


def test_results_have_no_history():
    x = scratchnet.ones(2, requires_grad=True)
    for y in (x == x, x > 0, x.isnan()):
        assert not y.requires_grad
        assert y.grad_fn is None


@pytest.mark.parametrize("name", PREDICATES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_predicates(name, dtype):
    x = SPECIAL.astype(dtype) if "float" in dtype else np.array([0, 1, 3]).astype(dtype)
    check_against_torch(name, x)
    check_against_torch(f"Tensor.{name}", x)
    check_against_torch(name, 1.0)


@pytest.mark.parametrize("name", ["isclose", "allclose"])
def test_close(name):
    a = np.array([1.0, 1.0, 1e-9, math.inf, math.inf, math.nan, -math.inf])
    b = np.array([1.0 + 9e-6, 1.0 + 2e-5, 0.0, math.inf, -math.inf, math.nan, 1.0])
    for settings in ((), (1e-4,), (0, 1e-4), (1e-5, 1e-8, True), (0, math.inf)):  # rtol, atol, equal_nan
        check_against_torch(name, a, b, *settings)
        check_against_torch(name, a[:1], b[:1], *settings)
        check_against_torch(f"Tensor.{name}", a[:, None], b, *settings)
    check_against_torch(name, np.array([3, 4]), np.array([3, 5]))
    check_against_torch(name, np.array([3, 4], np.uint8), np.array([5, 3], np.uint8), 0, 2)
    check_against_torch(name, np.array([True, False]), np.array([True, True]))
    check_against_torch(name, np.ones(2), np.ones(2, np.float32))
    check_against_torch(name, np.ones(2), np.ones(3))
    check_against_torch(name, np.ones(2), np.ones(2), -1)
    check_against_torch(name, np.ones(2), 1.0)


def test_equal():
    x = np.ones((2, 3))
    for other in (x, x[0], x + 1, x * math.nan, x.astype(np.float32), np.zeros((0, 3)), 1.0):
        check_against_torch("equal", x, other)
        check_against_torch("Tensor.equal", x, other)


def test_isin():
    x, test = np.array([[1, 2], [3, 4]]), np.array([2, 4, 9])
    check_against_torch("isin", x, test)
    check_against_torch("isin", x, test, invert=True)
    check_against_torch("isin", x, 3)
    check_against_torch("isin", x, np.array([2.0, 2.5]))
    check_against_torch("isin", x, np.zeros((0,)))
