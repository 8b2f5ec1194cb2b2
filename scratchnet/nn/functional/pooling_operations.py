"""The differentiable operations behind all pooling, and what its functions share."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels import Windows
from scratchnet.nn.functional.arguments import ints
from scratchnet.ops.elementwise import check_tensor


class MaxPool(Function):
    """y[n, c, i] = max of x[n, c] over window i; the first of equals.

    dL/dx = every g added at the place where its maximum was: `PutBack`
    """

    reads = NOTHING
    notes = ("indices",)

    def __init__(self, windows: Windows, with_indices: bool = False) -> None:
        self.windows, self.with_indices = windows, with_indices

    def forward(self, x: Any) -> Any:
        y, self.indices = kernels.max_pool(x, self.windows)
        return (y, self.indices.astype(np.int64)) if self.with_indices else y

    def backward(self, g: Tensor, *_: Tensor) -> Tensor:
        return PutBack(self.indices, self.windows.size)(g)

    def fused_backward(self, g: Any, *_: Any) -> Any:
        return kernels.max_pool_backward(g, self.indices, self.windows.size)


class PutBack(Function):
    """y = zeros of `size`, with every x added at its index into the pixels of its plane.  dL/dx = `Pick`"""

    reads = NOTHING

    def __init__(self, indices: Any, size: tuple) -> None:
        self.indices, self.size = indices, size

    def forward(self, x: Any) -> Any:
        return kernels.max_pool_backward(x, self.indices, self.size)

    def backward(self, g: Tensor) -> Tensor:
        return Pick(self.indices)(g)


class Pick(Function):
    """y = x at indices into the pixels of its plane.  dL/dx = `PutBack`"""

    reads = NOTHING

    def __init__(self, indices: Any) -> None:
        self.indices = indices

    def forward(self, x: Any) -> Any:
        self.size = x.shape[2:]
        return kernels.pick(x, self.indices)

    def backward(self, g: Tensor) -> Tensor:
        return PutBack(self.indices, self.size)(g)


class MaxUnpool(PutBack):
    """y = zeros of `size`, with every x written to its index; of several the last.  dL/dx = `Pick`"""

    def forward(self, x: Any) -> Any:
        return kernels.max_unpool(x, self.indices, self.size)


class AvgPool(Function):
    """y[n, c, i] = sum of x[n, c] over window i / divisor of that window.  dL/dx = `AvgUnpool`"""

    reads = NOTHING

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def forward(self, x: Any) -> Any:
        return kernels.avg_pool(x, self.windows)

    def backward(self, g: Tensor) -> Tensor:
        return AvgUnpool(self.windows)(g)

    def fused_backward(self, g: Any) -> Any:
        return kernels.avg_pool_backward(g, self.windows)


class AvgUnpool(Function):
    """The adjoint of `AvgPool`: every x / divisor is added onto all pixels of its window.  dL/dx = `AvgPool`"""

    reads = NOTHING

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def forward(self, x: Any) -> Any:
        return kernels.avg_pool_backward(x, self.windows)

    def backward(self, g: Tensor) -> Tensor:
        return AvgPool(self.windows)(g)


def apply_pooling(operation: Function, input: Tensor, dims: int) -> Any:
    """The operation on [N, C, ...], or on [C, ...] as a batch of one."""
    if input.array.ndim == dims + 2:
        return operation(input)
    result = operation(input.unsqueeze(0))
    return tuple(y.squeeze(0) for y in result) if isinstance(result, tuple) else result.squeeze(0)


def spatial_size(input: Any, dims: int, function: str, channels: bool = True) -> tuple[int, ...]:
    """The last `dims` dimensions of an input [N, C, ...] or [C, ...].

    Raises RuntimeError if it is none; nothing but N may be 0, or else C, if no `channels` are needed.
    """
    shape = check_tensor(input, function).array.shape
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[-dims - channels :]:
        raise RuntimeError(
            f"{function}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got: {tuple(shape)}"
        )
    return tuple(shape[-dims:])


def require_dtype(input: Tensor, function: str, allowed: bool) -> None:
    """Raise unless `allowed`."""
    if not allowed:
        raise NotImplementedError(f"{function}: not implemented for input of dtype {input.array.dtype}")


def stride_or_kernel(stride: Any, kernel: tuple[int, ...], function: str) -> tuple[int, ...]:
    """The stride as ints; the kernel's size if it is not given."""
    unset = stride is None or (isinstance(stride, tuple | list) and not stride)
    return kernel if unset else ints(stride, len(kernel), function, "stride")
