"""Residual networks: each block adds something to its input.

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", 2016. Of its relatives: S. Xie et al.,
"Aggregated Residual Transformations for Deep Neural Networks", 2017 (ResNeXt); S. Zagoruyko, N. Komodakis, "Wide Residual
Networks", 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scratchnet import nn
from scratchnet.autograd import Tensor
from scratchnet.vision.models.common import refuse_weights

Layer = Callable[..., nn.Module]


def _conv3x3(channels: int, out: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, stride, dilation, dilation, groups, bias=False)


class BasicBlock(nn.Module):
    """y = relu(x + f(x)), f two 3 × 3 convolutions.

    Parameters
    ----------
    inplanes, planes : int
        Channels of x and y.
    stride : int
        Of the first convolution.
    downsample : Module, optional
        Brings x to the shape of y.
    groups, base_width, dilation
        1, 64 and 1: only a `Bottleneck` has others.
    norm_layer : callable, optional
        Makes a layer of a number of channels; default: `nn.BatchNorm2d`.

    Raises
    ------
    ValueError, NotImplementedError
        For other `groups`, `base_width` or `dilation`.
    """

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        if groups != 1 or base_width != 64:
            raise ValueError(
                f"BasicBlock only supports groups=1 and base_width=64, got groups={groups}, base_width={base_width}"
            )
        if dilation > 1:
            raise NotImplementedError(f"Dilation > 1 not supported in BasicBlock, got {dilation}")
        norm_layer = norm_layer or nn.BatchNorm2d
        self.conv1 = _conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class Bottleneck(nn.Module):
    """y = relu(x + f(x)), f = 1 × 1 to fewer channels, 3 × 3, 1 × 1 to four times `planes`.

    The stride is the 3 × 3 convolution's and not, as in the paper, the first one's: more accurate, and what
    torchvision's weights were trained with.

    Parameters
    ----------
    inplanes, stride, downsample, norm_layer
        As for `BasicBlock`.
    planes : int
        The 3 × 3 convolution has planes · base_width / 64 · groups channels.
    groups, base_width, dilation : int
    """

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64)) * groups
        self.conv1 = nn.Conv2d(inplanes, width, 1, bias=False)
        self.bn1 = norm_layer(width)
        self.conv2 = _conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = nn.Conv2d(width, planes * self.expansion, 1, bias=False)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


def stage(
    block: type[BasicBlock | Bottleneck],
    inplanes: int,
    planes: int,
    blocks: int,
    stride: int = 1,
    dilations: tuple[int, int] = (1, 1),
    norm_layer: Layer | None = None,
    **kwargs: Any,
) -> nn.Sequential:
    """`blocks` blocks at one size, `inplanes` channels to planes · block.expansion; the first has the stride.

    Where the shape changes, x goes through a 1 × 1 convolution of its own. `dilations` are the first block's and the
    others'; `kwargs` go to every block.
    """
    out = planes * block.expansion
    downsample = None
    if stride != 1 or inplanes != out:
        norm = (norm_layer or nn.BatchNorm2d)(out)
        downsample = nn.Sequential(nn.Conv2d(inplanes, out, 1, stride, bias=False), norm)
    layers = [block(inplanes, planes, stride, downsample, dilation=dilations[0], norm_layer=norm_layer, **kwargs)]
    for _ in range(1, blocks):
        layers.append(block(out, planes, dilation=dilations[1], norm_layer=norm_layer, **kwargs))
    return nn.Sequential(*layers)


class ResNet(nn.Module):
    """Images to scores for each class: a 7 × 7 convolution, a pool, four stages of blocks, the mean, a linear layer.

    Arguments, keys of the state dict and initial values from a seed are torchvision's.

    Parameters
    ----------
    block : class
        `BasicBlock` or `Bottleneck`.
    layers : four ints
        Blocks in each stage.
    num_classes : int
    zero_init_residual : bool
        Begin with blocks that are the identity: the last norm's weight of each is 0 (P. Goyal et al., "Accurate, Large
        Minibatch SGD", 2017).
    groups, width_per_group : int
        Of the bottlenecks.
    replace_stride_with_dilation : three bools, optional
        Whether stages 2 to 4 dilate in place of halving the size.
    norm_layer : callable, optional
        Default: `nn.BatchNorm2d`.
    width : int
        Channels of the first stage, which each later one doubles. torchvision has 64 only.

    Raises
    ------
    ValueError
        If `replace_stride_with_dilation` has not three elements.
    """

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: Layer | None = None,
        *,
        width: int = 64,
    ) -> None:
        super().__init__()
        dilate = (False, *(replace_stride_with_dilation or (False, False, False)))
        if len(dilate) != 4:
            raise ValueError(
                "replace_stride_with_dilation should be None or a 3-element tuple, "
                f"got {replace_stride_with_dilation}"
            )
        self.conv1 = nn.Conv2d(3, width, 7, 2, padding=3, bias=False)
        self.bn1 = (norm_layer or nn.BatchNorm2d)(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        channels, dilation = width, 1
        for i, (blocks, dilated) in enumerate(zip(layers, dilate, strict=True)):
            stride, before = 2 if i else 1, dilation
            if dilated:
                stride, dilation = 1, 2 * dilation
            made = stage(
                block, channels, width << i, blocks, stride, (before, dilation), norm_layer,
                groups=groups, base_width=width_per_group,
            )  # fmt: skip
            setattr(self, f"layer{i + 1}", made)
            channels = (width << i) * block.expansion
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        self._initialise(zero_init_residual)

    def _initialise(self, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, BasicBlock | Bottleneck):
                    nn.init.zeros_(getattr(module, "bn2" if isinstance(module, BasicBlock) else "bn3").weight)

    def forward(self, x: Tensor) -> Tensor:
        """x [N, 3, H, W] → logits [N, num_classes]"""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def _factory(name: str, block: type[BasicBlock | Bottleneck], layers: tuple[int, ...], **defaults: Any) -> Callable:
    def build(*, weights: None = None, progress: bool = True, **kwargs: Any) -> ResNet:
        refuse_weights(weights, name)
        return ResNet(block, layers, **{**defaults, **kwargs})

    build.__name__ = build.__qualname__ = name
    options = "".join(f", {key}={value}" for key, value in defaults.items())
    build.__doc__ = f"`ResNet({block.__name__}, {layers}{options})`; the keywords are its arguments, `weights` None."
    return build


resnet18 = _factory("resnet18", BasicBlock, (2, 2, 2, 2))
resnet34 = _factory("resnet34", BasicBlock, (3, 4, 6, 3))
resnet50 = _factory("resnet50", Bottleneck, (3, 4, 6, 3))
resnet101 = _factory("resnet101", Bottleneck, (3, 4, 23, 3))
resnet152 = _factory("resnet152", Bottleneck, (3, 8, 36, 3))
resnext50_32x4d = _factory("resnext50_32x4d", Bottleneck, (3, 4, 6, 3), groups=32, width_per_group=4)
resnext101_32x8d = _factory("resnext101_32x8d", Bottleneck, (3, 4, 23, 3), groups=32, width_per_group=8)
resnext101_64x4d = _factory("resnext101_64x4d", Bottleneck, (3, 4, 23, 3), groups=64, width_per_group=4)
wide_resnet50_2 = _factory("wide_resnet50_2", Bottleneck, (3, 4, 6, 3), width_per_group=128)
wide_resnet101_2 = _factory("wide_resnet101_2", Bottleneck, (3, 4, 23, 3), width_per_group=128)
