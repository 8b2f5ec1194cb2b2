"""Pooling over whole rows and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.blocks.conv_norm_activation import Conv2dNormActivation, Layer
from scratchnet.nn.module import Module
from scratchnet.nn.modules.activation import ReLU
from scratchnet.nn.modules.batchnorm import BatchNorm2d
from scratchnet.nn.modules.pooling_adaptive import AdaptiveAvgPool2d

_UP = {"mode": "bilinear", "align_corners": True}


class StripPooling(Module):
    """Mixed pooling: what squares of several sizes see beside what whole rows and columns see.

        a = conv₁(x),   squares = relu(c₀(a) + up(c₁(pool_m(a))) + up(c₂(pool_n(a))))
        b = conv₂(x),   strips  = relu(up(c₃(mean of each column of b)) + up(c₄(mean of each row of b)))
        y = relu(x + conv₃([c₅(squares); c₆(strips)]))

    A road or a pole is long and thin: a square window that sees all of it sees mostly something else.
    All convolutions are without bias and with batch normalisation; conv₁, conv₂, c₅, c₆ with ReLU. c₃ is 1 × 3, c₄ 3 × 1.

    Hou, Zhang, Cheng and Feng, "Strip Pooling: Rethinking Spatial Pooling for Scene Parsing", 2020.

    Parameters
    ----------
    in_channels : int
        A multiple of 4; within the block there is a quarter of them.
    pool_size : (int, int)
        m and n, the sides of the two grids of squares.
    norm_layer : callable
        Makes a layer of a number of channels.
    up_kwargs : mapping
        How `up` interpolates, arguments of `functional.interpolate`.

    Attributes
    ----------
    conv1_1, conv1_2, conv2_0, …, conv2_6, conv3
        Keys are those of the authors' code.

    Raises
    ------
    ValueError
        If 4 does not divide `in_channels`.

    Shapes: [N, in_channels, H, W] to the same
    """

    def __init__(
        self,
        in_channels: int,
        pool_size: tuple[int, int] = (20, 12),
        norm_layer: Layer = BatchNorm2d,
        up_kwargs: Mapping[str, Any] = _UP,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in_channels < 4 or in_channels % 4:
            raise ValueError(f"StripPooling: in_channels must be a multiple of 4, got {in_channels}")
        inter = in_channels // 4

        def unit(inputs: int, outputs: int, kernel_size: Any, activation: Layer | None = None) -> Module:
            return Conv2dNormActivation(
                inputs, outputs, kernel_size, norm_layer=norm_layer, activation_layer=activation, device=device, dtype=dtype
            )

        self.pool1, self.pool2 = (AdaptiveAvgPool2d(n) for n in pool_size)
        self.pool3, self.pool4 = AdaptiveAvgPool2d((1, None)), AdaptiveAvgPool2d((None, 1))
        self.conv1_1, self.conv1_2 = (unit(in_channels, inter, 1, ReLU) for _ in range(2))
        self.conv2_0, self.conv2_1, self.conv2_2 = (unit(inter, inter, 3) for _ in range(3))
        self.conv2_3, self.conv2_4 = unit(inter, inter, (1, 3)), unit(inter, inter, (3, 1))
        self.conv2_5, self.conv2_6 = (unit(inter, inter, 3, ReLU) for _ in range(2))
        self.conv3 = unit(2 * inter, in_channels, 1)
        self._up_kwargs = dict(up_kwargs)

    def forward(self, input: Tensor) -> Tensor:
        def up(x: Tensor) -> Tensor:
            return F.interpolate(x, tuple(input.shape[2:]), **self._up_kwargs)

        a, b = self.conv1_1(input), self.conv1_2(input)
        squares = self.conv2_0(a) + up(self.conv2_1(self.pool1(a))) + up(self.conv2_2(self.pool2(a)))
        strips = up(self.conv2_3(self.pool3(b))) + up(self.conv2_4(self.pool4(b)))
        both = ops.cat([self.conv2_5(F.relu(squares)), self.conv2_6(F.relu(strips))], 1)
        return F.relu(input + self.conv3(both))
