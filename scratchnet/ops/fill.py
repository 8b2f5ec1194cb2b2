"""In-place operations that forget the old numbers: filling with a value or with another tensor.

Where nothing is recorded they write and bump the version counter, which is all an initialiser needs. Where
the tensor (or the value) has a history, the tensor gets a new one, in which no gradient flows to the old
numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.mode import modes
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import check_memory, check_writable, write
from scratchnet.ops.broadcasting import expand_array_shape
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.promotion import cast

__all__: list[str] = ["fill", "zero_", "fill_"]


class Replace(Function):
    """y = v, broadcast to the shape of x and in its dtype.  dL/dx = 0,  dL/dv = g"""

    reads = NOTHING

    def forward(self, x: Any, v: Any) -> Any:
        self.value_dtype = getattr(v, "dtype", x.dtype)
        y = np.empty_like(x)
        y[...] = v
        return y

    def backward(self, g: Tensor) -> tuple:
        need_x, need_v = self.needs_input_grad
        zeros = Tensor(np.zeros_like(g.array)) if need_x else None
        return zeros, cast(g, self.value_dtype) if need_v else None


def assign(x: Tensor, value: Any) -> Tensor:
    """x[...] = value, a Tensor, an array or a number, with the history that belongs to it."""
    check_writable(x)
    tensor = isinstance(value, Tensor)
    shape = value.array.shape if tensor else getattr(value, "shape", None)
    if shape is not None and shape != x.array.shape:
        expand_array_shape(shape, x.array.shape)  # or raise
    if modes.grad and (x.requires_grad or (tensor and value.requires_grad)):
        return write(x, Replace()(x._alias(), value))
    check_memory(x)
    x.array[...] = value.array if tensor else value
    x._counter[0] += 1
    return x


@method()
def zero_(input: Tensor) -> Tensor:
    """All elements become 0."""
    check_tensor(input, "zero_")
    return assign(input, 0)


@method()
def fill_(input: Tensor, value: Any) -> Tensor:
    """All elements become `value`, a number or a 0-dimensional tensor."""
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.array.ndim} "
                "dimensions."
            )
    elif not isinstance(value, bool | int | float | np.generic):
        raise TypeError(f"fill_(): argument 'value' (position 1) must be Number, not {type(value).__name__}")
    return assign(input, value)


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like `input` with all elements `value`."""
    check_tensor(input, "fill")
    return fill_(input.clone(), value)


@method()
def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """All elements become those of `src`, which is broadcast and converted; gradients flow to `src`."""
    if not isinstance(src, Tensor | bool | int | float):
        raise TypeError(f"copy_(): argument 'src' (position 1) must be Tensor, not {type(src).__name__}")
    return assign(input, src)


@method()
def detach_(input: Tensor) -> Tensor:
    """Forget the history: the tensor becomes a leaf."""
    if input._view is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel "
            "(DDP) for training, or slices of a tensor, detach the base."
        )
    input._node, input._needs_grad = None, False
    return input
