"""The checked shapes of one convolution, in any number of spatial dimensions."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

from scratchnet.kernels.geometry import per_axis, window_counts

Axes = tuple[int, ...]      # one int for each of the d spatial dimensions


class Geometry(NamedTuple):
    """What a convolution is, but for its numbers; hashable, so that what is planned for it can be remembered."""

    batch: int
    groups: int
    channels: int           # of one group
    filters: int            # of one group
    size: Axes
    kernel: Axes
    stride: Axes
    padding: Axes
    dilation: Axes
    output: Axes

    @property
    def dims(self) -> int:
        """Number of spatial dimensions."""
        return len(self.size)

    @property
    def taps(self) -> int:
        """Products that make one output pixel: C/groups · kernel area."""
        return self.channels * math.prod(self.kernel)

    @property
    def pixels(self) -> int:
        """Pixels of one output map."""
        return math.prod(self.output)

    @property
    def windows(self) -> tuple[Axes, Axes, Axes, Axes]:
        """Kernel, stride, padding and dilation, as im2col takes them."""
        return self.kernel, self.stride, self.padding, self.dilation

    @property
    def input_shape(self) -> Axes:
        """[N, C, *size]"""
        return self.batch, self.groups * self.channels, *self.size

    @property
    def weight_shape(self) -> Axes:
        """[O, C/groups, *kernel]"""
        return self.groups * self.filters, self.channels, *self.kernel

    @property
    def output_shape(self) -> Axes:
        """[N, O, *output]"""
        return self.batch, self.groups * self.filters, *self.output

    def lifted(self, dims: int = 3) -> Geometry:
        """The same convolution with more spatial dimensions: leading ones of size and kernel 1."""
        missing = dims - self.dims
        if missing == 0:
            return self
        one, zero = (1,) * missing, (0,) * missing
        return self._replace(size=one + self.size, kernel=one + self.kernel, stride=one + self.stride,
                             padding=zero + self.padding, dilation=one + self.dilation,
                             output=one + self.output)

    def check_bias(self, bias: Any) -> None:
        """Raises a RuntimeError unless there is one number a filter."""
        if bias is not None and bias.shape != (self.groups * self.filters,):
            raise RuntimeError(f"conv{self.dims}d: expected a bias of shape ({self.groups * self.filters},), "
                               f"got {bias.shape}")

    def check_output_gradient(self, g: Any) -> None:
        """Raises a RuntimeError unless g has the shape of the result."""
        if g.shape != self.output_shape:
            raise RuntimeError(f"conv{self.dims}d: expected g of shape {self.output_shape}, got {g.shape}")


def geometry_of(input_shape, weight_shape, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
                groups: int = 1) -> Geometry:
    """The `Geometry` of a convolution of ``input_shape`` [N, C, *size] with ``weight_shape`` [O, C/groups, *kernel].

    stride, padding and dilation are an int, or one for each spatial dimension.

    Raises
    ------
    RuntimeError
        If the shapes do not fit, or no window fits.
    """
    stride, padding, dilation = (tuple(v) if isinstance(v, list) else v for v in (stride, padding, dilation))
    return _checked(tuple(input_shape), tuple(weight_shape), stride, padding, dilation, groups)


@lru_cache(1024)             # a network convolves the same shapes again and again
def _checked(input_shape, weight_shape, stride, padding, dilation, groups):
    dims = len(weight_shape) - 2
    name = f"conv{dims}d"
    if dims < 1 or len(input_shape) != len(weight_shape):
        raise RuntimeError(f"convolution: expected an input [N, C, *size] and a weight [O, C/groups, *kernel], "
                           f"got shapes {input_shape} and {weight_shape}")
    stride, padding = per_axis(stride, dims, f"{name}: stride", 1), per_axis(padding, dims, f"{name}: padding", 0)
    dilation = per_axis(dilation, dims, f"{name}: dilation", 1)
    (batch, channels, *size), (filters, depth, *kernel) = input_shape, weight_shape
    if groups < 1 or filters % groups:
        raise RuntimeError(f"{name}: groups={groups} does not divide the {filters} filters of the weight")
    if channels != depth * groups:
        raise RuntimeError(f"{name}: input has {channels} channels, but weight of shape {weight_shape} with "
                           f"groups={groups} expects {depth * groups}")
    if min(filters, *kernel) < 1:
        raise RuntimeError(f"{name}: weight of shape {weight_shape} has no elements")
    output = window_counts(name, size, kernel, stride, padding, dilation)
    return Geometry(batch, groups, depth, filters // groups, tuple(size), tuple(kernel), stride, padding, dilation,
                    output)
