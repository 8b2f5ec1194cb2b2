"""Activations as differentiable operations: a kernel's formulas, read with differentiable functions for backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.function import OUTPUT, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import in_place
from scratchnet.kernels import activation_formulas as formulas
from scratchnet.kernels.activation import Activation
from scratchnet.ops.elementwise import keep_where

# What the names in the formulas mean when they compute with Tensors
TENSORS = {
    "like": lambda number, x: number,
    "where": ops.where,
    "minimum": lambda x, most: ops.clamp(x, max=most),
    "exp": ops.exp,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "erf": ops.erf,
}


class Pointwise(Function):
    """y = f(x, *parameters), element by element.  dL/dx = g · f′(x): both formulas stand in `kernels`.

    A subclass names its formulas in `activation`.
    """

    reads: Any = ((0,),)
    activation: Activation
    gradient: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        cls.gradient = staticmethod(cls.activation.in_terms_of(TENSORS)[1])
        if cls.activation.of_output:
            cls.reads = OUTPUT
        cls.__doc__ = cls.activation.__doc__
        super().__init_subclass__(**kwargs)

    def __init__(self, *parameters: float) -> None:
        for number in parameters:
            if number.__class__ is not float and not isinstance(number, (int, np.number)):
                raise TypeError(f"{type(self).__name__.lower()}: options must be numbers, got {number!r}")
        self.parameters = parameters

    def _read(self) -> Any:
        return self.output if self.activation.of_output else self.inputs[0]

    def forward(self, x: Any) -> Any:
        return self.activation.forward(x, *self.parameters)

    def backward(self, g: Tensor) -> Tensor:
        return self.gradient(g, self._read(), *self.parameters)

    def fused_backward(self, g: Any) -> Any:
        return self.activation.backward(g, self._read(), *self.parameters)


_SMALL = 1 << 14  # elements: NumPy has one function for what ReLU does, and is quicker up to here


class ReLU(Pointwise):
    activation = formulas.relu

    def forward(self, x: Any) -> Any:
        return np.maximum(x, 0) if x.size < _SMALL else super().forward(x)

    def fused_backward(self, g: Any) -> Any:
        return keep_where(~(self.output <= 0), g) if g.size < _SMALL else super().fused_backward(g)


class Threshold(Pointwise):
    activation = formulas.threshold


class Hardtanh(Pointwise):
    activation = formulas.hardtanh


class LeakyReLU(Pointwise):
    activation = formulas.leaky_relu


class Hardshrink(Pointwise):
    activation = formulas.hardshrink


class Softshrink(Pointwise):
    activation = formulas.softshrink


class Hardsigmoid(Pointwise):
    activation = formulas.hardsigmoid


class Hardswish(Pointwise):
    activation = formulas.hardswish


class ELU(Pointwise):
    activation = formulas.elu


class Sigmoid(Pointwise):
    activation = formulas.sigmoid_unit


class Tanh(Pointwise):
    activation = formulas.tanh_unit


class LogSigmoid(Pointwise):
    activation = formulas.logsigmoid


class Softplus(Pointwise):
    activation = formulas.softplus_unit


class Softsign(Pointwise):
    activation = formulas.softsign


class Tanhshrink(Pointwise):
    activation = formulas.tanhshrink


class SiLU(Pointwise):
    activation = formulas.silu


class Mish(Pointwise):
    activation = formulas.mish


class GELU(Pointwise):
    activation = formulas.gelu


class GELUTanh(Pointwise):
    activation = formulas.gelu_tanh


def run(input: Tensor, operation: Function, inplace: bool = False) -> Tensor:
    """The operation's result, or the input with that in it."""
    return _run_in_place(input, operation) if inplace else operation(input)


@in_place
def _run_in_place(input: Tensor, operation: Function) -> Tensor:
    return operation(input)
