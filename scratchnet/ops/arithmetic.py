"""Sums, products, quotients and powers: the operators `+ - * / ** //` and `%`, and what is built of them.

Every operation broadcasts; the engine sums the gradients of what was broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, OUT, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.promotion import promote


class Add(Function):
    """y = a + b.  dL/da = g,  dL/db = g"""

    reads = NOTHING
    arithmetic = True

    def forward(self, a: Any, b: Any) -> Any:
        return a + b

    def backward(self, g: Any) -> Any:
        return g, g


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


def _same(a: Tensor, b: Any) -> bool:
    """Whether promotion has nothing to do: two Tensors of one dtype, or floats and a Python number."""
    if b.__class__ is float:
        return a.array.dtype.kind == "f"
    return isinstance(b, Tensor) and a.array.dtype == b.array.dtype


@method("add", "__add__")
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
        If the shapes do not broadcast.
    """
    if alpha != 1:
        other = mul(other, alpha)
    if not _same(input, other):
        input, other = promote(input, other, function="add")
    return Add()(input, other)


@method("mul", "multiply", "__mul__")
def mul(input: Any, other: Any) -> Tensor:
    """input · other, elementwise with broadcasting."""
    if not _same(input, other):
        input, other = promote(input, other, function="mul")
    return Mul()(input, other)
