"""Pooling: one value for each window that slides over an image, a signal or a volume."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels import sliding_windows
from scratchnet.nn.functional.arguments import ints
from scratchnet.nn.functional.pooling_operations import (
    AvgPool,
    MaxPool,
    apply_pooling,
    require_dtype,
    spatial_size,
    stride_or_kernel,
)
from scratchnet.ops.elementwise import check_tensor


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of [N, C, L] or [C, L]; see `max_pool2d`."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window; a NaN is larger than any number, and of equal values the first counts.

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
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest value of each window of [N, C, D, H, W] or [C, D, H, W]; see `max_pool2d`."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d` with its indices, whatever `return_indices` says."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d` with its indices, whatever `return_indices` says."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool3d` with its indices, whatever `return_indices` says."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _max_pool(
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    name = f"max_pool{dims}d"
    size = spatial_size(input, dims, name)
    kind = input.array.dtype.kind
    require_dtype(input, name, kind == "f" or (kind != "b" and (dims > 1 or return_indices)))
    kernel = ints(kernel_size, dims, name, "kernel_size")
    windows = sliding_windows(
        name,
        size,
        kernel,
        stride_or_kernel(stride, kernel, name),
        ints(padding, dims, name, "padding"),
        ints(dilation, dims, name, "dilation"),
        bool(ceil_mode),
    )
    return apply_pooling(MaxPool(windows, return_indices), input, dims)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of [N, C, L] or [C, L]; see `avg_pool2d`."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


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
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of [N, C, D, H, W] or [C, D, H, W]; see `avg_pool2d`."""
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool(
    dims: int,
    input: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    name = f"avg_pool{dims}d"
    size = spatial_size(input, dims, name)
    require_dtype(input, name, input.array.dtype.kind == "f" or input.array.dtype == np.int64)
    if divisor_override == 0:
        raise RuntimeError(f"{name}: divisor must be not zero")
    kernel = ints(kernel_size, dims, name, "kernel_size")
    if dims == 3 and any(k > n for k, n in zip(kernel, size)):  # as in torch, whatever the padding, in 3-D alone
        raise RuntimeError(f"{name}: input image {size} is smaller than kernel size {kernel}")
    windows = sliding_windows(
        name,
        size,
        kernel,
        stride_or_kernel(stride, kernel, name),
        ints(padding, dims, name, "padding"),
        (1,) * dims,
        bool(ceil_mode),
        bool(count_include_pad),
        divisor_override,
    )
    return apply_pooling(AvgPool(windows), input, dims)


def cross_channel_max_pool(input: Tensor, kernel_size: int, stride: int | None = None) -> Tensor:
    """The largest of every `kernel_size` neighbouring channels, every `stride` channels: each pixel by itself.

    Goodfellow, Warde-Farley, Mirza, Courville and Bengio, "Maxout Networks", 2013.

    Parameters
    ----------
    input : [N, C, ...]
    kernel_size : int
    stride : int, optional
        `kernel_size` by default.

    Returns
    -------
    [N, (C − kernel_size) // stride + 1, ...]

    Raises
    ------
    RuntimeError
        If there are fewer channels than `kernel_size`, or no pixels.
    """
    shape = check_tensor(input, "cross_channel_max_pool").array.shape
    if len(shape) < 2 or 0 in shape[1:]:
        raise RuntimeError(f"cross_channel_max_pool: expected input of shape [N, C, ...], got {shape}")
    step = kernel_size if stride is None else stride
    y = max_pool2d(input.reshape(shape[0], 1, shape[1], math.prod(shape[2:])), (kernel_size, 1), (step, 1))
    return y.reshape(shape[0], -1, *shape[2:])
