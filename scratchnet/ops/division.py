"""Division that rounds, and what is left over: `//`, `%`, fmod."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import binary_operator, check_tensor
from scratchnet.ops.promotion import promote

__all__ = ["floor_divide", "fmod", "remainder"]


class RoundedDiv(Function):
    """y = ⌊a / b⌋, or a / b rounded towards zero: constant between jumps, so all gradients are 0."""

    reads = NOTHING

    def __init__(self, rounding_mode: str) -> None:
        self.rounding_mode = rounding_mode

    def forward(self, a: Any, b: Any) -> Any:
        if self.rounding_mode == "floor":
            return a // b
        if (a - b).dtype.kind == "f":
            return np.trunc(a / b)
        return (a - np.fmod(a, b)) // b  # exact for integers of any size, as a / b is not

    def backward(self, g: Tensor) -> tuple[Tensor, Tensor]:
        zero = Tensor(np.zeros_like(g.array))
        return zero, zero


class FloorDivide(RoundedDiv):
    """y = ⌊a / b⌋, and no derivative at all: torch declares none for `//`."""

    def __init__(self) -> None:
        super().__init__("floor")

    def backward(self, g: Tensor) -> Any:
        raise NotImplementedError(
            "floor_divide (`//`) has no derivative; div(…, rounding_mode='floor') has derivative 0"
        )


class Remainder(Function):
    """y = a − b · ⌊a / b⌋, with the sign of b.  dL/da = g,  dL/db = −g · ⌊a / b⌋"""

    reads = (NOTHING, (0, 1))
    rounding_mode = "floor"

    def forward(self, a: Any, b: Any) -> Any:
        return a % b

    def backward(self, g: Tensor) -> tuple[Tensor, Tensor | None]:
        if not self.needs_input_grad[1]:
            return g, None
        return g, -g * RoundedDiv(self.rounding_mode)(*self.inputs)


class Fmod(Remainder):
    """y = a − b · trunc(a / b), with the sign of a.  dL/da = g,  dL/db = −g · trunc(a / b)"""

    rounding_mode = "trunc"

    def forward(self, a: Any, b: Any) -> Any:
        return np.fmod(a, b)


def rounded_quotient(input: Any, other: Any, rounding_mode: str) -> Tensor:
    """`div` with a rounding mode."""
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")
    return RoundedDiv(rounding_mode)(*_operands(input, other, "div"))


@method()
def floor_divide(input: Any, other: Any) -> Tensor:
    """⌊input / other⌋, elementwise with broadcasting; integers stay integers. No derivative, as in torch."""
    return FloorDivide()(*_operands(input, other, "floor_divide"))


@method()
def remainder(input: Any, other: Any) -> Tensor:
    """What `//` leaves over, with the sign of `other`, as Python's `%`.

    Raises
    ------
    RuntimeError
        For integers divided by 0.
    """
    return Remainder()(*_operands(input, other, "remainder"))


@method()
def fmod(input: Tensor, other: Any) -> Tensor:
    """What truncated division leaves over, with the sign of `input`, as C's `fmod`."""
    return Fmod()(*_operands(check_tensor(input, "fmod"), other, "fmod"))


def _operands(a: Any, b: Any, function: str) -> list[Any]:
    a, b = promote(a, b, function=function)
    kind = (a if isinstance(a, Tensor) else b).array.dtype.kind
    if kind == "b":
        raise NotImplementedError(f"{function}: not defined for bools")
    if kind != "f" and ((b.array == 0).any() if isinstance(b, Tensor) else b == 0):
        raise RuntimeError(f"{function}: ZeroDivisionError: an integer is divided by 0")
    return [a, b]


for _function, _symbol in ((floor_divide, "floordiv"), (remainder, "mod")):
    binary_operator(_function, _symbol)
    binary_operator(_function, _symbol, reflected=True)
method("floor_divide_", "__ifloordiv__")(in_place(floor_divide))
method("remainder_", "__imod__")(in_place(remainder))
method("fmod_")(in_place(fmod))
