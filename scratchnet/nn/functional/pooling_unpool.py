"""Unpooling: values put back to where their maxima were."""

from __future__ import annotations

import math
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import ints, require_float
from scratchnet.nn.functional.pooling_operations import MaxUnpool, apply_pooling, spatial_size, stride_or_kernel
from scratchnet.ops.elementwise import check_tensor


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """The inverse of `max_pool1d` of [N, C, L] or [C, L]; see `max_unpool2d`."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """Zeros, but for the values that `max_pool2d` took, each at its index.

    Zeiler, Taylor and Fergus, "Adaptive Deconvolutional Networks for Mid and High Level Feature Learning", 2011.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    indices : of input's shape, int64
        Places in the planes of the result, as `max_pool2d` returns them. Of values with equal indices the last stays.
    kernel_size, stride, padding
        Those of the pooling.
    output_size : sequence of 2 (or 4) ints, optional
        Size (or shape) of the pooling's input: several sizes are pooled to one.

    Returns
    -------
    [N, C, OH, OW], by default with OH = (H − 1) · stride + kernel_size − 2 · padding

    Raises
    ------
    ValueError
        If `output_size` is not one that pools to input's size, give or take less than a stride.
    RuntimeError
        If an index lies outside of its plane, or shapes do not fit.
    """
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Tensor:
    """The inverse of `max_pool3d` of [N, C, D, H, W] or [C, D, H, W]; see `max_unpool2d`."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    dims: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    name = f"max_unpool{dims}d"
    size = spatial_size(input, dims, name)
    require_float(input, name)
    places = check_tensor(indices, name, "indices").array
    kernel = ints(kernel_size, dims, name, "kernel_size")
    strides = stride_or_kernel(stride, kernel, name)
    output = _output_size(name, size, kernel, strides, ints(padding, dims, name, "padding"), output_size)
    if places.dtype != "int64":
        raise RuntimeError(f"{name}: elements in indices should be of dtype int64, but got {places.dtype}")
    if places.shape != input.array.shape:
        raise RuntimeError(
            f"{name}: expected indices of input's shape {input.array.shape}, but got indices of shape {places.shape}"
        )
    if places.size and not (places.min() >= 0 and places.max() < math.prod(output)):
        raise RuntimeError(f"{name}: found an invalid max index: the result has planes of size {output}")
    if input.array.ndim == dims + 1:
        places = places.reshape(1, *places.shape)
    return apply_pooling(MaxUnpool(places, output), input, dims)


def _output_size(
    function: str, size: tuple, kernel: tuple, stride: tuple, padding: tuple, output_size: Any
) -> tuple[int, ...]:
    """The size asked for, if it is possible, or that of the smallest image without a remainder."""
    least = tuple((n - 1) * s + k - 2 * p for n, k, s, p in zip(size, kernel, stride, padding))
    if output_size is None:
        if min(least) < 0:
            raise ValueError(f"{function}: the size of the output, {least}, must not be negative; is the padding too large?")
        return least
    output = tuple(output_size)
    if len(output) == len(size) + 2:
        output = output[2:]
    if len(output) != len(size):
        raise ValueError(
            f"{function}: output_size should be a sequence of {len(size)} or {len(size) + 2} elements, but it has "
            f"{len(output)}"
        )
    for axis, (n, m, s) in enumerate(zip(least, output, stride)):
        if not n - s < m < n + s:
            raise ValueError(
                f"{function}: invalid output_size {output}: dim {axis} must be between {n - s} and {n + s}, exclusive"
            )
    return tuple(int(n) for n in output)
