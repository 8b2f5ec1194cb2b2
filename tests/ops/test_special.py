"""erf, erfc, erfinv, lgamma, digamma, polygamma."""

import math

import numpy as np
import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import seeds, shapes, values

FUNCTIONS = {
    "erf": {},
    "erfc": {},
    "erfinv": {"low": -0.9, "high": 0.9},
    "lgamma": {"low": 0.3, "high": 4},
    "digamma": {"low": 0.3, "high": 4},
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(shape=shapes(max_dims=3), seed=seeds())
def test_gradient(name, shape, seed):
    check_gradient(getattr(scratchnet, name), values(shape, seed, **FUNCTIONS[name]))


@pytest.mark.parametrize("n", [0, 1, 2])
@given(shape=shapes(max_dims=3), seed=seeds())
def test_polygamma_gradient(n, shape, seed):
    check_gradient(lambda x: scratchnet.polygamma(n, x), values(shape, seed, 0.5, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_torch(name, dtype):
    x = np.array([[0.3, 0.9, 1.0], [2.0, 3.7, 5.0]]).astype(dtype)
    if name == "erfinv":
        x = np.array([-0.99, -0.5, 0.0, 0.7]).astype(dtype)
    elif name in ("lgamma", "digamma") and "float" not in dtype:
        x = x + 1
    check_against_torch(name, x)
    check_against_torch(f"Tensor.{name}_", x, grad=False)
    check_against_torch(name, np.zeros((0, 2), dtype))
    check_against_torch(name, 1.0)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name):
    x = {
        "erfinv": [0.0, 1.0, -1.0, 2.0, math.nan],
        "lgamma": [0.5, -0.5, -2.5, 1.0, 1e5, math.inf, -math.inf, math.nan, 0.0, -1.0],
        "digamma": [0.5, -0.5, -2.5, 1.0, 1e5, math.nan, 0.0, -1.0],
    }.get(name, [0.0, -5.0, 5.0, 30.0, math.inf, -math.inf, math.nan])
    check_against_torch(name, np.array(x), grad=name.startswith("erf"))
    check_against_torch(name, np.clip(x, -1e4, 1e4).astype(np.float16), grad=False, rtol=5e-3)


def test_polygamma():
    x = np.array([0.5, 1.0, 2.5, 10.0])
    for n in range(4):
        check_against_torch("polygamma", n, x)
        check_against_torch("polygamma", n, x.astype(np.float32))
        check_against_torch("Tensor.polygamma", x, n)
        check_against_torch("Tensor.polygamma_", x, n, grad=False)
    check_against_torch("polygamma", 1, np.array([1, 2]))
    check_against_torch("polygamma", -1, x)


def test_by_hand():
    # lgamma(5) = ln 4!, and its slope ψ(5) = 1 + 1/2 + 1/3 + 1/4 − γ
    x = scratchnet.tensor(5.0, dtype=scratchnet.float64, requires_grad=True)
    y = x.lgamma()
    y.backward()
    assert y.item() == pytest.approx(math.log(24))
    assert x.grad.item() == pytest.approx(25 / 12 - 0.5772156649015329)
    # erf′(0) = 2/√π
    x = scratchnet.tensor(0.0, requires_grad=True)
    x.erf().backward()
    assert x.grad.item() == pytest.approx(2 / math.sqrt(math.pi))
