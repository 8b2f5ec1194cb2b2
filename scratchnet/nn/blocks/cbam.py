"""CBAM: attention to channels, then to pixels."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.containers import Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.modules.activation import ReLU
from scratchnet.nn.modules.batchnorm import BatchNorm2d
from scratchnet.nn.modules.conv import Conv2d
from scratchnet.nn.modules.factory import reduced


class ChannelGate(Module):
    """CBAM's attention to channels: y = x · σ(M(average of x) + M(maximum of x)),   M(z) = W₂ relu(W₁ z)

    Average and maximum are over the pixels of each channel. A part of `CBAM`.

    Parameters
    ----------
    channels : int
        C.
    reduction : int
        W₁ has C / reduction rows.

    Raises
    ------
    ValueError
        If W₁ would have no row.

    Shapes: [N, C, H, W] to [N, C, H, W]
    """

    def __init__(self, channels: int, reduction: int = 16, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        squeezed = reduced(channels, reduction, "ChannelGate", "channels")
        self.fc1 = Conv2d(channels, squeezed, 1, bias=False, device=device, dtype=dtype)
        self.act = ReLU()
        self.fc2 = Conv2d(squeezed, channels, 1, bias=False, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        average, greatest = (pool((2, 3), keepdim=True) for pool in (input.mean, input.amax))
        return input * sum(self.fc2(self.act(self.fc1(z))) for z in (average, greatest)).sigmoid()


class SpatialGate(Module):
    """CBAM's attention to pixels: y = x · σ(BN(f([average of x; maximum of x])))

    Average and maximum are over the channels of each pixel; f is one convolution. A part of `CBAM`.

    Parameters
    ----------
    kernel_size : int
        Of f; odd.

    Raises
    ------
    ValueError
        If the size is even.

    Shapes: [N, C, H, W] to [N, C, H, W]
    """

    def __init__(self, kernel_size: int = 7, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        if kernel_size % 2 != 1:
            raise ValueError(f"SpatialGate: kernel_size must be odd, got {kernel_size}")
        filters = Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False, device=device, dtype=dtype)
        self.conv = Sequential(OrderedDict(conv=filters, bn=BatchNorm2d(1, device=device, dtype=dtype)))

    def forward(self, input: Tensor) -> Tensor:
        pooled = ops.cat([input.mean(1, keepdim=True), input.amax(1, keepdim=True)], 1)
        return input * self.conv(pooled).sigmoid()


class CBAM(Module):
    """Convolutional block attention module: `ChannelGate`, then `SpatialGate`.

        y = s · (c · x),   c = σ(M(average) + M(maximum)),   s = σ(BN(f([average; maximum])))

    Names are those of timm's CbamModule.

    Woo, Park, Lee and Kweon, "CBAM: Convolutional Block Attention Module", 2018.

    Parameters
    ----------
    channels, reduction : as of `ChannelGate`
    kernel_size : as of `SpatialGate`

    Raises
    ------
    ValueError
        As the two.

    Shapes: [N, C, H, W] to [N, C, H, W]
    """

    def __init__(
        self, channels: int, reduction: int = 16, kernel_size: int = 7, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.channel = ChannelGate(channels, reduction, device, dtype)
        self.spatial = SpatialGate(kernel_size, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return self.spatial(self.channel(input))
