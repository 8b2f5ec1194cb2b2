"""round, floor, ceil, trunc, frac."""

import math

import numpy as np
import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import seeds, shapes, values

NAMES = ["round", "floor", "ceil", "trunc", "frac"]
JUMPS = [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2]


@pytest.mark.parametrize("name", NAMES)
@given(shape=shapes(max_dims=3), seed=seeds())
def test_gradient(name, shape, seed):
    check_gradient(getattr(scratchnet, name), values(shape, seed, away_from=JUMPS))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
def test_torch(name, dtype):
    x = np.array([0.0, 0.5, 1.5, 2.5, 2.7, 3.0])
    if "float" in dtype:
        x = np.concatenate([x, -x, [math.inf, -math.inf, math.nan]])
    check_against_torch(name, x.astype(dtype))
    check_against_torch(f"Tensor.{name}_", x.astype(dtype), grad=False)
    check_against_torch(name, 1.5)


def test_decimals():
    x = np.array([1234.5678, -0.125, 0.375, 5.0, math.inf, math.nan])
    for decimals in (0, 1, 2, -1, -2, -3):
        check_against_torch("round", x, decimals=decimals)
        check_against_torch("round", x.astype(np.float32), decimals=decimals)
        check_against_torch("Tensor.round_", x, decimals=decimals, grad=False)
    check_against_torch("round", np.array([15]), decimals=-1)


def test_by_hand():
    x = scratchnet.tensor([-1.5, 2.5], requires_grad=True)
    assert x.round().tolist() == [-2, 2]  # halves to even
    assert x.floor().tolist() == [-2, 2]
    assert x.ceil().tolist() == [-1, 3]
    assert x.trunc().tolist() == [-1, 2]
    y = x.frac()
    assert y.tolist() == [-0.5, 0.5]
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_fix_is_trunc():
    assert scratchnet.fix is scratchnet.trunc
