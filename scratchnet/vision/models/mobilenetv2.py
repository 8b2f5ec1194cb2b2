"""MobileNetV2: residuals between thin layers, filters in wide ones.

M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scratchnet import nn
from scratchnet.autograd import Tensor
from scratchnet.nn.blocks.conv_norm_activation import Conv2dNormActivation
from scratchnet.vision.models.common import make_divisible, refuse_weights

Layer = Callable[..., nn.Module]

# expand_ratio, channels, blocks, stride of the first: Table 2 of the paper
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """y = x + project(filter(expand(x))), where the shapes of x and y agree; without x elsewhere.

        expand     1 × 1, inp → expand_ratio · inp, ReLU6     left out if expand_ratio is 1
        filter     3 × 3 in each channel by itself, ReLU6
        project    1 × 1 to oup, linear: a ReLU in so few channels would lose information

    Parameters
    ----------
    inp, oup : int
        Channels.
    stride : {1, 2}
    expand_ratio : float
    norm_layer : callable, optional
        Makes a layer of a number of channels; default: `nn.BatchNorm2d`.

    Raises
    ------
    ValueError
        For another stride.
    """

    def __init__(
        self, inp: int, oup: int, stride: int, expand_ratio: float, norm_layer: Layer | None = None
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm_layer = norm_layer or nn.BatchNorm2d
        hidden = round(inp * expand_ratio)
        common: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": nn.ReLU6}
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(Conv2dNormActivation(inp, hidden, 1, **common))
        layers.append(Conv2dNormActivation(hidden, hidden, stride=stride, groups=hidden, **common))
        layers += [nn.Conv2d(hidden, oup, 1, bias=False), norm_layer(oup)]
        self.conv = nn.Sequential(*layers)
        self.stride, self.out_channels = stride, oup
        self.use_res_connect = stride == 1 and inp == oup

    def forward(self, x: Tensor) -> Tensor:
        """x [N, inp, H, W] → [N, oup, ⌈H / stride⌉, ⌈W / stride⌉]"""
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Images to scores for each class; 3,504,872 parameters and 0.3 billion multiplications for 224 × 224 pixels.

    Arguments, keys of the state dict and initial values from a seed are torchvision's.

    Parameters
    ----------
    num_classes : int
    width_mult : float
        Factor of all numbers of channels, which then are rounded to multiples of `round_nearest`.
    inverted_residual_setting : sequence of (expand_ratio, channels, blocks, stride), optional
        The stages; default: the paper's.
    round_nearest : int
    block : callable, optional
        Makes a block of (inp, oup, stride, expand_ratio=…, norm_layer=…); default: `InvertedResidual`.
    norm_layer : callable, optional
        Default: `nn.BatchNorm2d`.
    dropout : float
        Before the linear layer.

    Raises
    ------
    ValueError
        If `inverted_residual_setting` is empty, or has no four numbers a stage.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Layer | None = None,
        norm_layer: Layer | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        block, norm_layer = block or InvertedResidual, norm_layer or nn.BatchNorm2d
        stages = _STAGES if inverted_residual_setting is None else inverted_residual_setting
        if not stages or any(len(stage) != 4 for stage in stages):
            raise ValueError(
                f"inverted_residual_setting should be non-empty or a 4-element list, got {inverted_residual_setting}"
            )
        common: dict[str, Any] = {"norm_layer": norm_layer, "activation_layer": nn.ReLU6}
        channels = make_divisible(32 * width_mult, round_nearest)
        features: list[nn.Module] = [Conv2dNormActivation(3, channels, stride=2, **common)]
        for expand_ratio, width, blocks, stride in stages:
            out = make_divisible(width * width_mult, round_nearest)
            for i in range(blocks):
                step = stride if i == 0 else 1
                features.append(block(channels, out, step, expand_ratio=expand_ratio, norm_layer=norm_layer))
                channels = out
        self.last_channel = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features.append(Conv2dNormActivation(channels, self.last_channel, 1, **common))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.last_channel, num_classes))
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """x [N, 3, H, W] → logits [N, num_classes]"""
        return self.classifier(nn.functional.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
        nn.init.zeros_(module.bias)


def mobilenet_v2(*, weights: None = None, progress: bool = True, **kwargs: Any) -> MobileNetV2:
    """A new `MobileNetV2`; the keywords are its arguments.

    Parameters
    ----------
    weights : None
        Published ones are loaded from their file: `net.load_state_dict(scratchnet.load(path))`.
    progress : bool
        Without effect.
    """
    refuse_weights(weights, "mobilenet_v2")
    return MobileNetV2(**kwargs)
