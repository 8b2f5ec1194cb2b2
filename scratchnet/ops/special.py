"""The error function, the gamma function's logarithm and its derivatives, computed by SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.function import INPUTS, OUTPUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import as_float, elementwise

__all__ = ["digamma", "erf", "erfc", "erfinv", "lgamma", "polygamma"]


def _scipy(name: str, x: Any) -> Any:
    """A function of scipy.special in the dtype of `x` (SciPy computes float16 as float32)."""
    import scipy.special

    return getattr(scipy.special, name)(x).astype(x.dtype)


class Erf(Function):
    """y = 2/√π ∫₀ˣ exp(−t²) dt.  dL/dx = g · 2/√π · exp(−x²)"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        return _scipy("erf", x)

    def backward(self, g: Tensor) -> Tensor:
        (x,) = self.inputs
        return g * (2 / math.sqrt(math.pi) * (-x * x).exp())


class Erfc(Function):
    """y = 1 − erf x, accurate for large x.  dL/dx = −g · 2/√π · exp(−x²)"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        return _scipy("erfc", x)

    def backward(self, g: Tensor) -> Tensor:
        (x,) = self.inputs
        return g * (-2 / math.sqrt(math.pi) * (-x * x).exp())


class Erfinv(Function):
    """y: erf y = x.  dL/dx = g · √π/2 · exp(y²)"""

    reads = OUTPUT

    def forward(self, x: Any) -> Any:
        return _scipy("erfinv", x)

    def backward(self, g: Tensor) -> Tensor:
        y = self.output
        return g * (math.sqrt(math.pi) / 2 * (y * y).exp())


class Lgamma(Function):
    """y = ln |Γ(x)|.  dL/dx = g · ψ(x)"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        return np.where(x == -np.inf, np.inf, _scipy("gammaln", x)).astype(x.dtype, copy=False)  # SciPy: -inf

    def backward(self, g: Tensor) -> Tensor:
        return g * Digamma()(self.inputs[0])


class Digamma(Function):
    """y = ψ(x) = Γ′(x) / Γ(x).  dL/dx = g · ψ′(x)"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        return _scipy("psi", x)

    def backward(self, g: Tensor) -> Tensor:
        return g * Polygamma(1)(self.inputs[0])


class Polygamma(Function):
    """y = the n-th derivative of ψ, (−1)ⁿ⁺¹ n! ζ(n + 1, x).  dL/dx = g · polygamma(n + 1, x)"""

    reads = INPUTS

    def __init__(self, n: int) -> None:
        self.n = n

    def forward(self, x: Any) -> Any:
        import scipy.special

        sign = 1 if self.n % 2 else -1
        return (sign * math.factorial(self.n) * scipy.special.zeta(self.n + 1, x)).astype(x.dtype)

    def backward(self, g: Tensor) -> Tensor:
        return g * Polygamma(self.n + 1)(self.inputs[0])


erf, erfc, erfinv = elementwise(Erf, "erf"), elementwise(Erfc, "erfc"), elementwise(Erfinv, "erfinv")
lgamma, digamma = elementwise(Lgamma, "lgamma"), elementwise(Digamma, "digamma")


def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of the digamma function, elementwise; `x.polygamma(n)` as a method.

    Raises
    ------
    RuntimeError
        If n is negative.
    """
    if n < 0:
        raise RuntimeError(f"polygamma: n must not be negative, got {n}")
    return Polygamma(n)(as_float(input, "polygamma")) if n else digamma(input)


@method("polygamma")
def _polygamma_method(self: Tensor, n: int) -> Tensor:
    return polygamma(n, self)


method("polygamma_")(in_place(_polygamma_method))
