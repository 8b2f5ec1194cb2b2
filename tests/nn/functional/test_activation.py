"""Nonlinearities: gradients to second order, torch at kinks and extremes, dtypes, in-place forms."""

import numpy as np
import pytest
import torch
from hypothesis import given

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.nn.functional.activation import Sigmoid, Tanh
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

CASES = [
    ("relu", {}),
    ("leaky_relu", {}),
    ("leaky_relu", dict(negative_slope=-0.5)),
    ("leaky_relu", dict(negative_slope=0.0)),
    ("elu", {}),
    ("elu", dict(alpha=0.3)),
    ("gelu", {}),
    ("gelu", dict(approximate="tanh")),
    ("silu", {}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("logsigmoid", {}),
    ("softplus", {}),
    ("softplus", dict(beta=3.0, threshold=2.0)),
]
OPERATIONS = {"tanh": Tanh, "sigmoid": Sigmoid}
ALL = pytest.mark.parametrize("name, kwargs", CASES)


@ALL
@given(shapes(max_dims=3, max_side=3, min_side=1), seeds())
def test_gradients(name, kwargs, shape, seed):
    x = values(shape, seed, away_from=(0.0, 2 / 3))
    check_gradient(lambda x: getattr(F, name)(x, **kwargs), x)


EXTREMES = np.array([0.0, -0.0, 1e-3, -1e-3, 5, -5, 30, -30, 1e3, -1e3, np.inf, -np.inf, np.nan])


@ALL
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_torch(name, kwargs, dtype):
    finite = EXTREMES[:-3]
    for x in (values((3, 4), 0, dtype=dtype), finite.astype(dtype), np.zeros((), dtype), np.zeros((2, 0), dtype)):
        check_against_torch(f"nn.functional.{name}", x, atol=1e-6 if dtype == np.float32 else 1e-12, **kwargs)


@ALL
def test_infinities_and_nan(name, kwargs):
    with np.errstate(all="ignore"):
        check_against_torch(f"nn.functional.{name}", EXTREMES, grad=False, **kwargs)


@ALL
def test_integers(name, kwargs):
    for dtype in (np.int64, np.bool_):
        check_against_torch(f"nn.functional.{name}", np.array([0, 1], dtype), **kwargs)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "silu"])
def test_in_place(name):
    x = Tensor(values((3,), 0), True)
    y = x * 1
    z = getattr(F, name)(y, inplace=True)
    assert z is y
    z.sum().backward()
    expected = torch.from_numpy(x.array).clone().requires_grad_()
    w = getattr(torch.nn.functional, name)(expected)
    w.sum().backward()
    np.testing.assert_allclose(z.array, w.detach().numpy())
    np.testing.assert_allclose(x.grad.array, expected.grad.numpy())
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        getattr(F, name)(x, inplace=True)


def test_methods():
    x = scratchnet.tensor([-1.0, 2.0])
    assert x.relu().tolist() == [0, 2] and x.relu_() is x and x.tolist() == [0, 2]
    check_against_torch("relu", values((3,), 0))


def test_an_unknown_approximation_is_refused():
    check_against_torch("nn.functional.gelu", np.zeros(2), approximate="sin")


LAYERS = [
    "ReLU()",
    "ReLU(inplace=True)",
    "LeakyReLU()",
    "LeakyReLU(0.2, inplace=True)",
    "ELU()",
    "ELU(0.5, True)",
    "SiLU()",
    "SiLU(inplace=True)",
    "GELU()",
    "GELU(approximate='tanh')",
    "Tanh()",
    "Sigmoid()",
    "LogSigmoid()",
    "Softplus()",
    "Softplus(2.0, 10.0)",
]


@pytest.mark.parametrize("text", LAYERS)
def test_layer(check_module, text):
    check_module(text, values((2, 3), 0), grad="True" not in text.replace("inplace", ""))


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernels_of_large_tensors_are_torchs(name, dtype):
    """Small tensors do without them, and so do the other tests here."""
    x = values((3, 2000), 0, low=-5, high=5, dtype=dtype)
    assert type(getattr(F, name)(Tensor(x, True)).grad_fn) is OPERATIONS[name]
    check_against_torch(f"nn.functional.{name}", x, atol=1e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
@given(shapes(max_dims=3, max_side=3, min_side=1), seeds())
def test_kernels_equal_the_definition(name, shape, seed):
    """Gradients to second order through the operation that has the kernels; its two forms of the gradient agree."""
    operation = OPERATIONS[name]
    x = values(shape, seed)
    check_gradient(lambda x: operation()(x), x)
    leaf = Tensor(x, True)
    fused, composed = (
        scratchnet.autograd.grad(operation()(leaf).sum(), leaf, create_graph=again)[0].detach() for again in (False, True)
    )
    np.testing.assert_allclose(fused.array, composed.array, rtol=1e-14, atol=1e-15)
