"""Convolutional layers."""

from __future__ import annotations

import math
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.functional.arguments import ints
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import positive, unset

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Conv2d(Module):
    """Cross-correlation of images with a bank of filters, see `functional.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, dilation : int or (int, int)
    padding : int, (int, int), "same" or "valid"
    groups : int
        Divides both numbers of channels.
    bias : bool
        Whether every filter has a number that is added.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What lies beyond the edges.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : [out_channels, in_channels / groups, *kernel_size], bias : [out_channels]
        Initial values are drawn from U(−k, k), k = 1 / √(in_channels / groups · kernel area).

    Shapes: [N, in_channels, H, W] to [N, out_channels, OH, OW]; without N for one image
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_channels = positive(in_channels, "Conv2d", "in_channels")
        self.out_channels = positive(out_channels, "Conv2d", "out_channels")
        self.kernel_size = ints(kernel_size, 2, "Conv2d", "kernel_size")
        self.stride = ints(stride, 2, "Conv2d", "stride")
        self.dilation = ints(dilation, 2, "Conv2d", "dilation")
        self.padding: Any = padding if isinstance(padding, str) else ints(padding, 2, "Conv2d", "padding")
        self.groups, self.padding_mode = groups, padding_mode
        self._check_options()
        self._pad_widths = self._widths()
        self.weight = unset((out_channels, in_channels // groups, *self.kernel_size), device, dtype)
        self.register_parameter("bias", unset(out_channels, device, dtype) if bias else None)
        self.reset_parameters()

    def _check_options(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        if self.out_channels % self.groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of 'same', 'valid'")
            if self.padding == "same" and self.stride != (1, 1):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {set(_PADDING_MODES)}, but got padding_mode='{self.padding_mode}'"
            )

    def _widths(self) -> tuple[int, ...]:
        """(left, right, top, bottom) that the padding comes to."""
        if self.padding == "valid":
            return (0,) * 4
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            sides = [(total // 2, total - total // 2) for total in totals]
        else:
            sides = [(p, p) for p in self.padding]
        return (*sides[1], *sides[0])

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # this slope makes the bound 1/√fan_in
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._pad_widths, mode=self.padding_mode), 0
        return F.conv2d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != (0, 0):
            parts.append(f"padding={self.padding}")
        if self.dilation != (1, 1):
            parts.append(f"dilation={self.dilation}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)
