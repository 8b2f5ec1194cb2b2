"""Nonlinearities: gradients to second order, torch at kinks and extremes, dtypes, in-place forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.nn.functional.activation_operation import Pointwise
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

CASES = [
    ("relu", {}),
    ("relu6", {}),
    ("threshold", dict(threshold=0.3, value=-2.0)),
    ("hardtanh", {}),
    ("hardtanh", dict(min_val=-0.3, max_val=0.2)),
    ("leaky_relu", {}),
    ("leaky_relu", dict(negative_slope=-0.5)),
    ("leaky_relu", dict(negative_slope=0.0)),
    ("rrelu", {}),
    ("hardshrink", {}),
    ("hardshrink", dict(lambd=0.3)),
    ("softshrink", {}),
    ("softshrink", dict(lambd=0.3)),
    ("hardsigmoid", {}),
    ("hardswish", {}),
    ("elu", {}),
    ("elu", dict(alpha=0.3)),
    ("selu", {}),
    ("celu", {}),
    ("celu", dict(alpha=-0.5)),
    ("gelu", {}),
    ("gelu", dict(approximate="tanh")),
    ("silu", {}),
    ("mish", {}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("logsigmoid", {}),
    ("softplus", {}),
    ("softplus", dict(beta=3.0, threshold=2.0)),
    ("softsign", {}),
    ("tanhshrink", {}),
]
KINKS = (0.0, 2 / 3, 0.2, 0.3, -0.3, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0)
IN_PLACE = ["relu", "relu6", "threshold", "hardtanh", "leaky_relu", "rrelu", "hardsigmoid", "hardswish", "elu", "selu", "celu",
            "silu", "mish"]
ALL = pytest.mark.parametrize("name, kwargs", CASES)


@ALL
@given(shapes(max_dims=3, max_side=3, min_side=1), seeds())
def test_gradients(name, kwargs, shape, seed):
    x = values(shape, seed, -4, 4, away_from=KINKS)
    check_gradient(lambda x: getattr(F, name)(x, **kwargs), x)


EXTREMES = np.array(
    [0.0, -0.0, 1e-3, -1e-3, 0.3, -0.3, 0.2, 0.5, -0.5, 1, -1, 3, -3, 5, -5, 6, 30, -30, 1e3, -1e3, np.inf, -np.inf, np.nan]
)


@ALL
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_torch(name, kwargs, dtype):
    finite = EXTREMES[:-3]
    for x in (values((3, 4), 0, dtype=dtype), finite.astype(dtype), np.zeros((), dtype), np.zeros((2, 0), dtype)):
        check_against_torch(
            f"nn.functional.{name}",
            x,
            atol=1e-6 if dtype == np.float32 else 1e-12,
            rtol=1e-7 if name == "hardsigmoid" and dtype == np.float64 else None,  # torch's 1/6 is a float32
            **kwargs,
        )


@ALL
def test_infinities_and_nan(name, kwargs):
    with np.errstate(all="ignore"):
        check_against_torch(f"nn.functional.{name}", EXTREMES, grad=False, **kwargs)


@ALL
def test_integers(name, kwargs):
    for dtype in (np.int64, np.bool_):
        check_against_torch(f"nn.functional.{name}", np.array([0, 1], dtype), **kwargs)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    args = (0.1, 2.0) if name == "threshold" else ()
    x = Tensor(values((5,), 0), True)
    y = x * 1
    z = getattr(F, name)(y, *args, inplace=True)
    assert z is y
    z.sum().backward()
    expected = torch.from_numpy(x.array).clone().requires_grad_()
    w = getattr(torch.nn.functional, name)(expected, *args)
    w.sum().backward()
    np.testing.assert_allclose(z.array, w.detach().numpy())
    np.testing.assert_allclose(x.grad.array, expected.grad.numpy())
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        getattr(F, name)(x, *args, inplace=True)
    if hasattr(torch.nn.functional, name + "_"):
        y = Tensor(x.array.copy())
        assert getattr(F, name + "_")(y, *args) is y
        np.testing.assert_allclose(y.array, w.detach().numpy())


def test_methods():
    x = scratchnet.tensor([-1.0, 2.0])
    assert x.relu().tolist() == [0, 2] and x.relu_() is x and x.tolist() == [0, 2]
    check_against_torch("relu", values((3,), 0))


def test_an_unknown_approximation_is_refused():
    check_against_torch("nn.functional.gelu", np.zeros(2), approximate="sin")


@pytest.mark.parametrize("size", [1, 1 << 15])  # the second is what compiled loops are for
def test_options_are_numbers(size):
    x = scratchnet.ones(size)
    for name in ("leaky_relu", "elu", "threshold", "hardshrink", "softplus", "celu", "leaky_relu_"):
        for option in ("a", (1, 2), None, np.ones(2)):
            with pytest.raises((TypeError, ValueError)):
                getattr(scratchnet.nn.functional, name)(x, *[option] * (1 + (name == "threshold")))


def test_refusals_are_torchs():
    x = values((2, 3), 0)
    for name, args, kwargs in [
        ("hardtanh", (x, 1.0, -1.0), {}),
        ("hardtanh", (np.array([1, 2], np.uint8), -1, 1), {}),
        ("softshrink", (x, -1.0), {}),
        ("celu", (x, 0.0), {}),
        ("rrelu", (x, 0.5, 0.1), {}),
        ("rrelu", (x, -np.inf, 0.1), {}),
        ("glu", (x, 1), {}),
        ("glu", (x, 2), {}),
        ("glu", (np.ones(()),), {}),
        ("prelu", (x, np.ones(2)), {}),
        ("prelu", (x, np.ones((1, 3))), {}),
        ("prelu", (x, np.ones(1, np.float32)), {}),
        ("prelu", (np.ones(()), np.ones(2)), {}),
    ]:
        check_against_torch(f"nn.functional.{name}", *args, **kwargs)


@given(shapes(1, 3, 1, 3), seeds(), st.data())
def test_glu(shape, seed, data):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    shape = (*shape[: dim % len(shape)], 2 * shape[dim], *shape[dim % len(shape) + 1 :])
    x = values(shape, seed)
    check_gradient(lambda x: F.glu(x, dim), x)
    check_against_torch("nn.functional.glu", x, dim=dim)


@given(shapes(0, 4, 1, 3), seeds(), st.booleans())
def test_prelu(shape, seed, per_channel):
    x = values(shape, seed, away_from=(0.0,))
    channels = shape[1] if per_channel and len(shape) > 1 else 1
    w = values((channels,), seed + 1)
    check_gradient(F.prelu, x, w)
    check_against_torch("nn.functional.prelu", x, w)


def test_prelu_at_the_kink_and_with_a_single_number():
    for w in (np.array([0.3]), np.array(0.3)):
        for x in (np.array([0.0, -0.0, 1, -2]), np.array(-1.0), np.zeros((0, 3))):
            check_against_torch("nn.functional.prelu", x, w)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_slopes_are_torchs(dtype):
    x = values((7, 9), 0, dtype=dtype)
    for library in (scratchnet, torch):
        library.manual_seed(3)
    ours, theirs = Tensor(x, True), torch.tensor(x, requires_grad=True)
    y, z = F.rrelu(ours, 0.1, 0.9, training=True), torch.nn.functional.rrelu(theirs, 0.1, 0.9, training=True)
    np.testing.assert_allclose(y.detach().array, z.detach().numpy(), rtol=1e-6)
    y.sum().backward(), z.sum().backward()
    np.testing.assert_allclose(ours.grad.array, theirs.grad.numpy(), rtol=1e-6)
    assert scratchnet.rand(1).item() == torch.rand(1).item()  # and what is drawn next
    scratchnet.manual_seed(3)
    again = Tensor(x.copy())
    assert F.rrelu_(again, 0.1, 0.9, training=True) is again and np.array_equal(again.array, y.detach().array)


@given(shapes(1, 3, 1, 3), seeds(), st.floats(0.2, 2))
def test_swish(shape, seed, beta):
    x = values(shape, seed)
    check_gradient(F.swish, x, np.array(beta))
    np.testing.assert_allclose(F.swish(Tensor(x)).array, F.silu(Tensor(x)).array, rtol=1e-12)
    check_against_torch(F.swish, x, np.array(beta), torch_fn=lambda x, b: x * torch.sigmoid(x * b))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), seeds())
def test_maxout(batch, groups, pieces, seed):
    x = values((batch, groups * pieces, 2), seed)
    check_gradient(lambda x: F.maxout(x, pieces), x)
    check_against_torch(
        lambda x: F.maxout(x, pieces), x, torch_fn=lambda x: x.reshape(batch, groups, pieces, 2).max(2).values
    )
    with pytest.raises(RuntimeError, match="maxout"):
        F.maxout(Tensor(x), 4 * groups * pieces)
    with pytest.raises(IndexError, match="maxout"):
        F.maxout(Tensor(x), 1, 3)


def test_examples_by_hand():
    x = Tensor(np.array([-2.0, 0, 1]))
    assert F.relu6(x * 8).tolist() == [0, 0, 6]
    assert F.hardswish(x).tolist() == [-1 / 3, 0, 4 / 6]
    assert F.softsign(x).tolist() == [-2 / 3, 0, 0.5]
    assert F.maxout(Tensor(np.array([[1.0, 5, 2, -3]])), 2).tolist() == [[5, 2]]


LAYERS = [
    "ReLU()",
    "ReLU(inplace=True)",
    "ReLU6()",
    "ReLU6(inplace=True)",
    "LeakyReLU()",
    "LeakyReLU(0.2, inplace=True)",
    "ELU()",
    "ELU(0.5, True)",
    "SELU()",
    "SELU(inplace=True)",
    "CELU()",
    "CELU(0.5, True)",
    "SiLU()",
    "SiLU(inplace=True)",
    "Mish()",
    "Mish(inplace=True)",
    "GELU()",
    "GELU(approximate='tanh')",
    "Tanh()",
    "Sigmoid()",
    "LogSigmoid()",
    "Softplus()",
    "Softplus(2.0, 10.0)",
    "Softsign()",
    "Tanhshrink()",
    "Threshold(0.1, 2)",
    "Threshold(0.1, 2, inplace=True)",
    "Hardtanh()",
    "Hardtanh(-0.5, 0.2, inplace=True)",
    "Hardsigmoid(inplace=True)",
    "Hardswish()",
    "Hardswish(inplace=True)",
    "Hardshrink()",
    "Hardshrink(0.1)",
    "Softshrink(0.1)",
    "GLU(0)",
    "PReLU()",
    "PReLU(3, 0.1)",
    "Softmin(1)",
    "Softmax(0)",
    "LogSoftmax(1)",
]


@pytest.mark.parametrize("text", LAYERS)
def test_layer(check_module, text):
    check_module(text, values((2, 3), 0), grad="True" not in text.replace("inplace", ""))


def test_hardsigmoid_layer(check_module):
    check_module("Hardsigmoid()", values((2, 3), 0, dtype=np.float32))


def test_layers_of_channels(check_module):
    check_module("PReLU(3)", values((2, 3, 4), 0))
    check_module("Softmax2d()", values((2, 3, 4, 2), 0))
    for library, x in ((scratchnet, scratchnet.ones(2)), (torch, torch.ones(2))):
        with pytest.raises(ValueError, match="3D or 4D"):
            library.nn.Softmax2d()(x)


def test_randomized_layer():
    layer = scratchnet.nn.RReLU(0.1, 0.3)
    assert repr(layer) == repr(torch.nn.RReLU(0.1, 0.3))
    x = scratchnet.full((100,), -1.0)
    y = layer(x).array
    assert (y > -0.3).all() and (y <= -0.1).all() and len(set(y.tolist())) > 50
    np.testing.assert_allclose(layer.eval()(x).array, np.full(100, -0.2), rtol=1e-6)


def test_layers_beyond_torch():
    x = scratchnet.tensor([[1.0, 2.0], [-1.0, 0.5]])
    layer = scratchnet.nn.Swish(2.0)
    assert list(layer.state_dict()) == ["beta"] and repr(scratchnet.nn.Maxout(2)) == "Maxout(pieces=2, dim=1)"
    np.testing.assert_allclose(layer(x).detach().array, x.array / (1 + np.exp(-2 * x.array)), rtol=1e-6)
    layer(x).sum().backward()
    assert layer.beta.grad.shape == ()
    assert scratchnet.nn.Maxout(2)(x).tolist() == [[2], [0.5]]


def test_hardtanh_takes_its_older_arguments():
    for library in (scratchnet, torch):
        with pytest.warns(FutureWarning, match="min_value"):
            layer = library.nn.Hardtanh(min_value=-2.0)
        assert layer.min_val == -2
        with pytest.raises(AssertionError):
            library.nn.Hardtanh(1.0, 1.0)


LARGE = [case for case in CASES if case[0] in ("relu", "gelu", "elu", "tanh", "sigmoid", "hardtanh")]


@pytest.mark.parametrize("name, kwargs", LARGE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_tensors_are_torchs(name, kwargs, dtype):
    """Small ones are left to NumPy, and so are most tests here."""
    x = values((6, 4000), 0, low=-4, high=4, dtype=dtype)
    check_against_torch(f"nn.functional.{name}", x, atol=1e-6 if dtype == np.float32 else 1e-12, **kwargs)


OPERATIONS = Pointwise.__subclasses__()
PARAMETERS = {"Threshold": (0.1, 2.0), "Hardtanh": (-1, 1.5), "LeakyReLU": (0.01,), "Hardshrink": (0.5,), "Softshrink": (0.5,),
              "ELU": (1.5, 1.1, 0.7), "Softplus": (2.0, 20.0)}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_kernel_of_the_gradient_equals_the_definition(operation):
    x = values((3, 30), 0, -8, 8)
    arguments = PARAMETERS.get(operation.__name__, ())
    leaf = Tensor(x, True)
    fused, composed = (
        scratchnet.autograd.grad(operation(*arguments)(leaf).sum(), leaf, create_graph=again)[0].detach()
        for again in (False, True)
    )
    np.testing.assert_allclose(fused.array, composed.array, rtol=1e-12, atol=1e-14)
    if operation.__name__ in ("Sigmoid", "Tanh"):
        check_gradient(lambda x: operation()(x), x[:1, :5] / 4)
