"""Elementwise operations on three tensors: lerp, addcmul, addcdiv."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.promotion import result_type

__all__ = ["addcdiv", "addcmul", "lerp"]


class Lerp(Function):
    """y = a + w · (b − a).  dL/da = g · (1 − w),  dL/db = g · w,  dL/dw = g · (b − a)"""

    reads = ((2,), (2,), (0, 1))
    arithmetic = True

    def forward(self, a: Any, b: Any, w: Any) -> Any:
        # from the nearer end, so that w = 1 gives b exactly
        return np.where(abs(w) < 0.5, a + w * (b - a), b - (b - a) * (1 - w))

    def backward(self, g: Any) -> tuple[Any, Any, Any]:
        a, b, w = self.inputs
        need_a, need_b, need_w = self.needs_input_grad
        return g * (1 - w) if need_a else None, g * w if need_b else None, g * (b - a) if need_w else None


@method()
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight · (end − input): linear interpolation. All broadcast.

    Parameters
    ----------
    input, end : Tensor
        Floats of one dtype.
    weight : number or Tensor

    Raises
    ------
    RuntimeError
        If the dtypes differ.
    """
    dtype = check_tensor(input, "lerp").array.dtype
    for name, x in (("end", check_tensor(end, "lerp", "end")), ("weight", weight)):
        if isinstance(x, Tensor) and x.array.dtype != dtype:
            raise RuntimeError(f"lerp: expected dtype {dtype} for `{name}` but got dtype {x.array.dtype}")
    if dtype.kind != "f":
        raise NotImplementedError(f"lerp: not defined for {dtype}")
    return Lerp()(input, end, weight if isinstance(weight, Tensor) else float(weight))


@method()
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 · tensor2. All broadcast."""
    _check(input, tensor1, tensor2, "addcmul")
    product = tensor1 * tensor2
    return input + (product if value == 1 else product * value)


@method()
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 / tensor2. All broadcast.

    Raises
    ------
    RuntimeError
        If tensor1 and tensor2 both hold integers: say with `div` how to round.
    """
    _check(input, tensor1, tensor2, "addcdiv")
    if result_type(tensor1, tensor2).kind != "f":
        raise RuntimeError(
            f"addcdiv: tensor1 and tensor2 hold integers, {tensor1.dtype} and {tensor2.dtype}: make one float"
        )
    quotient = tensor1 / tensor2
    return input + (quotient if value == 1 else quotient * value)


def _check(input: Tensor, tensor1: Tensor, tensor2: Tensor, function: str) -> None:
    for name, x in (("input", input), ("tensor1", tensor1), ("tensor2", tensor2)):
        check_tensor(x, function, name)


for _function in (lerp, addcmul, addcdiv):
    method(_function.__name__ + "_")(in_place(_function))
