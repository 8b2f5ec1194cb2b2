"""Pooling: one value for each window of an image."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import ints
from scratchnet.ops.elementwise import check_tensor


class MaxPool2d(Function):
    """y[n, c, i, j] = max of x[n, c] over window (i, j); the first of equals.

    dL/dx = every g added at the place where its maximum was: `Unpool`
    """

    reads = NOTHING
    notes = ("indices",)

    def __init__(self, settings: tuple, with_indices: bool) -> None:
        self.settings, self.with_indices = settings, with_indices

    def forward(self, x: Any) -> Any:
        self.x_shape = x.shape
        y, self.indices = kernels.max_pool2d(x, *self.settings)
        return (y, self.indices) if self.with_indices else y

    def backward(self, g: Tensor, *_: Tensor) -> Tensor:
        return Unpool(self.indices, self.x_shape)(g)


class Unpool(Function):
    """y = zeros of `shape`, with every x added at its index into the H·W pixels of its plane.  dL/dx = `Pick`"""

    reads = NOTHING

    def __init__(self, indices: Any, shape: tuple) -> None:
        self.indices, self.target = indices, shape

    def forward(self, x: Any) -> Any:
        return kernels.max_pool2d_backward(x, self.indices, self.target)

    def backward(self, g: Tensor) -> Tensor:
        return Pick(self.indices)(g)


class Pick(Function):
    """y = x at indices into the H·W pixels of its plane.  dL/dx = `Unpool`"""

    reads = NOTHING

    def __init__(self, indices: Any) -> None:
        self.indices = indices

    def forward(self, x: Any) -> Any:
        self.x_shape = x.shape
        flat, places = x.reshape(*x.shape[:2], -1), self.indices.reshape(*self.indices.shape[:2], -1)
        taken = np.take_along_axis(flat, places, 2)
        return (
            np.where(places < 0, 0, taken).astype(x.dtype, copy=False).reshape(self.indices.shape)
        )  # -1: window of padding alone

    def backward(self, g: Tensor) -> Tensor:
        return Unpool(self.indices, self.x_shape)(g)


class AvgPool2d(Function):
    """y[n, c, i, j] = sum of x[n, c] over window (i, j) / divisor of that window.  dL/dx = `AvgUnpool2d`"""

    reads = NOTHING

    def __init__(self, settings: tuple) -> None:
        self.settings = settings

    def forward(self, x: Any) -> Any:
        self.x_shape = x.shape
        return kernels.avg_pool2d(x, *self.settings).astype(x.dtype, copy=False)  # integers stay integers

    def backward(self, g: Tensor) -> Tensor:
        return AvgUnpool2d(self.settings, self.x_shape)(g)


class AvgUnpool2d(Function):
    """The adjoint of `AvgPool2d`, and so its gradient is: every x / divisor is added onto all pixels of its window."""

    reads = NOTHING

    def __init__(self, settings: tuple, shape: tuple) -> None:
        self.settings, self.target = settings, shape

    def forward(self, x: Any) -> Any:
        return kernels.avg_pool2d_backward(x, self.target, *self.settings)

    def backward(self, g: Tensor) -> Tensor:
        return AvgPool2d(self.settings)(g)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    kernel_size : int or (int, int)
    stride : int or (int, int), optional
        `kernel_size` by default.
    padding : int or (int, int)
        Rows and columns of −∞ on either side, at most half of the window.
    dilation : int or (int, int)
    ceil_mode : bool
        Also take windows that reach beyond the padded image, if they start inside of it.
    return_indices : bool
        Return also the places of the maxima, as indices into the H·W pixels of their plane.

    Returns
    -------
    [N, C, OH, OW] with OH = ⌊(H + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, or a pair of them

    Raises
    ------
    RuntimeError
        If the window does not fit, or for settings out of their range.
    """
    if check_tensor(input, "max_pool2d").array.dtype.kind == "b":
        raise NotImplementedError("max_pool2d: not implemented for input of dtype bool")
    kernel, stride, padding = _geometry("max_pool2d", input, kernel_size, stride, padding, dilation)
    operation = MaxPool2d(
        (kernel, stride, padding, ints(dilation, 2, "max_pool2d", "dilation"), ceil_mode), return_indices
    )
    if input.array.ndim == 4:
        return operation(input)
    result = operation(input.unsqueeze(0))
    return tuple(r.squeeze(0) for r in result) if return_indices else result.squeeze(0)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    kernel_size, stride, padding, ceil_mode
        As for `max_pool2d`; the padding is zeros.
    count_include_pad : bool
        Whether the padding counts in the number of values.
    divisor_override : int, optional
        Divide by this instead of the number of values.

    Returns
    -------
    [N, C, OH, OW]

    Raises
    ------
    RuntimeError
        If the window does not fit, or for settings out of their range.
    """
    check_tensor(input, "avg_pool2d")
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor must be not zero")
    kernel, stride, padding = _geometry("avg_pool2d", input, kernel_size, stride, padding, 1)
    operation = AvgPool2d((kernel, stride, padding, ceil_mode, count_include_pad, divisor_override))
    return operation(input) if input.array.ndim == 4 else operation(input.unsqueeze(0)).squeeze(0)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of OH × OW regions that cover the image.

    Region i of the rows reaches from ⌊i · H / OH⌋ up to ⌈(i + 1) · H / OH⌉, that of the columns likewise.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    output_size : int, or (OH, OW); None stands for the input's size

    Returns
    -------
    [N, C, OH, OW]
    """
    shape = check_tensor(input, "adaptive_avg_pool2d").array.shape
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(f"adaptive_avg_pool2d: expected input of shape [N, C, H, W] or [C, H, W], got {shape}")
    sizes = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size, output_size)
    rows, columns = (n if size is None else size for size, n in zip(sizes, shape[-2:]))
    dtype = input.array.dtype
    return Tensor(_averages(rows, shape[-2], dtype)) @ input @ Tensor(_averages(columns, shape[-1], dtype).T)


def _averages(regions: int, size: int, dtype: np.dtype) -> np.ndarray:
    """[regions, size]: row i averages the pixels of region i."""
    weights = np.zeros((regions, size), dtype)
    for i in range(regions):
        first, last = i * size // regions, -(-(i + 1) * size // regions)
        weights[i, first:last] = 1 / (last - first)
    return weights


def _geometry(function: str, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple:
    """Kernel, stride and padding as pairs, checked."""
    shape = input.array.shape
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(
            f"{function}: Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got: {shape}"
        )
    kernel = ints(kernel_size, 2, function, "kernel_size")
    unset = stride is None or (isinstance(stride, tuple | list) and not stride)
    stride = kernel if unset else ints(stride, 2, function, "stride")
    padding, dilation = ints(padding, 2, function, "padding"), ints(dilation, 2, function, "dilation")
    for name, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if min(values) < 1:
            raise RuntimeError(f"{function}: {name} should be greater than zero, got {values}")
    if min(padding) < 0:
        raise RuntimeError(f"{function}: pad must be non-negative, but got pad: {padding}")
    if any(2 * p > d * (k - 1) + 1 for p, k, d in zip(padding, kernel, dilation)):
        raise RuntimeError(
            f"{function}: pad should be at most half of effective kernel size, but got pad={padding}, "
            f"kernel_size={kernel} and dilation={dilation}"
        )
    return kernel, stride, padding
