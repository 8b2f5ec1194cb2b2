"""Self-calibrated convolution."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.blocks.conv_norm_activation import Conv2dNormActivation, Layer
from scratchnet.nn.containers import Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.modules.batchnorm import BatchNorm2d
from scratchnet.nn.modules.pooling import AvgPool2d


class SCConv(Module):
    """A convolution weighed at each position by what a convolution of a smaller image sees around it.

        y = k₄(k₃(x) · σ(x + up(k₂(pool(x)))))

    with average pooling over r × r pixels, `up` to the nearest pixel, and 3 × 3 convolutions k, each with batch
    normalisation. In the paper this is done to one half of the channels, and an ordinary convolution (k₁) to the other.

    Liu, Hou, Cheng, Wang and Feng, "Improving Convolutional Networks with Self-Calibrated Convolutions", 2020.

    Parameters
    ----------
    inplanes, planes : int
        Channels; the same number, since x is added to what k₂ gives.
    stride : int or (int, int)
        Of k₄.
    padding, dilation, groups : int
        Of all; the padding must keep the size of the image.
    pooling_r : int
        r.
    norm_layer : callable
        Makes a layer of a number of channels.

    Attributes
    ----------
    k2, k3, k4 : Sequential
        Keys are those of the authors' code.

    Raises
    ------
    ValueError
        If the numbers of channels differ.

    Shapes: [N, inplanes, H, W] to [N, planes, OH, OW]; H and W at least r
    """

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: Any = 1,
        padding: Any = 1,
        dilation: Any = 1,
        groups: int = 1,
        pooling_r: int = 4,
        norm_layer: Layer = BatchNorm2d,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if inplanes != planes:
            raise ValueError(f"SCConv: inplanes and planes must be equal, got {inplanes} and {planes}")

        def normalised(stride: Any = 1) -> Sequential:
            return Conv2dNormActivation(
                inplanes, planes, 3, stride, padding, groups, norm_layer, None, dilation, device=device, dtype=dtype
            )

        self.k2 = Sequential(AvgPool2d(pooling_r, pooling_r), *normalised())
        self.k3, self.k4 = normalised(), normalised(stride)

    def forward(self, input: Tensor) -> Tensor:
        around = F.interpolate(self.k2(input), tuple(input.shape[2:]))
        return self.k4(self.k3(input) * (input + around).sigmoid())
