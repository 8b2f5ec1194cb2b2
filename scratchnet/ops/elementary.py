"""Exponentials, logarithms, the logistic function, |x| and the sign.

Integers and bools are converted to the default float first.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.function import INPUTS, NOTHING, OUTPUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import as_float, check_tensor, elementwise
from scratchnet.ops.promotion import promote

__all__ = [
    "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp",
    "sigmoid", "logit", "abs", "absolute", "sign", "sgn",
]  # fmt: skip

LN2, LN10 = math.log(2), math.log(10)


# ---- exponentials and logarithms ---------------------------------------------------------------------------
class Exp(Function):
    """y = eˣ.  dL/dx = g · y"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.exp(x)

    def backward(self, g: Any) -> Any:
        return g * self.output


class Exp2(Function):
    """y = 2ˣ.  dL/dx = g · y · ln 2"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.exp2(x)

    def backward(self, g: Any) -> Any:
        return g * self.output * LN2


class Expm1(Function):
    """y = eˣ − 1, accurate near 0.  dL/dx = g · (y + 1)"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.expm1(x)

    def backward(self, g: Any) -> Any:
        return g * (self.output + 1)


class Log(Function):
    """y = ln x.  dL/dx = g / x"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.log(x)

    def backward(self, g: Any) -> Any:
        return g / self.inputs[0]


class Log2(Function):
    """y = log₂ x.  dL/dx = g / (x · ln 2)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.log2(x)

    def backward(self, g: Any) -> Any:
        return g / (self.inputs[0] * LN2)


class Log10(Function):
    """y = log₁₀ x.  dL/dx = g / (x · ln 10)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.log10(x)

    def backward(self, g: Any) -> Any:
        return g / (self.inputs[0] * LN10)


class Log1p(Function):
    """y = ln(1 + x), accurate near 0.  dL/dx = g / (1 + x)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.log1p(x)

    def backward(self, g: Any) -> Any:
        return g / (self.inputs[0] + 1)


class LogAddExp(Function):
    """y = ln(eᵃ + eᵇ).  dL/da = g · σ(a − b),  dL/db = g · σ(b − a)"""

    reads = INPUTS

    def forward(self, a: Any, b: Any) -> Any:
        return np.logaddexp(a, b)

    def backward(self, g: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.inputs
        return g * sigmoid(a - b), g * sigmoid(b - a)


class Sigmoid(Function):
    """y = 1 / (1 + e⁻ˣ).  dL/dx = g · y · (1 − y)"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return 1 / (1 + np.exp(-x))  # e⁻ˣ may overflow to ∞: 1 / ∞ is the right answer

    def backward(self, g: Any) -> Any:
        y = self.output
        return g * (y * (1 - y))


class Logit(Function):
    """y = ln(x / (1 − x)), the inverse of sigmoid, for x clamped to [ε, 1 − ε].

    dL/dx = g / (x · (1 − x)); outside 0 if there is an ε, and NaN as y if there is none.
    """

    reads = INPUTS

    def __init__(self, eps: float | None) -> None:
        self.eps = eps

    def forward(self, x: Any) -> Any:
        if self.eps is not None:
            x = np.minimum(np.maximum(x, self.eps), 1 - self.eps)
        return np.log(x / (1 - x))

    def backward(self, g: Tensor) -> Tensor:
        (x,) = self.inputs
        low, otherwise = (0.0, math.nan) if self.eps is None else (self.eps, 0.0)
        outside = (x < low) | (x > 1 - low)
        return (g / (x * (1 - x))).where(~outside, otherwise)


# ---- pieces ------------------------------------------------------------------------------------------------
class Abs(Function):
    """y = |x|.  dL/dx = g · sign x, 0 at 0"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "b":
            raise NotImplementedError("abs: not defined for bools")
        return np.abs(x)

    def backward(self, g: Tensor) -> Tensor:
        return g * Sign()(self.inputs[0])


class Sign(Function):
    """y = −1, 0 or 1; 0 for NaN.  dL/dx = 0"""

    reads = NOTHING

    def forward(self, x: Any) -> Any:
        return (x > 0).astype(x.dtype) if x.dtype.kind in "bu" else np.subtract(x > 0, x < 0, dtype=x.dtype)

    def backward(self, g: Tensor) -> Tensor:
        return Tensor(np.zeros_like(g.array))


exp, exp2, expm1 = elementwise(Exp, "exp"), elementwise(Exp2, "exp2"), elementwise(Expm1, "expm1")
log, log1p = elementwise(Log, "log"), elementwise(Log1p, "log1p")
log2, log10 = elementwise(Log2, "log2"), elementwise(Log10, "log10")
sigmoid = elementwise(Sigmoid, "sigmoid")
abs = absolute = elementwise(Abs, "abs", "absolute", "__abs__", floating=False)
sign = sgn = elementwise(Sign, "sign", "sgn", floating=False)


@method()
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln(x / (1 − x)), with x clamped to [eps, 1 − eps] if `eps` is given."""
    return Logit(eps)(as_float(input, "logit"))


@method()
def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """ln(eᵃ + eᵇ), without overflow."""
    check_tensor(input, "logaddexp"), check_tensor(other, "logaddexp", "other")
    return LogAddExp()(*promote(input, other, function="logaddexp", floating=True))


method("logit_")(in_place(logit))
