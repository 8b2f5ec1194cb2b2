"""Looking at an image at several sizes at once: pooling into several grids, dilated convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.blocks.conv_norm_activation import Conv2dNormActivation
from scratchnet.nn.containers import ModuleList, Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.modules.dropout import Dropout
from scratchnet.nn.modules.pooling_adaptive import AdaptiveAvgPool2d

_POOLS = {"max": F.adaptive_max_pool2d, "avg": F.adaptive_avg_pool2d}


class SpatialPyramidPooling(Module):
    """Pools an image of any size into grids of n × n bins and puts them into one vector.

    Bin (i, j) of n × n reaches from row ⌊i · H / n⌋ up to ⌈(i + 1) · H / n⌉, and over columns likewise.

    He, Zhang, Ren and Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual Recognition", 2014.

    Parameters
    ----------
    levels : sequence of ints
        The n of each grid.
    pool : "max" or "avg"

    Raises
    ------
    ValueError
        If there is no grid, or n < 1, or `pool` is something else.

    Shapes: [N, C, H, W] to [N, C · Σ n²], grid by grid, in each channel by channel

    >>> SpatialPyramidPooling([4, 2, 1])(ops.zeros(2, 8, 13, 9)).shape
    scratchnet.Size([2, 168])
    """

    def __init__(self, levels: Sequence[int] = (6, 3, 2, 1), pool: str = "max") -> None:
        super().__init__()
        if not levels or min(levels) < 1:
            raise ValueError(f"SpatialPyramidPooling: levels must be one or more ints of at least 1, got {levels}")
        if pool not in _POOLS:
            raise ValueError(f"SpatialPyramidPooling: pool must be 'max' or 'avg', got {pool!r}")
        self.levels, self.pool = tuple(levels), pool

    def forward(self, input: Tensor) -> Tensor:
        return ops.cat([_POOLS[self.pool](input, n).flatten(1) for n in self.levels], 1)

    def extra_repr(self) -> str:
        return f"levels={self.levels}, pool={self.pool!r}"


class ASPPPooling(Sequential):
    """The branch of `ASPP` that sees the whole image: its mean, convolved and spread over all pixels.

    Shapes: [N, in_channels, H, W] to [N, out_channels, H, W]
    """

    def __init__(self, in_channels: int, out_channels: int, device: Any = None, dtype: Any = None) -> None:
        unit = Conv2dNormActivation(in_channels, out_channels, 1, inplace=False, device=device, dtype=dtype)
        super().__init__(AdaptiveAvgPool2d(1), *unit)

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(super().forward(input), tuple(input.shape[-2:]), mode="bilinear", align_corners=False)


class ASPP(Module):
    """Atrous spatial pyramid pooling: convolutions of several dilations side by side, and the mean of the image.

        y = project([b₀(x); b_r₁(x); …; b_rₙ(x); spread(b(mean(x)))])

    b₀ and `project` are 1 × 1, the b_r 3 × 3 convolutions of dilation r, each with batch normalisation and ReLU;
    dropout of 1/2 after the last.

    Chen, Papandreou, Schroff and Adam, "Rethinking Atrous Convolution for Semantic Image Segmentation" (DeepLabv3), 2017.

    Parameters
    ----------
    in_channels : int
    atrous_rates : sequence of ints
        The r.
    out_channels : int

    Attributes
    ----------
    convs : ModuleList
        The branches. Keys are those of torchvision's `deeplabv3.ASPP`.
    project : Sequential

    Raises
    ------
    ValueError
        While training with one image: the branch of the mean has one value in each channel to normalise.

    Shapes: [N, in_channels, H, W] to [N, out_channels, H, W]
    """

    def __init__(
        self,
        in_channels: int,
        atrous_rates: Sequence[int],
        out_channels: int = 256,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        common: dict[str, Any] = {"inplace": False, "device": device, "dtype": dtype}
        point = Conv2dNormActivation(in_channels, out_channels, 1, **common)
        dilated = [Conv2dNormActivation(in_channels, out_channels, 3, dilation=r, **common) for r in atrous_rates]
        self.convs = ModuleList([point, *dilated, ASPPPooling(in_channels, out_channels, device, dtype)])
        last = Conv2dNormActivation(len(self.convs) * out_channels, out_channels, 1, **common)
        self.project = Sequential(*last, Dropout(0.5))

    def forward(self, input: Tensor) -> Tensor:
        return self.project(ops.cat([branch(input) for branch in self.convs], 1))
