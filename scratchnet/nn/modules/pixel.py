"""Layers that shuffle channels and pixels."""

from __future__ import annotations

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.module import Module


class PixelShuffle(Module):
    """Makes r × r pixels of r² channels: [..., C·r², H, W] to [..., C, H·r, W·r], r = `upscale_factor`."""

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Makes r² channels of r × r pixels: [..., C, H·r, W·r] to [..., C·r², H, W], r = `downscale_factor`."""

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """Orders channels [N, C, ...] by their place in their group, for grouped convolutions: `functional.channel_shuffle`."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
