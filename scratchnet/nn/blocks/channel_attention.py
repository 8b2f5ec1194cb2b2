"""Attention to channels: each map is weighed by what all maps hold on average."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.containers import ModuleList, Sequential
from scratchnet.nn.functional.softmax import softmax
from scratchnet.nn.module import Module
from scratchnet.nn.modules.activation import ReLU, Sigmoid
from scratchnet.nn.modules.batchnorm import BatchNorm2d
from scratchnet.nn.modules.conv import Conv1d, Conv2d
from scratchnet.nn.modules.factory import positive
from scratchnet.nn.modules.pooling_adaptive import AdaptiveAvgPool2d


class SqueezeExcitation(Module):
    """Weighs each channel by a number that depends on the averages of all channels.

        y = x · σ(W₂ δ(W₁ z + b₁) + b₂),   z_c = the average of x over the pixels of channel c

    Names are those of torchvision.ops.SqueezeExcitation, so that weights of networks that use it load.

    Hu, Shen, Albanie, Sun and Wu, "Squeeze-and-Excitation Networks", 2017.

    Parameters
    ----------
    input_channels : int
        C.
    squeeze_channels : int
        Features between the two linear maps; in the paper C/16.
    activation, scale_activation : callable returning a module
        δ and σ.

    Shapes: [N, C, H, W] to [N, C, H, W]

    Examples
    --------
    >>> import scratchnet
    >>> SqueezeExcitation(16, 4)(scratchnet.ones(2, 16, 5, 5)).shape
    scratchnet.Size([2, 16, 5, 5])
    """

    def __init__(
        self,
        input_channels: int,
        squeeze_channels: int,
        activation: Callable[..., Module] = ReLU,
        scale_activation: Callable[..., Module] = Sigmoid,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc1 = Conv2d(input_channels, squeeze_channels, 1, device=device, dtype=dtype)
        self.fc2 = Conv2d(squeeze_channels, input_channels, 1, device=device, dtype=dtype)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, input: Tensor) -> Tensor:
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input))))) * input


class ECA(Module):
    """Weighs each channel by a number that depends on the averages of its neighbours: efficient channel attention.

        y = x · σ(w * z),   z_c = the average of x over the pixels of channel c,   * a convolution over the channels

    The filter's size grows with their number: the odd one of ⌊t⌋ and ⌊t⌋ + 1, where t = |log₂ C + β| / γ; 3 at least.

    Wang, Wu, Zhu, Li, Zuo and Hu, "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks", 2019.

    Parameters
    ----------
    channels : int, optional
        C, which gives the filter's size.
    kernel_size : int
        The filter's size if `channels` is not given; odd.
    gamma, beta : float
        γ and β.

    Attributes
    ----------
    conv : Conv1d(1, 1), without bias

    Raises
    ------
    ValueError
        If the filter's size is not odd, or no C ≥ 1.

    Shapes: [N, C, H, W] to [N, C, H, W]
    """

    def __init__(
        self,
        channels: int | None = None,
        kernel_size: int = 3,
        gamma: float = 2,
        beta: float = 1,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if channels is not None:
            if channels < 1:
                raise ValueError(f"ECA: channels must be at least 1, got {channels}")
            size = int(abs(math.log2(channels) + beta) / gamma)
            kernel_size = max(size if size % 2 else size + 1, 3)
        if kernel_size % 2 != 1:
            raise ValueError(f"ECA: kernel_size must be odd, got {kernel_size}")
        self.conv = Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False, device=device, dtype=dtype)

    def forward(self, input: Tensor) -> Tensor:
        weights = self.conv(input.mean((2, 3)).unsqueeze(1)).sigmoid()
        return input * weights.reshape(*input.shape[:2], 1, 1)


class SelectiveKernel(Module):
    """Convolutions of several sizes side by side, and for each channel an attention that chooses among them.

        y_c = Σ_p a_pc · u_pc,   a = softmax over the paths p of V_p δ(BN(W z)),   z_c = the average of Σ_p u_pc

    u_p = δ(BN(conv_p(x))). A path of size 5 or more is a 3×3 convolution with dilation, as in the paper. Names are
    those of timm's SelectiveKernel, whose `split_input` is False here: every path sees all channels.

    Li, Wang, Hu and Yang, "Selective Kernel Networks", 2019.

    Parameters
    ----------
    in_channels : int
    out_channels : int, optional
        C; `in_channels` if not given.
    kernel_size : sequence of ints
        One odd size for each path.
    stride, groups : int
        Of the convolutions.
    reduction, min_channels : int
        W has max(C / reduction, min_channels) rows: r and L in the paper.
    keep_3x3 : bool
        Use dilated 3×3 filters for the larger sizes.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, or one is even, or `reduction` is less than 1.

    Shapes: [N, in_channels, H, W] to [N, C, H / stride, W / stride]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int | None = None,
        kernel_size: Sequence[int] = (3, 5),
        stride: int = 1,
        groups: int = 1,
        reduction: int = 16,
        min_channels: int = 32,
        keep_3x3: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if len(kernel_size) < 2 or any(size % 2 != 1 for size in kernel_size):
            raise ValueError(f"SelectiveKernel: kernel_size must be two odd sizes or more, got {kernel_size}")
        if reduction < 1:
            raise ValueError(f"SelectiveKernel: reduction must be at least 1, got {reduction}")
        channels = in_channels if out_channels is None else out_channels
        factory = {"device": device, "dtype": dtype}
        self.paths = ModuleList()
        for size in kernel_size:
            actual = min(size, 3) if keep_3x3 else size
            dilation = (size - 1) // 2 if actual < size else 1
            conv = Conv2d(
                in_channels, channels, actual, stride, dilation * (actual - 1) // 2, dilation, groups, False, **factory
            )
            self.paths.append(Sequential(OrderedDict(conv=conv, bn=BatchNorm2d(channels, **factory), act=ReLU())))
        squeezed = max(positive(channels, "SelectiveKernel", "out_channels") // reduction, min_channels)
        self.attn = Sequential(
            OrderedDict(
                fc_reduce=Conv2d(channels, squeezed, 1, bias=False, **factory),
                bn=BatchNorm2d(squeezed, **factory),
                act=ReLU(),
                fc_select=Conv2d(squeezed, channels * len(kernel_size), 1, bias=False, **factory),
            )
        )

    def forward(self, input: Tensor) -> Tensor:
        maps = ops.stack([path(input) for path in self.paths], 1)  # [N, paths, C, H, W]
        scores = self.attn(maps.sum(1).mean((2, 3), keepdim=True))
        return (maps * softmax(scores.unflatten(1, tuple(maps.shape[1:3])), 1)).sum(1)
