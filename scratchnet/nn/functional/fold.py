"""im2col and col2im: the windows of images as columns, with which a convolution is a product of matrices."""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import ints
from scratchnet.ops.elementwise import check_tensor


class Unfold(Function):
    """y[n, (c, a, b), (i, j)] = x[n, c, i·sh + a·dh − ph, j·sw + b·dw − pw], 0 outside of the image.  dL/dx = `Fold`"""

    reads = NOTHING

    def __init__(self, settings: tuple) -> None:
        self.settings = settings

    def forward(self, x: Any) -> Any:
        self.size = x.shape[2:]
        return kernels.im2col(x, *self.settings)

    def backward(self, g: Tensor) -> Tensor:
        return Fold(self.size, self.settings)(g)


class Fold(Function):
    """The adjoint of `Unfold`, and so its gradient is: every column is added onto the pixels of its window."""

    reads = NOTHING

    def __init__(self, size: tuple, settings: tuple) -> None:
        self.size, self.settings = size, settings

    def forward(self, x: Any) -> Any:
        return kernels.col2im(x, self.size, *self.settings)

    def backward(self, g: Tensor) -> Tensor:
        return Unfold(self.settings)(g)


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Every window of an image as a column.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    kernel_size, dilation, padding, stride : int or (int, int)

    Returns
    -------
    [N, C · kernel area, number of windows]

    Raises
    ------
    RuntimeError
        If no window fits, or for settings out of their range.
    """
    shape = check_tensor(input, "unfold").array.shape
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError(f"unfold: expected input of shape [N, C, H, W] or [C, H, W], got {shape}")
    operation = Unfold(_settings("unfold", kernel_size, stride, padding, dilation))
    return operation(input) if len(shape) == 4 else operation(input.unsqueeze(0)).squeeze(0)


def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns added up to an image: where windows overlap, the sum of all.

    Parameters
    ----------
    input : [N, C · kernel area, number of windows], or without N
    output_size : int or (int, int)
        Height and width of the image.
    kernel_size, dilation, padding, stride : int or (int, int)

    Returns
    -------
    [N, C, *output_size]

    Raises
    ------
    RuntimeError
        If the columns do not belong to images of that size, or for settings out of their range.
    """
    shape = check_tensor(input, "fold").array.shape
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(f"fold: expected input of shape [N, C · kernel area, windows] or without N, got {shape}")
    size = ints(output_size, 2, "fold", "output_size")
    operation = Fold(size, _settings("fold", kernel_size, stride, padding, dilation))
    return operation(input) if len(shape) == 3 else operation(input.unsqueeze(0)).squeeze(0)


def _settings(function: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple:
    named = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    return tuple(ints(value, 2, function, name) for name, value in named.items())  # ranges are the kernel's to check
