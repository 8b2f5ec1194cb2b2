"""Exponentials, logarithms, the logistic function, |x| and the sign."""

import math

import numpy as np
import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, shapes, values

# name: where to draw the numbers from, and what to keep away from
FUNCTIONS = {
    "exp": {},
    "exp2": {},
    "expm1": {},
    "log": {"low": 0.2},
    "log2": {"low": 0.2},
    "log10": {"low": 0.2},
    "log1p": {"low": -0.7},
    "sigmoid": {},
    "logit": {"low": 0.1, "high": 0.9},
    "abs": {},
    "sign": {},
}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 100.0, -100.0, 1e-30, math.inf, -math.inf, math.nan]


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
def test_special_values_and_kinks(name):
    for dtype in (np.float32, np.float64):
        x = np.array(SPECIAL, dtype)
        if name == "logit":
            x = x[~np.signbit(x)]  # the slope of ours at −0 is −∞, of torch's ∞
        check_against_torch(name, x)
    check_against_torch(name, np.zeros((2, 0), np.float32))
    check_against_torch(name, np.array(0.0))


@pytest.mark.parametrize("alias, name", [("absolute", "abs"), ("sgn", "sign")])
def test_aliases(alias, name):
    assert getattr(scratchnet, alias) is getattr(scratchnet, name)
    assert getattr(scratchnet.Tensor, alias) is getattr(scratchnet.Tensor, name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_refuses_what_is_no_tensor(name):
    with pytest.raises(TypeError, match=f"{name}.*'input'.*float"):
        getattr(scratchnet, name)(1.0)


@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_logaddexp_gradient(two, seed):
    check_gradient(scratchnet.logaddexp, values(two[0], seed), values(two[1], seed + 1))


def test_logaddexp():
    a = np.array([0.0, 1000.0, -1000.0, math.inf, -math.inf, math.inf, 2.0])
    check_against_torch("logaddexp", a, np.array([0.0, 999.0, -1001.0, 1.0, 1.0, math.inf, math.nan]))
    y = scratchnet.logaddexp(scratchnet.tensor([1000.0]), scratchnet.tensor([1000.0]))
    assert y.item() == pytest.approx(1000 + math.log(2))  # e¹⁰⁰⁰ alone would be infinite


def test_logit_with_eps():
    x = np.array([0.0, 0.05, 0.5, 0.97, 1.0, 2.0, math.nan])
    check_against_torch("logit", x, eps=0.1)
    check_against_torch("logit", x, 0.1)


def test_by_hand():
    # sigmoid(ln 3) = 1 / (1 + 1/3) = 3/4, and its slope 3/4 · 1/4 = 3/16
    x = scratchnet.tensor([math.log(3)], dtype=scratchnet.float64, requires_grad=True)
    y = x.sigmoid()
    y.backward()
    assert y.item() == pytest.approx(0.75)
    assert x.grad.item() == pytest.approx(3 / 16)
    # log2(8) = 3, and its slope 1 / (8 ln 2)
    x = scratchnet.tensor([8.0], requires_grad=True)
    y = x.log2()
    y.backward()
    assert y.item() == 3
    assert x.grad.item() == pytest.approx(1 / (8 * math.log(2)))
