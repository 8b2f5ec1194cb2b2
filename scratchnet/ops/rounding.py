"""Rounding: round, floor, ceil, trunc, and the fraction that trunc leaves. Integers are left as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import check_tensor, elementwise

__all__ = ["ceil", "fix", "floor", "frac", "round", "trunc"]


class Rounding(Function):
    """y = a whole number near x: constant between jumps.  dL/dx = 0"""

    reads = NOTHING
    ufunc: Callable

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "b":
            raise NotImplementedError(f"{self.name().lower()}: not defined for bools")
        return self.ufunc(x) if x.dtype.kind == "f" else x.copy()

    def backward(self, g: Tensor) -> Tensor:
        return Tensor(np.zeros_like(g.array))


class Floor(Rounding):
    """y = ⌊x⌋, the largest whole number that is at most x.  dL/dx = 0"""

    ufunc = staticmethod(np.floor)


class Ceil(Rounding):
    """y = ⌈x⌉, the smallest whole number that is at least x.  dL/dx = 0"""

    ufunc = staticmethod(np.ceil)


class Trunc(Rounding):
    """y = x without its fraction.  dL/dx = 0"""

    ufunc = staticmethod(np.trunc)


class Round(Rounding):
    """y = x rounded to `decimals` places after the point, halves to even.  dL/dx = 0"""

    def __init__(self, decimals: int) -> None:
        self.decimals = decimals

    def ufunc(self, x: Any) -> Any:
        if self.decimals == 0:
            return np.rint(x)
        scale = 10.0 ** abs(self.decimals)
        return np.rint(x * scale) / scale if self.decimals > 0 else np.rint(x / scale) * scale


class Frac(Function):
    """y = x − trunc(x).  dL/dx = g"""

    reads = NOTHING
    arithmetic = True

    def forward(self, x: Any) -> Any:
        if x.dtype.kind != "f":
            raise NotImplementedError(f"frac: not defined for {x.dtype}")
        return x - np.trunc(x)

    def backward(self, g: Any) -> Any:
        return g


floor, ceil = elementwise(Floor, "floor", floating=False), elementwise(Ceil, "ceil", floating=False)
trunc = fix = elementwise(Trunc, "trunc", "fix", floating=False)
frac = elementwise(Frac, "frac", floating=False)


@method()
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """input rounded to `decimals` places after the point (before it, if negative), halves to even."""
    if decimals != 0 and check_tensor(input, "round").array.dtype.kind != "f":
        raise NotImplementedError(f"round: decimals={decimals} is not defined for {input.dtype}")
    return Round(decimals)(check_tensor(input, "round"))


method("round_")(in_place(round))
