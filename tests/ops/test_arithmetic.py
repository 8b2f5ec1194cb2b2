"""Sums, differences, products and quotients, their operators, and which dtype they have."""

import itertools
import operator

import numpy as np
import pytest
import torch
from hypothesis import given

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, shapes, values

OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
IN_PLACE = {"+=": operator.iadd, "-=": operator.isub, "*=": operator.imul, "/=": operator.itruediv}
DTYPES = ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"]
SCALARS = [True, 3, 0, -1, 300, 0.5, -2.0]


@pytest.mark.parametrize("symbol", OPERATORS)
@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_gradient(symbol, two, seed):
    check_gradient(OPERATORS[symbol], values(two[0], seed), values(two[1], seed + 1, low=0.3))


@pytest.mark.parametrize("symbol", OPERATORS)
@given(shape=shapes(max_dims=3), seed=seeds())
def test_gradient_with_numbers(symbol, shape, seed):
    x, op = values(shape, seed, low=0.3), OPERATORS[symbol]
    check_gradient(lambda x: op(x, 2.5), x)
    check_gradient(lambda x: op(3, x), x)


@pytest.mark.parametrize("name", ["neg", "positive"])
@given(shape=shapes(max_dims=3), seed=seeds())
def test_gradient_of_one(name, shape, seed):
    check_gradient(getattr(scratchnet, name), values(shape, seed))


@given(shape=shapes(max_dims=3), seed=seeds())
def test_gradient_when_both_operands_are_one_tensor(shape, seed):
    x = values(shape, seed)
    check_gradient(lambda x: x * x + x / x - x, x)


@pytest.mark.parametrize("symbol", OPERATORS)
def test_dtypes(symbol):
    """Every pair of dtypes, with and without dimensions."""
    op = OPERATORS[symbol]
    for a, b in itertools.product(DTYPES, DTYPES):
        x, y = np.array([1, 2]).astype(a), np.array([3, 1]).astype(b)
        check_against_torch(op, x, y, torch_fn=op)
        check_against_torch(op, x[0, ...], y, torch_fn=op)
        check_against_torch(op, x, y[0, ...], torch_fn=op)


@pytest.mark.parametrize("symbol", OPERATORS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers(symbol, dtype):
    """Python numbers and NumPy scalars on either side; integers wrap around."""
    op = OPERATORS[symbol]
    x = np.array([1, 2, 200]).astype(dtype)
    for scalar in [*SCALARS, np.float64(1.5), np.float32(1.5)]:
        check_against_torch(op, x, scalar, torch_fn=op)
        check_against_torch(op, x[0, ...], scalar, torch_fn=op)
        if not isinstance(scalar, np.generic):  # NumPy scalars on the left: below
            check_against_torch(op, scalar, x, torch_fn=op)


@pytest.mark.parametrize("symbol", OPERATORS)
def test_numpy_on_the_left(symbol):
    """The result is a Tensor, not an array of Tensors."""
    op = OPERATORS[symbol]
    x = scratchnet.tensor([1.0, 2.0], requires_grad=True)
    for left in (np.array([3.0, 4.0], np.float32), np.float32(3), np.float64(3)):
        y = op(left, x)
        assert isinstance(y, scratchnet.Tensor)
        np.testing.assert_allclose(y.detach().numpy(), op(left, np.array([1.0, 2.0])), rtol=1e-6)
        y.sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize("symbol", IN_PLACE)
def test_in_place_operators(symbol):
    op = IN_PLACE[symbol]

    def on_a_copy(x, y):
        x = x.clone()
        z = op(x, y)
        assert z is x
        return z

    x = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    for y in (x, x[0], x.astype(np.float64), np.array([1, 2]), 2, 0.5, np.ones((3, 2)), None):
        check_against_torch(on_a_copy, x, y, torch_fn=on_a_copy, rtol=2e-6)  # x has the precision of float32
        check_against_torch(on_a_copy, np.array([[1, 2], [3, 4]]), y, torch_fn=on_a_copy)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "true_divide"])
def test_functions_and_methods(name):
    x, y = values((2, 3), 0), values((3,), 1)
    check_against_torch(name, x, y)
    check_against_torch(name, input=x, other=y)
    check_against_torch(f"Tensor.{name}", x, 2)
    check_against_torch(f"Tensor.{name}_", x, y, grad=False)
    check_against_torch(name, np.zeros((0, 3)), y)
    check_against_torch(name, x, np.ones(2))
    check_against_torch(name, x, "a")


@pytest.mark.parametrize(
    "alias, name", [("subtract", "sub"), ("multiply", "mul"), ("divide", "div"), ("negative", "neg")]
)
def test_aliases(alias, name):
    assert getattr(scratchnet, alias) is getattr(scratchnet, name)
    assert getattr(scratchnet.Tensor, alias) is getattr(scratchnet.Tensor, name)


@pytest.mark.parametrize("name", ["add", "sub", "rsub"])
def test_alpha(name):
    x, y = values((2, 3), 0), values((3,), 1)
    i, b = np.array([1, 2]), np.array([True, False])
    for args in [(x, y), (x, 3), (i, i), (i, 3), (i, i + 0.5), (b, i)]:
        check_against_torch(name, *args, alpha=2)
        check_against_torch(name, *args, alpha=-0.5)
    check_gradient(lambda x, y: getattr(scratchnet, name)(x, y, alpha=3), x, y)


def test_bools():
    b, c = np.array([True, False]), np.array([True, True])
    for op in (operator.add, operator.mul, operator.sub, operator.truediv):
        check_against_torch(op, b, c, torch_fn=op)
        check_against_torch(op, b, True, torch_fn=op)
    for op in (operator.neg, operator.pos):
        check_against_torch(op, b, torch_fn=op)
        check_against_torch(op, np.array([1, 2], np.uint8), torch_fn=op)


@pytest.mark.parametrize("symbol", OPERATORS)
def test_unknown_operands(symbol):
    """As in torch: unknown types are refused, unless they know what to do."""

    class Knows:
        def answer(self, other):
            return "answered"

        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = answer

    op = OPERATORS[symbol]
    assert op(scratchnet.ones(2), Knows()) == "answered"
    for unknown in (None, "a", object(), [1, 2]):
        check_against_torch(op, np.ones(2), unknown, torch_fn=op)
        check_against_torch(op, unknown, np.ones(2), torch_fn=op)


def test_shapes_that_do_not_broadcast():
    with pytest.raises(RuntimeError, match=r"Add: shapes \(2,\) and \(3,\) do not broadcast"):
        scratchnet.ones(2) + scratchnet.ones(3)


@pytest.mark.parametrize("x", [[1.0, 0.0, -1.0]])
def test_division_by_zero_is_silent(x):
    check_against_torch(operator.truediv, np.array(x), np.zeros(3), torch_fn=operator.truediv)
    check_against_torch(operator.truediv, np.array(x), 0, torch_fn=operator.truediv)
    check_against_torch(operator.truediv, np.array([1, 0]), np.array([0, 0]), torch_fn=operator.truediv)


def test_overflow_is_silent():
    x = np.array([3e38, -3e38], np.float32)
    check_against_torch(operator.mul, x, x, torch_fn=operator.mul)
    check_against_torch(operator.add, x, x, torch_fn=operator.add)


def test_by_hand():
    a = scratchnet.tensor([[1.0], [2.0]], requires_grad=True)
    b = scratchnet.tensor([3.0, 4.0], requires_grad=True)
    y = a * b - a / b
    np.testing.assert_allclose(
        y.detach().numpy(), [[3 - 1 / 3, 4 - 1 / 4], [6 - 2 / 3, 8 - 2 / 4]], rtol=1e-6
    )
    y.sum().backward()
    # dy/da = b − 1/b, summed over the row: 7 − 7/12;  dy/db = a + a/b², summed over the column: 3 + 3/b²
    np.testing.assert_allclose(a.grad.numpy(), [[7 - 7 / 12]] * 2, rtol=1e-6)
    np.testing.assert_allclose(b.grad.numpy(), [3 + 3 / 9, 3 + 3 / 16], rtol=1e-6)


def test_default_dtype_decides_what_division_of_integers_gives():
    for default, theirs in ((scratchnet.float64, torch.float64), (scratchnet.float32, torch.float32)):
        scratchnet.set_default_dtype(default)
        torch.set_default_dtype(theirs)
        check_against_torch("div", np.array([1, 2]), np.array([2, 2]))
        check_against_torch("mul", np.array([1, 2]), 0.5)
