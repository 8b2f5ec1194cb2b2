"""Convolution, normalisation, activation: the unit that most convolutional networks are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchnet.nn.containers import Sequential
from scratchnet.nn.functional.arguments import ints
from scratchnet.nn.module import Module
from scratchnet.nn.modules.activation import ReLU
from scratchnet.nn.modules.batchnorm import BatchNorm2d
from scratchnet.nn.modules.conv import Conv2d

Layer = Callable[..., Module]


class Conv2dNormActivation(Sequential):
    """activation(norm(conv(x))); arguments and keys are those of torchvision's block of this name.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, dilation : int or (int, int)
    padding : int, (int, int) or str, optional
        Default: (kernel_size − 1) // 2 · dilation, which keeps the size of the image for odd kernels and stride 1.
    groups : int
    norm_layer : callable, optional
        Makes a layer of a number of channels; None: no normalisation.
    activation_layer : callable, optional
        Makes a layer; None: no activation.
    inplace : bool, optional
        Handed to `activation_layer`; None: it takes no such argument.
    bias : bool, optional
        Of the convolution; default: only without normalisation, whose own would make it superfluous.
    device, dtype
        Of the parameters; handed to `norm_layer` if given.

    Shapes: [N, in_channels, H, W] to [N, out_channels, OH, OW]

    >>> print(Conv2dNormActivation(3, 8, stride=2))
    Conv2dNormActivation(
      (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)
      (1): BatchNorm2d(8, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
      (2): ReLU(inplace=True)
    )
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any = 3,
        stride: Any = 1,
        padding: Any = None,
        groups: int = 1,
        norm_layer: Layer | None = BatchNorm2d,
        activation_layer: Layer | None = ReLU,
        dilation: Any = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding is None:
            sizes = (ints(kernel_size, 2, "Conv2d", "kernel_size"), ints(dilation, 2, "Conv2d", "dilation"))
            padding = tuple((k - 1) // 2 * d for k, d in zip(*sizes))
        bias = norm_layer is None if bias is None else bias
        factory = {name: value for name, value in (("device", device), ("dtype", dtype)) if value is not None}
        settings: dict[str, Any] = {"dilation": dilation, "groups": groups, "bias": bias}
        layers: list[Module] = [
            Conv2d(in_channels, out_channels, kernel_size, stride, padding, **settings, **factory)
        ]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels, **factory))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels
