"""Trigonometric and hyperbolic functions, and their inverses.

Integers and bools are converted to the default float first.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.function import INPUTS, OUT, OUTPUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import check_tensor, elementwise
from scratchnet.ops.promotion import promote

__all__ = [
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "arcsin", "arccos", "arctan", "arctan2",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "arcsinh", "arccosh", "arctanh",
    "deg2rad", "rad2deg", "hypot",
]  # fmt: skip


# ---- trigonometric -----------------------------------------------------------------------------------------
class Sin(Function):
    """y = sin x.  dL/dx = g · cos x"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        return np.sin(x)

    def backward(self, g: Tensor) -> Tensor:
        return g * cos(self.inputs[0])


class Cos(Function):
    """y = cos x.  dL/dx = −g · sin x"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        return np.cos(x)

    def backward(self, g: Tensor) -> Tensor:
        return -g * sin(self.inputs[0])


class Tan(Function):
    """y = tan x.  dL/dx = g · (1 + y²)"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.tan(x)

    def backward(self, g: Any) -> Any:
        y = self.output
        return g * (1 + y * y)


class Asin(Function):
    """y = arcsin x.  dL/dx = g / √(1 − x²)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.arcsin(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.inputs
        return g / (1 - x * x) ** 0.5


class Acos(Function):
    """y = arccos x.  dL/dx = −g / √(1 − x²)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.arccos(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.inputs
        return -g / (1 - x * x) ** 0.5


class Atan(Function):
    """y = arctan x.  dL/dx = g / (1 + x²)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.arctan(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.inputs
        return g / (1 + x * x)


class Atan2(Function):
    """θ = the angle of (x, y).  dL/dy = g · x / (x² + y²),  dL/dx = −g · y / (x² + y²), 0 at the origin."""

    reads = INPUTS

    def forward(self, y: Any, x: Any) -> Any:
        return np.arctan2(y, x)

    def backward(self, g: Tensor) -> tuple[Tensor, Tensor]:
        y, x = self.inputs
        r2 = y * y + x * x
        g = g / r2.where(r2 != 0, 1.0)
        return g * x, -g * y


class Hypot(Function):
    """y = √(a² + b²).  dL/da = g · a / y,  dL/db = g · b / y"""

    reads = (0, 1, OUT)
    arithmetic = True

    def forward(self, a: Any, b: Any) -> Any:
        return np.hypot(a, b)

    def backward(self, g: Any) -> Any:
        (a, b), y = self.inputs, self.output
        return g * (a / y), g * (b / y)


# ---- hyperbolic --------------------------------------------------------------------------------------------
class Sinh(Function):
    """y = sinh x.  dL/dx = g · cosh x"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        return np.sinh(x)

    def backward(self, g: Tensor) -> Tensor:
        return g * cosh(self.inputs[0])


class Cosh(Function):
    """y = cosh x.  dL/dx = g · sinh x"""

    reads = INPUTS

    def forward(self, x: Any) -> Any:
        return np.cosh(x)

    def backward(self, g: Tensor) -> Tensor:
        return g * sinh(self.inputs[0])


class Tanh(Function):
    """y = tanh x.  dL/dx = g · (1 − y²)"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.tanh(x)

    def backward(self, g: Any) -> Any:
        y = self.output
        return g * (1 - y * y)


class Asinh(Function):
    """y = arsinh x.  dL/dx = g / √(x² + 1)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.arcsinh(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.inputs
        return g / (x * x + 1) ** 0.5


class Acosh(Function):
    """y = arcosh x.  dL/dx = g / √(x² − 1)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.arccosh(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.inputs
        return g / (x * x - 1) ** 0.5


class Atanh(Function):
    """y = artanh x.  dL/dx = g / (1 − x²)"""

    reads = INPUTS
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return np.arctanh(x)

    def backward(self, g: Any) -> Any:
        (x,) = self.inputs
        return g / (1 - x * x)


sin, cos, tan = elementwise(Sin, "sin"), elementwise(Cos, "cos"), elementwise(Tan, "tan")
asin = arcsin = elementwise(Asin, "asin", "arcsin")
acos = arccos = elementwise(Acos, "acos", "arccos")
atan = arctan = elementwise(Atan, "atan", "arctan")
sinh, cosh, tanh = elementwise(Sinh, "sinh"), elementwise(Cosh, "cosh"), elementwise(Tanh, "tanh")
asinh = arcsinh = elementwise(Asinh, "asinh", "arcsinh")
acosh = arccosh = elementwise(Acosh, "acosh", "arccosh")
atanh = arctanh = elementwise(Atanh, "atanh", "arctanh")


@method("atan2", "arctan2")
def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle in radians of the points with ordinates `input` and abscissae `other`, between −π and π."""
    check_tensor(input, "atan2"), check_tensor(other, "atan2", "other")
    return Atan2()(*promote(input, other, function="atan2", floating=True))


arctan2 = atan2
method("atan2_", "arctan2_")(in_place(atan2))


@method()
def hypot(input: Tensor, other: Tensor) -> Tensor:
    """√(input² + other²): the distance of the points (input, other) from the origin."""
    check_tensor(input, "hypot"), check_tensor(other, "hypot", "other")
    return Hypot()(*promote(input, other, function="hypot"))


@method()
def deg2rad(input: Tensor) -> Tensor:
    """Degrees to radians: input · π / 180"""
    return input * (math.pi / 180)


@method()
def rad2deg(input: Tensor) -> Tensor:
    """Radians to degrees: input · 180 / π"""
    return input * (180 / math.pi)


for _function in (deg2rad, rad2deg):
    method(_function.__name__ + "_")(in_place(_function))
