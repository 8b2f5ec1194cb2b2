"""Sums, differences, products and quotients: the operators `+ - * /`, and what is built of them.

Every operation broadcasts; the engine sums the gradients of what was broadcast.
"""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import OPERANDS, check_tensor, elementwise
from scratchnet.ops.promotion import promote, result_type, settled

__all__ = [
    "add",
    "div",
    "divide",
    "mul",
    "multiply",
    "neg",
    "negative",
    "positive",
    "rsub",
    "sub",
    "subtract",
    "true_divide",
]


class Add(Function):
    """y = a + b.  dL/da = g,  dL/db = g"""

    reads = NOTHING
    arithmetic = True

    def forward(self, a: Any, b: Any) -> Any:
        return a + b

    def backward(self, g: Any) -> Any:
        return g, g


class Sub(Function):
    """y = a − b.  dL/da = g,  dL/db = −g"""

    reads = NOTHING
    arithmetic = True

    def forward(self, a: Any, b: Any) -> Any:
        return a - b

    def backward(self, g: Any) -> Any:
        return g, -g if self.needs_input_grad[1] else None


class Mul(Function):
    """y = a · b.  dL/da = g · b,  dL/db = g · a"""

    reads = ((1,), (0,))
    arithmetic = True

    def forward(self, a: Any, b: Any) -> Any:
        return a * b

    def backward(self, g: Any) -> Any:
        a, b = self.inputs
        need_a, need_b = self.needs_input_grad
        return g * b if need_a else None, g * a if need_b else None


class Div(Function):
    """y = a / b.  dL/da = g / b,  dL/db = −g · (a / b) / b"""

    reads = ((1,), (0, 1))
    arithmetic = True

    def forward(self, a: Any, b: Any) -> Any:
        return a / b

    def backward(self, g: Any) -> Any:
        a, b = self.inputs
        need_a, need_b = self.needs_input_grad
        return g / b if need_a else None, -g * (a / b / b) if need_b else None


class Neg(Function):
    """y = −x.  dL/dx = −g"""

    reads = NOTHING
    arithmetic = True

    def forward(self, x: Any) -> Any:
        try:
            return -x
        except TypeError:
            raise RuntimeError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert "
                "a mask, use the `~` or `logical_not()` operator instead."
            ) from None

    def backward(self, g: Any) -> Any:
        return -g


# ---- functions ---------------------------------------------------------------------------------------------
@method("add")
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha · other, elementwise with broadcasting.

    Parameters
    ----------
    input, other : Tensor or number
    alpha : number
        Multiplies `other`.

    Raises
    ------
    RuntimeError
        If the shapes do not broadcast, or if `alpha` is a float and both operands are integers.
    """
    if alpha != 1:
        other = _scaled(input, other, alpha, "add")
    return Add()(*promote(input, other, function="add"))


@method("sub", "subtract")
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input − alpha · other, elementwise with broadcasting. Bools are refused, as in torch."""
    if _is_bool(input) or _is_bool(other):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. Use the `^` or "
            "`logical_xor()` operator instead, or `~` to invert a mask."
        )
    if alpha != 1:
        other = _scaled(input, other, alpha, "sub")
    return Sub()(*promote(input, other, function="sub"))


def rsub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """other − alpha · input: subtraction the other way round."""
    return sub(other, input, alpha=alpha)


def _is_bool(x: Any) -> bool:
    return x.array.dtype.kind == "b" if isinstance(x, Tensor) else isinstance(x, bool)


def _scaled(input: Any, other: Any, alpha: Any, function: str) -> Any:
    if isinstance(alpha, float) and result_type(input, other).kind != "f":
        raise RuntimeError(
            f"{function}: for integral input tensors, argument alpha must not be a floating point number"
        )
    return mul(other, alpha) if isinstance(other, Tensor) else other * alpha


@method("mul", "multiply")
def mul(input: Any, other: Any) -> Tensor:
    """input · other, elementwise with broadcasting."""
    return Mul()(*promote(input, other, function="mul"))


@method("div", "divide")
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other, elementwise with broadcasting.

    Parameters
    ----------
    input, other : Tensor or number
    rounding_mode : None, "trunc" or "floor"
        None: the quotient, in floating point for integers too. "trunc" rounds towards zero as C does, "floor"
        down as Python's `//` does; integers stay integers then, and the gradient is zero.

    Raises
    ------
    RuntimeError
        If `rounding_mode` is something else, or for integers divided by 0 with rounding.
    """
    if rounding_mode is None:
        return Div()(*promote(input, other, function="div", floating=True))
    from scratchnet.ops.division import rounded_quotient

    return rounded_quotient(input, other, rounding_mode)


@method("true_divide")
def true_divide(input: Any, other: Any) -> Tensor:
    """input / other: `div` without rounding."""
    return div(input, other)


neg = negative = elementwise(Neg, "neg", "negative", "__neg__", floating=False)
subtract, multiply, divide = sub, mul, div


@method("positive", "__pos__")
def positive(input: Tensor) -> Tensor:
    """The tensor itself; bools have no sign."""
    check_tensor(input, "positive")
    if input.array.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# ---- operators ---------------------------------------------------------------------------------------------
# The commonest operations of all: one look at the types, and straight to the Function.
@method()
def __add__(self: Tensor, other: Any) -> Tensor:
    if settled(self, other):
        return Add()(self, other)
    return add(self, other) if isinstance(other, OPERANDS) else NotImplemented


@method()
def __sub__(self: Tensor, other: Any) -> Tensor:
    if settled(self, other):
        return Sub()(self, other)
    return sub(self, other) if isinstance(other, OPERANDS) else NotImplemented


@method()
def __rsub__(self: Tensor, other: Any) -> Tensor:
    if settled(self, other):
        return Sub()(other, self)
    return sub(other, self) if isinstance(other, OPERANDS) else NotImplemented


@method()
def __mul__(self: Tensor, other: Any) -> Tensor:
    if settled(self, other):
        return Mul()(self, other)
    return mul(self, other) if isinstance(other, OPERANDS) else NotImplemented


@method()
def __truediv__(self: Tensor, other: Any) -> Tensor:
    if settled(self, other):
        return Div()(self, other)
    return div(self, other) if isinstance(other, OPERANDS) else NotImplemented


@method()
def __rtruediv__(self: Tensor, other: Any) -> Tensor:
    if settled(self, other):
        return Div()(other, self)
    return div(other, self) if isinstance(other, OPERANDS) else NotImplemented


method("__radd__")(__add__)
method("__rmul__")(__mul__)

method("add_", "__iadd__")(in_place(add))
method("sub_", "subtract_", "__isub__")(in_place(sub))
method("mul_", "multiply_", "__imul__")(in_place(mul))
method("div_", "divide_", "__itruediv__")(in_place(div))
method("true_divide_")(in_place(true_divide))
