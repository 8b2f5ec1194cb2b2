"""Adaptive pooling: the size of the output is given, and the regions follow from it."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels import Windows, adaptive_windows
from scratchnet.nn.functional.arguments import ints, require_float
from scratchnet.nn.functional.pooling_operations import AvgPool, MaxPool, apply_pooling, spatial_size
from scratchnet.ops.elementwise import check_tensor


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each region of [N, C, L] or [C, L]; see `adaptive_avg_pool2d`."""
    return _adaptive_avg_pool(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of OH × OW regions that cover the image; with size 1, of the whole image.

    Region i of the rows reaches from ⌊i · H / OH⌋ up to ⌈(i + 1) · H / OH⌉, that of the columns likewise.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    output_size : int, or (OH, OW); None stands for the input's size

    Returns
    -------
    [N, C, OH, OW]

    Raises
    ------
    RuntimeError, ValueError
        If the input is no such tensor, or `output_size` is negative or has another number of elements.
    """
    return _adaptive_avg_pool(2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each region of [N, C, D, H, W] or [C, D, H, W]; see `adaptive_avg_pool2d`."""
    return _adaptive_avg_pool(3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest value of each region of [N, C, L] or [C, L]; see `adaptive_max_pool2d`."""
    return _adaptive_max_pool(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest value of each of OH × OW regions that cover the image, the regions of `adaptive_avg_pool2d`.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    output_size : int, or (OH, OW); None stands for the input's size
    return_indices : bool
        Return also the places of the maxima, as indices into the H·W pixels of their plane.

    Returns
    -------
    [N, C, OH, OW], or a pair of them

    Raises
    ------
    RuntimeError, ValueError
        As `adaptive_avg_pool2d`.
    """
    return _adaptive_max_pool(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest value of each region of [N, C, D, H, W] or [C, D, H, W]; see `adaptive_max_pool2d`."""
    return _adaptive_max_pool(3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool1d` with its indices, whatever `return_indices` says."""
    return _adaptive_max_pool(1, input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d` with its indices, whatever `return_indices` says."""
    return _adaptive_max_pool(2, input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool3d` with its indices, whatever `return_indices` says."""
    return _adaptive_max_pool(3, input, output_size, True)


def _adaptive_max_pool(dims: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    windows = _regions(f"adaptive_max_pool{dims}d", dims, input, output_size, channels=True)
    return apply_pooling(MaxPool(windows, return_indices), input, dims)


def _adaptive_avg_pool(dims: int, input: Tensor, output_size: Any) -> Tensor:
    windows = _regions(f"adaptive_avg_pool{dims}d", dims, input, output_size, channels=dims == 3)
    return apply_pooling(AvgPool(windows), input, dims)


def _regions(function: str, dims: int, input: Tensor, output_size: Any, channels: bool) -> Windows:
    sizes = output_size if isinstance(output_size, tuple | list) and dims > 1 else None
    if sizes is not None and check_tensor(input, function).array.ndim <= len(sizes):
        raise ValueError(
            f"{function}: output_size={output_size} expects an input of {len(sizes) + 1} or more dimensions, "
            f"got shape {input.array.shape}"
        )
    size = spatial_size(input, dims, function, channels)
    require_float(input, function)
    if sizes is not None:
        if len(sizes) != dims:
            raise RuntimeError(f"{function}: output_size must be an int or have {dims} elements, got {output_size}")
        output_size = tuple(n if m is None else m for n, m in zip(size, sizes))
    output = ints(output_size, dims, function, "output_size")
    if min(output) < 0:
        raise RuntimeError(f"{function}: elements of output_size must not be negative, got {output_size}")
    return adaptive_windows(size, output)
