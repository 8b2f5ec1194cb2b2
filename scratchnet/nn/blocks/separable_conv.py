"""Depthwise separable convolution: space first, channels afterwards."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from scratchnet.nn.blocks.conv_norm_activation import Conv2dNormActivation, Layer
from scratchnet.nn.containers import Sequential


class DepthwiseSeparableConv2d(Sequential):
    """A convolution of each channel by itself, and a 1 × 1 convolution that mixes the channels.

    In place of C_in · C_out · k² weights there are C_in · M · k² + C_in · M · C_out. Without `norm_layer` and
    `activation_layer` it is Xception's, with them MobileNet's: conv, norm, activation, twice.

    Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017; Howard et al., "MobileNets: Efficient
    Convolutional Neural Networks for Mobile Vision Applications", 2017.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or (int, int)
        Of the depthwise part; without `padding` the size is kept for odd kernels and stride 1.
    depth_multiplier : int
        M, filters for each input channel.
    norm_layer, activation_layer : callable, optional
        After each of the parts, as in `Conv2dNormActivation`.
    bias : bool, optional
        Of both convolutions; default: only without `norm_layer`.

    Attributes
    ----------
    depthwise, pointwise : Conv2dNormActivation

    Raises
    ------
    ValueError
        If `depth_multiplier` is less than 1.

    Shapes: [N, in_channels, H, W] to [N, out_channels, OH, OW]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any = 3,
        stride: Any = 1,
        padding: Any = None,
        dilation: Any = 1,
        depth_multiplier: int = 1,
        norm_layer: Layer | None = None,
        activation_layer: Layer | None = None,
        bias: bool | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if depth_multiplier < 1:
            raise ValueError(f"DepthwiseSeparableConv2d: depth_multiplier must be at least 1, got {depth_multiplier}")
        between = in_channels * depth_multiplier
        common: dict[str, Any] = {
            "norm_layer": norm_layer, "activation_layer": activation_layer, "bias": bias, "device": device, "dtype": dtype,
        }  # fmt: skip
        depthwise = Conv2dNormActivation(
            in_channels, between, kernel_size, stride, padding, in_channels, dilation=dilation, **common
        )
        pointwise = Conv2dNormActivation(between, out_channels, 1, **common)
        super().__init__(OrderedDict(depthwise=depthwise, pointwise=pointwise))
