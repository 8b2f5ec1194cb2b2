"""And, or, xor and not, of truth values and of bits."""

import operator

import numpy as np
import pytest

import scratchnet
from scratchnet.testing import check_against_torch

LOGICAL = ["logical_and", "logical_or", "logical_xor"]
BITWISE = {
    "bitwise_and": (operator.and_, operator.iand),
    "bitwise_or": (operator.or_, operator.ior),
    "bitwise_xor": (operator.xor, operator.ixor),
    "bitwise_left_shift": (operator.lshift, operator.ilshift),
    "bitwise_right_shift": (operator.rshift, operator.irshift),
}
DTYPES = ["bool", "uint8", "int32", "int64", "float32"]


@pytest.mark.parametrize("name", LOGICAL)
@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("b", DTYPES)
def test_logical(name, a, b):
    x, y = np.array([0, 0, 2, 1]).astype(a), np.array([0, 3, 0, 1]).astype(b)
    check_against_torch(name, x, y)
    check_against_torch(f"Tensor.{name}", x[:, None], y)
    check_against_torch(f"Tensor.{name}_", x, y, grad=False)


@pytest.mark.parametrize("name", LOGICAL)
def test_logical_special(name):
    check_against_torch(name, np.array([np.nan, 0.0, -0.0]), np.array([1.0, np.nan, 0.0]))
    check_against_torch(name, np.ones(2), 1.0)
    check_against_torch(name, np.ones(2), np.ones(3))


@pytest.mark.parametrize("name", BITWISE)
def test_bitwise(name):
    op, iop = BITWISE[name]
    for a in DTYPES:
        x = np.array([0, 1, 5, 3]).astype(a)
        for b in DTYPES:
            y = np.array([1, 3, 2, 0]).astype(b)
            if "shift" in name and "bool" in (a, b):  # torch shifts bools if the other is no bool
                continue
            check_against_torch(name, x, y)
            check_against_torch(op, x, y, torch_fn=op)
            check_against_torch(f"Tensor.{name}_", x, y, grad=False)
            check_against_torch(iop, x, y, torch_fn=iop, grad=False)
        check_against_torch(op, x, None, torch_fn=op)
        if a != "float32" and not ("shift" in name and a == "bool"):
            check_against_torch(op, x, 3, torch_fn=op)
            check_against_torch(op, 3, x, torch_fn=op)


@pytest.mark.parametrize("dtype", DTYPES)
def test_not(dtype):
    x = np.array([0, 1, 5, 3]).astype(dtype)
    check_against_torch("logical_not", x)
    check_against_torch("Tensor.logical_not_", x, grad=False)
    check_against_torch("bitwise_not", x)
    check_against_torch(operator.invert, x, torch_fn=operator.invert)


def test_by_hand():
    x = scratchnet.tensor([0b1100])
    y = scratchnet.tensor([0b1010])
    assert [(x & y).item(), (x | y).item(), (x ^ y).item(), (~x).item()] == [0b1000, 0b1110, 0b0110, -13]
    assert [(x << 1).item(), (x >> 2).item(), (1 << y).item()] == [0b11000, 0b11, 1024]
