"""DANet: attention of pixels to pixels, and of channels to channels."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.blocks.conv_norm_activation import Conv2dNormActivation
from scratchnet.nn.containers import Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.modules.conv import Conv2d
from scratchnet.nn.modules.dropout import Dropout2d
from scratchnet.nn.modules.factory import reduced, unset


class PositionAttention(Module):
    """Adds to each pixel an average over all pixels.

        y_i = γ Σ_j softmax_j(q_i · k_j) v_j + x_i,   q, k and v linear maps of a pixel's channels, γ = 0 at the start

    Fu, Liu, Tian, Li, Bao, Fang and Lu, "Dual Attention Network for Scene Segmentation", 2018.

    Parameters
    ----------
    in_dim : int
        Channels C.
    reduction : int
        q and k have C / reduction features.

    Raises
    ------
    ValueError
        If they have none.

    Shapes: [N, C, H, W] to [N, C, H, W]
    """

    def __init__(self, in_dim: int, reduction: int = 8, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        features = reduced(in_dim, reduction, "PositionAttention", "in_dim")
        self.query_conv = Conv2d(in_dim, features, 1, device=device, dtype=dtype)
        self.key_conv = Conv2d(in_dim, features, 1, device=device, dtype=dtype)
        self.value_conv = Conv2d(in_dim, in_dim, 1, device=device, dtype=dtype)
        self.gamma = unset(1, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        q, k, v = (conv(input).flatten(2).mT for conv in (self.query_conv, self.key_conv, self.value_conv))
        y = F.scaled_dot_product_attention(q, k, v, scale=1.0)
        return self.gamma * y.mT.unflatten(2, tuple(input.shape[2:])) + input


class ChannelAttention(Module):
    """Adds to each channel an average over all channels, that weighs most those least like it.

        y_c = γ Σ_d softmax_d(max_e(x_c · x_e) − x_c · x_d) x_d + x_c,   γ = 0 at the start

    The paper writes softmax(x_c · x_d); its published code, which trained its networks, does this.

    Fu, Liu, Tian, Li, Bao, Fang and Lu, "Dual Attention Network for Scene Segmentation", 2018.

    Shapes: [N, C, H, W] to [N, C, H, W]
    """

    def __init__(self, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.gamma = unset(1, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        x = input.flatten(2)
        # max − energy: what is added to all entries of a row does not change its softmax
        y = F.scaled_dot_product_attention(x, x, x, scale=-1.0)
        return self.gamma * y.unflatten(2, tuple(input.shape[2:])) + input


class DANetHead(Module):
    """The head of a segmentation network: `PositionAttention` and `ChannelAttention` side by side.

        p = conv51(sa(conv5a(x))),   c = conv52(sc(conv5c(x))),   y = conv8(p + c)

    conv5a, conv5c, conv51 and conv52 are 3×3 convolutions to C/4 channels with batch normalisation and relu;
    conv6, conv7 and conv8 are dropout of whole channels and a 1×1 convolution. Names are those of the published code.

    Fu, Liu, Tian, Li, Bao, Fang and Lu, "Dual Attention Network for Scene Segmentation", 2018.

    Parameters
    ----------
    in_channels, out_channels : int
        C, and the number of classes.
    dropout : float

    Returns
    -------
    y, conv6(p), conv7(c) : [N, out_channels, H, W] each
        The last two are for auxiliary losses.

    Raises
    ------
    ValueError
        If C is less than 32: the queries of `sa` have C/32 features.
    """

    def __init__(
        self, in_channels: int, out_channels: int, dropout: float = 0.1, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        if in_channels < 32:
            raise ValueError(f"DANetHead: in_channels must be at least 32, got {in_channels}")
        inter = in_channels // 4
        factory = {"device": device, "dtype": dtype}

        def unit(channels: int) -> Conv2dNormActivation:
            return Conv2dNormActivation(channels, inter, inplace=False, **factory)

        self.conv5a, self.conv5c = unit(in_channels), unit(in_channels)
        self.sa = PositionAttention(inter, **factory)
        self.sc = ChannelAttention(**factory)
        self.conv51, self.conv52 = unit(inter), unit(inter)
        for name in ("conv6", "conv7", "conv8"):
            setattr(self, name, Sequential(Dropout2d(dropout), Conv2d(inter, out_channels, 1, **factory)))

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        by_position = self.conv51(self.sa(self.conv5a(input)))
        by_channel = self.conv52(self.sc(self.conv5c(input)))
        return self.conv8(by_position + by_channel), self.conv6(by_position), self.conv7(by_channel)
