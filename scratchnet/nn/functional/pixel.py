"""Shuffles: channels become pixels, pixels become channels, channels of groups are mixed."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor


class PixelShuffle(Function):
    """y[…, c, i·r + a, j·r + b] = x[…, (c·r + a)·r + b, i, j].  dL/dx = `PixelUnshuffle`"""

    reads = NOTHING

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def forward(self, x: Any) -> Any:
        *leading, channels, height, width = x.shape
        r = self.factor
        y = np.empty_like(x, shape=(*leading, channels // r**2, height * r, width * r))
        for a in range(r):
            for b in range(r):
                y[..., a::r, b::r] = x[..., a * r + b :: r**2, :, :]
        return y

    def backward(self, g: Tensor) -> Tensor:
        return PixelUnshuffle(self.factor)(g)


class PixelUnshuffle(Function):
    """y[…, (c·r + a)·r + b, i, j] = x[…, c, i·r + a, j·r + b].  dL/dx = `PixelShuffle`"""

    reads = NOTHING

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def forward(self, x: Any) -> Any:
        *leading, channels, height, width = x.shape
        r = self.factor
        y = np.empty_like(x, shape=(*leading, channels * r**2, height // r, width // r))
        for a in range(r):
            for b in range(r):
                y[..., a * r + b :: r**2, :, :] = x[..., a::r, b::r]
        return y

    def backward(self, g: Tensor) -> Tensor:
        return PixelShuffle(self.factor)(g)


class ChannelShuffle(Function):
    """y[:, c·groups + g] = x[:, g·(C/groups) + c].  dL/dx = the same with C/groups groups"""

    reads = NOTHING

    def __init__(self, groups: int) -> None:
        self.groups = groups

    def forward(self, x: Any) -> Any:
        n, channels, *size = x.shape
        self.others = channels // self.groups
        grouped = x.reshape(n, self.groups, self.others, *size)
        return grouped.swapaxes(1, 2).copy().reshape(x.shape)

    def backward(self, g: Tensor) -> Tensor:
        return ChannelShuffle(self.others)(g)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """An image r times as high and wide, whose r × r neighbours are r² channels of the input; see `PixelShuffle`.

    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
    Network", 2016.

    Parameters
    ----------
    input : [..., C·r², H, W]
    upscale_factor : int
        r

    Returns
    -------
    [..., C, H·r, W·r]

    Raises
    ------
    RuntimeError
        If r² does not divide the channels.
    """
    shape, r = _checked("pixel_shuffle", input, "upscale_factor", upscale_factor)
    if shape[-3] % r**2:
        raise RuntimeError(
            f"pixel_shuffle: the channels must be a multiple of upscale_factor² = {r**2}, got input of shape {shape}"
        )
    return PixelShuffle(r)(input)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """The inverse of `pixel_shuffle`: every r × r pixels become channels.

    Parameters
    ----------
    input : [..., C, H·r, W·r]
    downscale_factor : int
        r

    Returns
    -------
    [..., C·r², H, W]

    Raises
    ------
    RuntimeError
        If r does not divide height and width.
    """
    shape, r = _checked("pixel_unshuffle", input, "downscale_factor", downscale_factor)
    if shape[-2] % r or shape[-1] % r:
        raise RuntimeError(
            f"pixel_unshuffle: height and width must be multiples of downscale_factor = {r}, got input of shape {shape}"
        )
    return PixelUnshuffle(r)(input)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of `groups` groups, one of each group after the other; see `ChannelShuffle`.

    So the next grouped convolution sees channels of all groups: Zhang et al., "ShuffleNet: An Extremely Efficient
    Convolutional Neural Network for Mobile Devices", 2018.

    Parameters
    ----------
    input : [N, C, ...], with at least one dimension more
    groups : int

    Returns
    -------
    of the shape of input

    Raises
    ------
    RuntimeError
        If groups does not divide the channels.
    """
    shape, groups = _checked("channel_shuffle", input, "groups", groups)
    if shape[1] % groups:
        raise RuntimeError(f"channel_shuffle: groups={groups} does not divide the channels of input of shape {shape}")
    return ChannelShuffle(groups)(input)


native_channel_shuffle = channel_shuffle


def _checked(function: str, input: Any, argument: str, value: Any) -> tuple[tuple[int, ...], int]:
    shape = check_tensor(input, function).array.shape
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{function}(): argument '{argument}' must be int, not {type(value).__name__}")
    if len(shape) < 3:
        raise RuntimeError(f"{function}: expected input of at least 3 dimensions, got shape {shape}")
    if value <= 0:
        raise RuntimeError(f"{function}: {argument} must be positive, got {value}")
    return shape, int(value)
