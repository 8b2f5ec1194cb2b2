"""Powers and roots: `x ** y`, square, sqrt, rsqrt, reciprocal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.function import OUT, OUTPUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import OPERANDS, binary_operator, elementwise
from scratchnet.ops.promotion import as_operand, cast, promote, result_type

__all__ = ["float_power", "pow", "reciprocal", "rsqrt", "sqrt", "square"]


class PowNumber(Function):
    """y = xⁿ for a number n.  dL/dx = g · n · xⁿ⁻¹, and 0 for n = 0, whatever x is."""

    reads = (0,)
    arithmetic = True

    def __init__(self, exponent: float) -> None:
        self.exponent = exponent
        if exponent == 0:  # a product would make NaN of 0 · ∞
            self.on_arrays = False

    def forward(self, x: Any) -> Any:
        return _power(x, self.exponent)

    def backward(self, g: Any) -> Any:
        if self.exponent == 0:
            return Tensor(np.zeros_like(g.array))
        return g * (self.exponent * _power(self.inputs[0], self.exponent - 1))


def _power(x: Any, n: float) -> Any:
    """xⁿ of an array or a Tensor, avoiding NumPy's slow general power where it does not do so itself."""
    if isinstance(x, Tensor):
        return PowNumber(n)(x)
    if n == 3:
        return x * x * x
    if n == -0.5:
        return 1 / np.sqrt(x)
    return x**n


class NumberPow(Function):
    """y = aˣ for a number a.  dL/dx = g · y · ln a, and 0 for a = 0 where x ≥ 0"""

    reads = (0, OUT)

    def __init__(self, base: float) -> None:
        self.base = base

    def forward(self, x: Any) -> Any:
        return self.base**x

    def backward(self, g: Tensor) -> Tensor:
        log = math.log(self.base) if self.base > 0 else -math.inf if self.base == 0 else math.nan
        slope = self.output * log
        if self.base == 0:
            (x,) = self.inputs
            slope = slope.where(~(x >= 0), 0.0)
        return g * slope


class Pow(Function):
    """y = aᵇ.  dL/da = g · b · aᵇ⁻¹ (0 where b = 0),  dL/db = g · y · ln a (0 where a = 0 and b ≥ 0)"""

    reads = ((0, 1), (0, 1, OUT))

    def forward(self, a: Any, b: Any) -> Any:
        if a.dtype.kind == "i" and (b < 0).any():
            # truncated as C does: only 1 and -1 have whole reciprocals
            return np.where(b < 0, np.where(abs(a) == 1, a ** (b & 1), 0), a ** abs(b))
        if a.dtype.kind == "b":
            raise NotImplementedError("pow: not defined for two bool tensors")
        return a**b

    def backward(self, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = self.inputs
        need_a, need_b = self.needs_input_grad
        grad_a = (g * (b * a ** (b - 1))).where(b != 0, 0.0) if need_a else None
        grad_b = g * (self.output * a.log()).where(~((a == 0) & (b >= 0)), 0.0) if need_b else None
        return grad_a, grad_b


class Sqrt(Function):
    """y = √x.  dL/dx = g / (2y)"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.sqrt(x)

    def backward(self, g: Any) -> Any:
        return g / (2 * self.output)


class Rsqrt(Function):
    """y = 1 / √x.  dL/dx = −g · y³ / 2"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return 1 / np.sqrt(x)

    def backward(self, g: Any) -> Any:
        y = self.output
        return -0.5 * g * (y * y * y)


class Reciprocal(Function):
    """y = 1 / x.  dL/dx = −g · y²"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return 1 / x

    def backward(self, g: Any) -> Any:
        y = self.output
        return -g * (y * y)


@method()
def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent, elementwise with broadcasting.

    Parameters
    ----------
    input, exponent : Tensor or number
        At least one is a Tensor.

    Raises
    ------
    RuntimeError
        If integers are raised to a negative number: the result would not be an integer. (A *tensor* of
        negative integer exponents gives the reciprocal rounded towards zero, as in torch.)
    """
    input, exponent = as_operand(input, "pow"), as_operand(exponent, "pow")
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError("pow: one of input and exponent must be a Tensor, got two numbers")
    dtype = result_type(input, exponent)
    if dtype.kind == "b" and isinstance(exponent, bool):
        return input.clone() if exponent else Tensor(np.ones_like(input.array))
    if isinstance(input, Tensor) and isinstance(exponent, Tensor):
        return Pow()(*promote(input, exponent, function="pow"))
    if isinstance(exponent, Tensor):
        if dtype.kind == "f":
            return NumberPow(input)(cast(exponent, dtype))
        return Pow()(Tensor(np.full((), input, dtype)), cast(exponent, dtype))
    if dtype.kind != "f" and exponent < 0:
        raise RuntimeError(
            "pow: integers to negative integer powers are not allowed; convert the input to floats first"
        )
    return PowNumber(exponent)(cast(input, dtype))


def float_power(input: Any, exponent: Any) -> Tensor:
    """input ** exponent in float64."""
    operands = [as_operand(x, "float_power") for x in (input, exponent)]
    return pow(*[cast(x, np.dtype(np.float64)) if isinstance(x, Tensor) else float(x) for x in operands])


sqrt = elementwise(Sqrt, "sqrt")
rsqrt = elementwise(Rsqrt, "rsqrt")
reciprocal = elementwise(Reciprocal, "reciprocal")


@method()
def square(input: Tensor) -> Tensor:
    """input², elementwise."""
    return pow(input, 2)


@method()
def __pow__(self: Tensor, other: Any) -> Tensor:
    if (type(other) is int or type(other) is float) and self.array.dtype.kind == "f":
        return PowNumber(other)(self)
    return pow(self, other) if isinstance(other, OPERANDS) else NotImplemented


binary_operator(pow, "pow", reflected=True)
method("float_power")(float_power)
method("pow_", "__ipow__")(in_place(pow))
method("square_")(in_place(square))
