"""Convolution of images: three operations, each of which is differentiated by the other two.

                y = conv(x, w)              x [N, C, H, W]
    dL/dx = grad_input(g, w)                w [O, C/groups, kh, kw]
    dL/dw = grad_weight(g, x)               g = dL/dy [N, O, OH, OW]

Each is linear in either argument, and <g, conv(x, w)> = <grad_input(g, w), x> = <grad_weight(g, x), w>: all three
are the same trilinear form of g, w and x. So the derivatives of any of them, to any order, are among the three.
"""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import ints, require_same_dtype
from scratchnet.nn.functional.padding import pad
from scratchnet.ops.elementwise import check_tensor

Settings = tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]  # stride, padding, dilation, groups


class Conv2d(Function):
    """y[n, o, i, j] = b[o] + Σ_{c, a, b} w[o, c, a, b] · x[n, c, i·sh + a·dh − ph, j·sw + b·dw − pw]

    c runs over the input channels of o's group; x is zero outside of the image.

    dL/dx = grad_input(g, w),  dL/dw = grad_weight(g, x),  dL/db = g summed over images and pixels
    """

    reads = ((1,), (0,), ())

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        self.x_shape, self.w_shape = x.shape, w.shape
        return kernels.conv_forward(x, w, *self.settings, bias=b)

    def backward(self, g: Tensor) -> tuple:
        x, w = self.inputs[:2]
        need_x, need_w, *need_b = self.needs_input_grad
        return (
            Conv2dGradInput(self.settings, self.x_shape)(g, w) if need_x else None,
            Conv2dGradWeight(self.settings, self.w_shape)(g, x) if need_w else None,
            *(g.sum((0, 2, 3)) if need else None for need in need_b),
        )

    def fused_backward(self, g: Any) -> tuple:
        x, w = self.inputs[:2]
        need_x, need_w, *need_b = self.needs_input_grad
        return (
            kernels.conv_grad_input(g, w, self.x_shape, *self.settings) if need_x else None,
            kernels.conv_grad_weight(g, x, self.w_shape, *self.settings) if need_w else None,
            *(kernels.conv_grad_bias(g) if need else None for need in need_b),
        )


class Conv2dGradInput(Function):
    """The adjoint of x ↦ conv(x, w): every g[n, o, i, j] · w[o] is added onto the window that pixel (i, j) saw.

    With h = dL/dy, of x's shape:  dL/dg = conv(h, w),  dL/dw = grad_weight(g, h)
    """

    reads = ((1,), (0,))

    def __init__(self, settings: Settings, x_shape: tuple) -> None:
        self.settings, self.x_shape = settings, x_shape

    def forward(self, g: Any, w: Any) -> Any:
        self.w_shape = w.shape
        return kernels.conv_grad_input(g, w, self.x_shape, *self.settings)

    def backward(self, h: Tensor) -> tuple:
        g, w = self.inputs
        need_g, need_w = self.needs_input_grad
        return (
            Conv2d(self.settings)(h, w) if need_g else None,
            Conv2dGradWeight(self.settings, self.w_shape)(g, h) if need_w else None,
        )


class Conv2dGradWeight(Function):
    """The adjoint of w ↦ conv(x, w): the correlation of g with x.

    With h = dL/dy, of w's shape:  dL/dg = conv(x, h),  dL/dx = grad_input(g, h)
    """

    reads = ((1,), (0,))

    def __init__(self, settings: Settings, w_shape: tuple) -> None:
        self.settings, self.w_shape = settings, w_shape

    def forward(self, g: Any, x: Any) -> Any:
        self.x_shape = x.shape
        return kernels.conv_grad_weight(g, x, self.w_shape, *self.settings)

    def backward(self, h: Tensor) -> tuple:
        g, x = self.inputs
        need_g, need_x = self.needs_input_grad
        return (
            Conv2d(self.settings)(x, h) if need_g else None,
            Conv2dGradInput(self.settings, self.x_shape)(g, h) if need_x else None,
        )


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate images with a bank of filters; see `Conv2d` for the formula.

    LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", 1989.

    Parameters
    ----------
    input : [N, C, H, W], or [C, H, W] for one image
    weight : [O, C / groups, kh, kw]
    bias : [O], optional
    stride, dilation : int or (int, int)
    padding : int, (int, int), "valid" (none) or "same" (H and W of the result are those of the input)
        Rows and columns of zeros on either side.
    groups : int
        Channels are divided into so many groups, each with filters of its own.

    Returns
    -------
    [N, O, OH, OW] with OH = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    """
    check_tensor(weight, "conv2d", "weight")
    require_same_dtype("conv2d", input=check_tensor(input, "conv2d"), weight=weight, bias=bias)
    if weight.array.ndim != 4 or 0 in (weight.array.shape[0], *weight.array.shape[2:]):
        raise RuntimeError(f"conv2d: expected weight of shape [O, C/groups, kh, kw], got {weight.array.shape}")
    if input.array.ndim not in (3, 4):
        raise RuntimeError(f"conv2d: expected input of shape [N, C, H, W] or [C, H, W], got {input.array.shape}")
    _check_channels(input, weight, bias, groups)
    stride = _at_least("stride", stride, 1)
    dilation = _at_least("dilation", dilation, 1)
    if isinstance(padding, str):
        input, padding = _named_padding(input, padding, weight.array.shape[2:], stride, dilation)
    settings = stride, _at_least("padding", padding, 0), dilation, groups
    x = input if input.array.ndim == 4 else input.unsqueeze(0)
    y = Conv2d(settings)(x, weight) if bias is None else Conv2d(settings)(x, weight, bias)
    return y if input.array.ndim == 4 else y.squeeze(0)


def _at_least(argument: str, value: Any, least: int) -> tuple[int, int]:
    values = ints(value, 2, "conv2d", argument)
    if min(values) < least:
        kind = "negative" if least == 0 else "non-positive"
        raise RuntimeError(f"conv2d: {kind} {argument} is not supported, got {value}")
    return values  # type: ignore[return-value]


def _check_channels(input: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> None:
    channels, (out, per_group) = input.array.shape[-3], weight.array.shape[:2]
    if groups <= 0:
        raise RuntimeError(f"conv2d: non-positive groups is not supported, got {groups}")
    if channels != per_group * groups:
        raise RuntimeError(
            f"conv2d: input has {channels} channels, but weight of shape {weight.array.shape} with "
            f"groups={groups} expects {per_group * groups}"
        )
    if out % groups:
        raise RuntimeError(
            f"conv2d: weight of shape {weight.array.shape} has {out} filters, not a multiple of groups={groups}"
        )
    if bias is not None and bias.array.shape != (out,):
        raise RuntimeError(
            f"conv2d: weight of shape {weight.array.shape} expects bias of shape ({out},), got {bias.array.shape}"
        )


def _named_padding(
    input: Tensor, padding: str, kernel: tuple[int, ...], stride: tuple, dilation: tuple
) -> tuple[Tensor, tuple[int, int]]:
    """The padding that a name means; of an odd number of rows or columns, the input gets the last one here."""
    if padding == "valid":
        return input, (0, 0)
    if padding != "same":
        raise RuntimeError(f"conv2d: Invalid padding string: {padding!r}; expected 'same' or 'valid'")
    if max(stride) > 1:
        raise RuntimeError(f"conv2d: padding='same' is not supported for strided convolutions, got stride={stride}")
    rows, columns = (d * (k - 1) for d, k in zip(dilation, kernel))
    if rows % 2 or columns % 2:
        input = pad(input, (0, columns % 2, 0, rows % 2))
    return input, (rows // 2, columns // 2)
