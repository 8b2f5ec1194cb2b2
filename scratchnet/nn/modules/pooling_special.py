"""Fractional max pooling and unpooling as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.module import Module
from scratchnet.nn.modules.pooling import _tuple


class _FractionalMaxPool(Module):
    """The options of fractional max pooling; `dims` and `function` are what the layers differ in."""

    dims: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = _tuple(kernel_size, self.dims)
        if self.dims == 3 and min(self.kernel_size) <= 0:
            raise ValueError(f"{name}: kernel_size must be greater than 0, but got {kernel_size}")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else _tuple(output_size, self.dims)
        self.output_ratio = None if output_ratio is None else _tuple(output_ratio, self.dims)
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError(f"{name}: only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"{name}: output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        return type(self).function(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples
        )


class FractionalMaxPool2d(_FractionalMaxPool):
    """Windows of [N, C, H, W] or [C, H, W] at random distances; see `functional.fractional_max_pool2d`."""

    dims, function = 2, F.fractional_max_pool2d


class FractionalMaxPool3d(_FractionalMaxPool):
    """Windows of [N, C, D, H, W] or [C, D, H, W] at random distances; see `functional.fractional_max_pool2d`."""

    dims, function = 3, F.fractional_max_pool3d


class _MaxUnpool(Module):
    """The options of the pooling that is to be undone."""

    dims: ClassVar[int]
    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.kernel_size, self.stride, self.padding = (_tuple(v, self.dims) for v in (kernel_size, stride, padding))

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Zeros, but for the maxima of `MaxPool1d`, each in its place; see `functional.max_unpool2d`."""

    dims, function = 1, F.max_unpool1d


class MaxUnpool2d(_MaxUnpool):
    """Zeros, but for the maxima of `MaxPool2d`, each in its place; see `functional.max_unpool2d`."""

    dims, function = 2, F.max_unpool2d


class MaxUnpool3d(_MaxUnpool):
    """Zeros, but for the maxima of `MaxPool3d`, each in its place; see `functional.max_unpool2d`."""

    dims, function = 3, F.max_unpool3d
