"""Pooling over regions of interest: a fixed number of bins from boxes of any size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels import roi_taps
from scratchnet.nn.functional.arguments import ints, require_float
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.joining import cat


class RoIAverage(Function):
    """y[k, c, p, q] = Σ_h Σ_w R[k,p,h] · C[k,q,w] · x[n_k, c', h, w], see the kernel.  dL/dx = `RoISpread`"""

    reads = NOTHING

    def __init__(self, *tables: Any) -> None:
        self.tables = tables

    def forward(self, x: Any) -> Any:
        self.x_shape = x.shape
        return kernels.roi_average(x, *self.tables)

    def backward(self, g: Tensor) -> Tensor:
        return RoISpread(self.x_shape, *self.tables)(g)


class RoISpread(Function):
    """The adjoint of `RoIAverage`, and so its gradient is: every g is added onto the pixels of its bin, weighted."""

    reads = NOTHING

    def __init__(self, shape: tuple, *tables: Any) -> None:
        self.target, self.tables = shape, tables

    def forward(self, g: Any) -> Any:
        *tables, sensitive = self.tables
        return kernels.roi_average_backward(g, *tables, self.target, sensitive)

    def backward(self, g: Tensor) -> Tensor:
        return RoIAverage(*self.tables)(g)


class RoIMax(Function):
    """y[k, c, p, q] = the largest pixel of the bin.  dL/dx = every g added where its pixel was: `RoIUnpool`"""

    reads = NOTHING
    notes = ("indices",)

    def __init__(self, image: Any, rows: tuple, columns: tuple) -> None:
        self.image, self.rows, self.columns = image, rows, columns

    def forward(self, x: Any) -> Any:
        self.x_shape = x.shape
        y, self.indices = kernels.roi_pool(x, self.image, self.rows, self.columns)
        return y

    def backward(self, g: Tensor) -> Tensor:
        return RoIUnpool(self.indices, self.image, self.x_shape)(g)


class RoIUnpool(Function):
    """y = zeros, with every x added at its index into the pixels of its image and channel.  dL/dx = `RoIPick`"""

    reads = NOTHING

    def __init__(self, indices: Any, image: Any, shape: tuple) -> None:
        self.settings = indices, image, shape

    def forward(self, x: Any) -> Any:
        return kernels.roi_pool_backward(x, *self.settings)

    def backward(self, g: Tensor) -> Tensor:
        return RoIPick(*self.settings)(g)


class RoIPick(Function):
    """y = x at indices into the pixels of an image and channel, 0 where there is none.  dL/dx = `RoIUnpool`"""

    reads = NOTHING

    def __init__(self, indices: Any, image: Any, shape: tuple) -> None:
        self.settings = indices, image, shape

    def forward(self, x: Any) -> Any:
        indices, image, shape = self.settings
        flat = x.reshape(*shape[:2], shape[2] * shape[3])
        taken = flat[image[:, None, None, None], np.arange(shape[1])[:, None, None], np.maximum(indices, 0)]
        return np.where(indices < 0, 0, taken).astype(x.dtype, copy=False)

    def backward(self, g: Tensor) -> Tensor:
        return RoIUnpool(*self.settings)(g)


def _regions(function: str, input: Tensor, boxes: Any, output_size: Any) -> tuple[Any, Any, tuple]:
    """The regions as [K, 5], the image of each, and the numbers of bins; all checked."""
    require_float(input, function)
    size = ints(output_size, 2, function, "output_size")
    if isinstance(boxes, tuple | list):
        for i, b in enumerate(boxes):
            shape = check_tensor(b, function, f"boxes[{i}]").array.shape
            if len(shape) != 2 or shape[1] != 4:
                raise RuntimeError(f"{function}: expected boxes[{i}] of shape [L, 4], got {shape}")
        if not boxes:
            raise RuntimeError(f"{function}: expected at least one tensor of boxes, got none")
        numbered = [cat([Tensor(np.full_like(b.array[:, :1], i)), b.detach()], 1) for i, b in enumerate(boxes)]
        boxes = cat(numbered, 0)
    regions = check_tensor(boxes, function, "boxes").array
    image = roi_taps.check_regions(function, input.array.shape, input.array.dtype, regions, size)
    return regions, image, size


def _axes(regions: Any, scale: float, offset: float, size: tuple, input: Tensor) -> Iterator[tuple]:
    """For rows, then columns: start and end of all regions in pixels of the input, the numbers of bins and of pixels."""
    real = regions.dtype.type
    x1, y1, x2, y2 = (regions[:, 1:] * real(scale) - real(offset)).T
    return zip((y1, x1), (y2, x2), size, input.array.shape[2:])


def roi_align(
    input: Tensor,
    boxes: Tensor | list[Tensor],
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Cut each region into bins, and average samples taken between the pixels of each bin.

    He, Gkioxari, Dollár and Girshick, "Mask R-CNN", 2017. No gradient goes to the boxes.

    Parameters
    ----------
    input : [N, C, H, W]
    boxes : [K, 5], (index of the image, x1, y1, x2, y2); or a list of [L, 4], one for each image
    output_size : int or (int, int)
        Number of bins, (P, Q).
    spatial_scale : float
        Pixels of `input` for a unit of the boxes.
    sampling_ratio : int
        Samples of a bin along rows and columns; 0 or less for ⌈size of the bin⌉.
    aligned : bool
        Pixel i covers [i, i + 1) and has its centre at i + ½. Otherwise (as in the first release) its centre is at i,
        and regions are at least one pixel wide and high.

    Returns
    -------
    [K, C, P, Q]

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit, or boxes are not finite or on no image.
    NotImplementedError
        If input is not of a floating-point type.
    """
    regions, image, size = _regions("roi_align", input, boxes, output_size)
    offset, smallest = (0.5, None) if aligned else (0, 1)
    rows, columns = (
        roi_taps.sampled_taps(start, end, bins, sampling_ratio, n, smallest)
        for start, end, bins, n in _axes(regions, spatial_scale, offset, size, input)
    )
    return RoIAverage(image, rows, columns, size, False)(input)


def ps_roi_align(
    input: Tensor,
    boxes: Tensor | list[Tensor],
    output_size: Any,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> Tensor:
    """`roi_align` (aligned) where every bin reads a channel of its own.

    Li, Peng, Yu, Zhang, Deng and Sun, "Light-Head R-CNN: In Defense of Two-Stage Object Detector", 2017.

    Parameters
    ----------
    input : [N, C·P·Q, H, W]
        Bin (p, q) of channel c reads channel (c·P + p)·Q + q.
    boxes, output_size, spatial_scale, sampling_ratio
        As for `roi_align`.

    Returns
    -------
    [K, C, P, Q]

    Raises
    ------
    RuntimeError
        As `roi_align`, or if the channels are no multiple of P·Q.
    """
    regions, image, size = _regions("ps_roi_align", input, boxes, output_size)
    rows, columns = (
        roi_taps.sampled_taps(start, end, bins, sampling_ratio, n, None)
        for start, end, bins, n in _axes(regions, spatial_scale, 0.5, size, input)
    )
    return _sensitive("ps_roi_align", input, image, rows, columns, size)


def ps_roi_pool(input: Tensor, boxes: Tensor | list[Tensor], output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """Average the pixels of each bin, of which every one reads a channel of its own.

    Dai, Li, He and Sun, "R-FCN: Object Detection via Region-based Fully Convolutional Networks", 2016. As in
    torchvision, borders are rounded, and the last row and column of the image are never read.

    Parameters
    ----------
    input : [N, C·P·Q, H, W]
    boxes, output_size, spatial_scale
        As for `roi_align`.

    Returns
    -------
    [K, C, P, Q]
        0 for a bin without pixels.

    Raises
    ------
    RuntimeError
        As `roi_align`, or if the channels are no multiple of P·Q.
    """
    regions, image, size = _regions("ps_roi_pool", input, boxes, output_size)
    rows, columns = (
        roi_taps.averaged_taps(start, end, bins, n - 1)
        for start, end, bins, n in _axes(regions, spatial_scale, 0, size, input)
    )
    return _sensitive("ps_roi_pool", input, image, rows, columns, size)


def _sensitive(function: str, input: Tensor, image: Any, rows: Any, columns: Any, size: tuple) -> Tensor:
    channels = input.array.shape[1]
    if channels % (size[0] * size[1]):
        raise RuntimeError(
            f"{function}: expected a number of channels that is a multiple of the {size[0]}·{size[1]} bins, "
            f"got {channels}"
        )
    return RoIAverage(image, rows, columns, size, True)(input)


def roi_pool(input: Tensor, boxes: Tensor | list[Tensor], output_size: Any, spatial_scale: float = 1.0) -> Tensor:
    """The largest pixel of each bin of each region, whose borders are rounded.

    Girshick, "Fast R-CNN", 2015.

    Parameters
    ----------
    input : [N, C, H, W]
    boxes, output_size, spatial_scale
        As for `roi_align`.

    Returns
    -------
    [K, C, P, Q]
        0 for a bin without pixels.

    Raises
    ------
    RuntimeError
        As `roi_align`.
    """
    regions, image, size = _regions("roi_pool", input, boxes, output_size)
    rows, columns = (
        roi_taps.pixel_bins(start, end, bins, 1, n)
        for start, end, bins, n in _axes(regions, spatial_scale, 0, size, input)
    )
    return RoIMax(image, rows, columns)(input)
