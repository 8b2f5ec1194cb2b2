"""Adaptive pooling layers: the size of the output is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.module import Module


class _AdaptiveAvgPool(Module):
    """`output_size` and nothing else; `function` is what the layers differ in."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The mean of each of `output_size` regions of [N, C, L] or [C, L]; see `functional.adaptive_avg_pool2d`."""

    function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The mean of each of `output_size` regions of [N, C, H, W] or [C, H, W]; see `functional.adaptive_avg_pool2d`."""

    function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The mean of each of `output_size` regions of [N, C, D, H, W] or [C, D, H, W]; see `functional.adaptive_avg_pool2d`."""

    function = F.adaptive_avg_pool3d


class _AdaptiveMaxPool(_AdaptiveAvgPool):
    """With `return_indices`, a pair of values and indices."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return type(self).function(input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest value of each region of [N, C, L] or [C, L]; see `functional.adaptive_max_pool2d`."""

    function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest value of each region of [N, C, H, W] or [C, H, W]; see `functional.adaptive_max_pool2d`."""

    function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest value of each region of [N, C, D, H, W] or [C, D, H, W]; see `functional.adaptive_max_pool2d`."""

    function = F.adaptive_max_pool3d
