"""Nonlinearities, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import kernels, ops
from scratchnet.autograd.function import NOTHING, OUTPUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.nn.functional.arguments import require_float
from scratchnet.ops import elementary, trigonometric
from scratchnet.ops.elementwise import check_tensor, keep_where

_LARGE = 1 << 14  # elements, from which on a compiled pass is quicker than NumPy's


class ReLU(Function):
    """y = max(x, 0).  dL/dx = g, and 0 where y ≤ 0"""

    reads = OUTPUT

    def forward(self, x: Any) -> Any:
        return kernels.relu(x) if x.size > _LARGE else np.maximum(x, 0)

    def backward(self, g: Tensor) -> Tensor:
        return g.where(~(self.output <= 0), 0.0)  # exactly 0, also of ∞: √relu(x) is flat below 0. NaN passes it on

    def fused_backward(self, g: Any) -> Any:
        return keep_where(~(self.output <= 0), g)


class LeakyReLU(Function):
    """y = x where x > 0, else slope · x.  dL/dx = g, or slope · g"""

    reads = NOTHING
    notes = ("factor",)
    arithmetic = True

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def forward(self, x: Any) -> Any:
        self.factor = np.where(x > 0, x.dtype.type(1), x.dtype.type(self.slope))
        return x * self.factor

    def backward(self, g: Any) -> Any:
        return g * (self.factor if self.plain else Tensor(self.factor))


@method()
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0).

    Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.

    Parameters
    ----------
    inplace : bool
        Write the result into `input`.
    """
    if check_tensor(input, "relu").array.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    return relu_(input) if inplace else ReLU()(input)


@in_place
def relu_(input: Tensor) -> Tensor:
    return relu(input)


method("relu_")(relu_)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope · x.

    Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.
    """
    require_float(input, "leaky_relu")
    return leaky_relu_(input, negative_slope) if inplace else LeakyReLU(negative_slope)(input)


@in_place
def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    return leaky_relu(input, negative_slope)


class Sigmoid(elementary.Sigmoid):
    """As `ops.sigmoid`, with a kernel for the gradient."""

    def fused_backward(self, g: Any) -> Any:
        return kernels.sigmoid_backward(g, self.output)


class Tanh(trigonometric.Tanh):
    """As `ops.tanh`, with kernels: the function on all cores, the gradient in one pass."""

    def forward(self, x: Any) -> Any:
        return kernels.tanh(x)

    def fused_backward(self, g: Any) -> Any:
        return kernels.tanh_backward(g, self.output)


def _worth_a_kernel(input: Any) -> bool:
    """Whether the work is more than the microseconds that a kernel's checks take."""
    return isinstance(input, Tensor) and input.array.dtype.kind == "f" and input.array.size > 4096


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(−x))"""
    return Sigmoid()(input) if _worth_a_kernel(input) else ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """(exp(x) − exp(−x)) / (exp(x) + exp(−x))"""
    return Tanh()(input) if _worth_a_kernel(input) else ops.tanh(input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha · (exp(x) − 1).

    Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units
    (ELUs)", 2015.
    """
    if inplace:
        return elu_(input, alpha)
    x = require_float(input, "elu")
    # clamped: exp of what is not chosen must not overflow, or its gradient would be 0 · ∞
    return ops.where(x > 0, x, alpha * ops.expm1(ops.clamp(x, max=0)))


@in_place
def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    return elu(input, alpha)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · sigmoid(x), also called swish (Hendrycks and Gimpel 2016; Ramachandran, Zoph and Le 2017)."""
    return silu_(input) if inplace else input * ops.sigmoid(require_float(input, "silu"))


@in_place
def silu_(input: Tensor) -> Tensor:
    return silu(input)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x · Φ(x), Φ the distribution function of the standard normal; with "tanh", an approximation of it.

    "tanh":  x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2.

    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """
    x = require_float(input, "gelu")
    if approximate == "none":
        return x * 0.5 * (1 + ops.erf(x * math.sqrt(0.5)))
    if approximate == "tanh":
        return x * 0.5 * (1 + ops.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta · x)) / beta, a smooth ReLU; where beta · x > threshold, x itself: the same in floats."""
    x = require_float(input, "softplus")
    scaled = x * beta
    return ops.where(scaled > threshold, x, ops.log1p(ops.exp(ops.clamp(scaled, max=threshold))) / beta)


class LogSigmoid(Function):
    """y = log(1 / (1 + exp(−x))) = min(x, 0) − log(1 + exp(−|x|)): no exponential overflows.

    dL/dx = g / (1 + exp(x))
    """

    reads = ((0,),)

    def forward(self, x: Any) -> Any:
        return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))

    def backward(self, g: Tensor) -> Tensor:
        return g * ops.sigmoid(-self.inputs[0])


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + exp(−x)))"""
    return LogSigmoid()(require_float(input, "logsigmoid"))
