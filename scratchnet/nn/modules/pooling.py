"""Pooling layers: one value for each window that slides over an image, a signal or a volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.module import Module


def _tuple(value: Any, n: int) -> tuple:
    """n values from one, which stands for all, or as many as a sequence has."""
    return tuple(value) if isinstance(value, list | tuple) else (value,) * n


class _MaxPool(Module):
    """The options of max pooling; `function` is what the layers differ in."""

    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest value of each window of [N, C, L] or [C, L]; options as in `functional.max_pool2d`."""

    function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest value of each window of [N, C, H, W] or [C, H, W]; options as in `functional.max_pool2d`."""

    function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest value of each window of [N, C, D, H, W] or [C, D, H, W]; options as in `functional.max_pool2d`."""

    function = F.max_pool3d


class _AvgPool(Module):
    """The options of average pooling."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def _options(self) -> tuple:
        return self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, *self._options(), self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of [N, C, L] or [C, L]; options as in `functional.avg_pool1d`."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        stride = kernel_size if stride is None else stride
        super().__init__(_tuple(kernel_size, 1), _tuple(stride, 1), _tuple(padding, 1), ceil_mode, count_include_pad)
        del self.divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, *self._options())


class AvgPool2d(_AvgPool):
    """The mean of each window of [N, C, H, W] or [C, H, W]; options as in `functional.avg_pool2d`."""

    function = F.avg_pool2d


class AvgPool3d(_AvgPool):
    """The mean of each window of [N, C, D, H, W] or [C, D, H, W]; options as in `functional.avg_pool2d`."""

    function = F.avg_pool3d


class _LPPool(Module):
    """The options of pooling by p-norms."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window of [N, C, L] or [C, L]; see `functional.lp_pool2d`."""

    function = F.lp_pool1d


class LPPool2d(_LPPool):
    """The p-norm of each window of [N, C, H, W] or [C, H, W]; see `functional.lp_pool2d`."""

    function = F.lp_pool2d


class LPPool3d(_LPPool):
    """The p-norm of each window of [N, C, D, H, W] or [C, D, H, W]; see `functional.lp_pool2d`."""

    function = F.lp_pool3d


class CrossChannelMaxPool(Module):
    """The largest of every `kernel_size` neighbouring channels; see `functional.cross_channel_max_pool`.

    Shapes: [N, C, ...] to [N, C', ...]
    """

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride

    def forward(self, input: Tensor) -> Tensor:
        return F.cross_channel_max_pool(input, self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}"
