"""Convolution of signals, images and volumes: three operations, each of which is differentiated by the other two.

                y = conv(x, w)              x [N, C, *size], with 1, 2 or 3 sizes
    dL/dx = grad_input(g, w)                w [O, C/groups, *kernel]
    dL/dw = grad_weight(g, x)               g = dL/dy [N, O, *output]

Each is linear in either argument, and <g, conv(x, w)> = <grad_input(g, w), x> = <grad_weight(g, x), w>: all three
are the same trilinear form of g, w and x. So the derivatives of any of them, to any order, are among the three.
The transposed convolution, grad_input as a layer of its own, is in `conv_transpose`.
"""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import ints, require_same_dtype
from scratchnet.nn.functional.padding import pad
from scratchnet.ops.elementwise import check_tensor

Settings = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], int]  # stride, padding, dilation, groups


class Conv(Function):
    """y[n, o, i, j] = b[o] + Σ_{c, a, b} w[o, c, a, b] · x[n, c, i·sh + a·dh − ph, j·sw + b·dw − pw]

    for images, and likewise in one and three dimensions; c runs over the input channels of o's group; x is zero outside.

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
            ConvGradInput(self.settings, self.x_shape)(g, w) if need_x else None,
            ConvGradWeight(self.settings, self.w_shape)(g, x) if need_w else None,
            *(g.sum((0, *range(2, g.ndim))) if need else None for need in need_b),
        )

    def fused_backward(self, g: Any) -> tuple:
        x, w = self.inputs[:2]
        need_x, need_w, *need_b = self.needs_input_grad
        return (
            kernels.conv_grad_input(g, w, self.x_shape, *self.settings) if need_x else None,
            kernels.conv_grad_weight(g, x, self.w_shape, *self.settings) if need_w else None,
            *(kernels.conv_grad_bias(g) if need else None for need in need_b),
        )


class ConvGradInput(Function):
    """The adjoint of x ↦ conv(x, w), plus b: every g[n, o, i, j] · w[o] is added onto the window that pixel (i, j) saw.

    With h = dL/dy, of x's shape:  dL/dg = conv(h, w),  dL/dw = grad_weight(g, h),  dL/db = h summed as in `Conv`
    """

    reads = ((1,), (0,), ())

    def __init__(self, settings: Settings, x_shape: tuple) -> None:
        self.settings, self.x_shape = settings, x_shape

    def forward(self, g: Any, w: Any, b: Any = None) -> Any:
        self.w_shape = w.shape
        y = kernels.conv_grad_input(g, w, self.x_shape, *self.settings)
        if b is not None:
            y += b.reshape(-1, *(1,) * (y.ndim - 2))
        return y

    def backward(self, h: Tensor) -> tuple:
        g, w = self.inputs[:2]
        need_g, need_w, *need_b = self.needs_input_grad
        return (
            Conv(self.settings)(h, w) if need_g else None,
            ConvGradWeight(self.settings, self.w_shape)(g, h) if need_w else None,
            *(h.sum((0, *range(2, h.ndim))) if need else None for need in need_b),
        )

    def fused_backward(self, h: Any) -> tuple:
        g, w = self.inputs[:2]
        need_g, need_w, *need_b = self.needs_input_grad
        return (
            kernels.conv_forward(h, w, *self.settings) if need_g else None,
            kernels.conv_grad_weight(g, h, self.w_shape, *self.settings) if need_w else None,
            *(kernels.conv_grad_bias(h) if need else None for need in need_b),
        )


class ConvGradWeight(Function):
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
            Conv(self.settings)(x, h) if need_g else None,
            ConvGradInput(self.settings, self.x_shape)(g, h) if need_x else None,
        )


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate signals [N, C, L] with filters [O, C / groups, k]: `conv2d` in one dimension.

    Waibel et al., "Phoneme Recognition Using Time-Delay Neural Networks", 1989.
    """
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate images with a bank of filters; see `Conv` for the formula.

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
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Cross-correlate volumes [N, C, D, H, W] with filters [O, C / groups, kd, kh, kw]: `conv2d` in three dimensions.

    Ji et al., "3D Convolutional Neural Networks for Human Action Recognition", 2010.
    """
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` with time first and channels last: input [T, N, C], weight [k, C, O], bias [O] to [T', N, O].

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    """
    for name, x in (("input", input), ("weight", weight)):
        if check_tensor(x, "conv_tbc", name).array.ndim != 3:
            raise RuntimeError(f"conv_tbc: expected {name} of 3 dimensions, got shape {x.array.shape}")
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)


def _convolve(
    dims: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    name = f"conv{dims}d"
    check_arrays(name, dims, input, weight, bias)
    stride, dilation = ints(stride, dims, name, "stride"), ints(dilation, dims, name, "dilation")
    if isinstance(padding, str):
        input, padding = _named_padding(name, input, padding, weight.array.shape[2:], stride, dilation)
    settings = stride, ints(padding, dims, name, "padding"), dilation, groups  # the kernel checks that they fit
    return on_batch(Conv(settings), dims, input, weight, bias)


def check_arrays(name: str, dims: int, input: Any, weight: Any, bias: Any) -> None:
    """What `_convolve` and the transposed convolution ask of dtypes and of the numbers of dimensions."""
    check_tensor(weight, name, "weight")
    require_same_dtype(name, input=check_tensor(input, name), weight=weight, bias=bias)
    if weight.array.ndim != dims + 2:
        raise RuntimeError(f"{name}: expected weight of {dims + 2} dimensions, got shape {weight.array.shape}")
    if input.array.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}: expected input of {dims + 2} dimensions, or {dims + 1} without a batch, got shape {input.array.shape}"
        )


def on_batch(operation: Function, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The operation on input [N, C, *size] or, without a batch, [C, *size]."""
    batched = input.array.ndim == dims + 2
    x = input if batched else input.unsqueeze(0)
    y = operation(x, weight) if bias is None else operation(x, weight, bias)
    return y if batched else y.squeeze(0)


def _named_padding(
    name: str, input: Tensor, padding: str, kernel: tuple[int, ...], stride: tuple, dilation: tuple
) -> tuple[Tensor, tuple[int, ...]]:
    """The padding that a name means; of an odd number of zeros along an axis, the input gets the last one here."""
    if padding == "valid":
        return input, (0,) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"{name}: Invalid padding string: {padding!r}; expected 'same' or 'valid'")
    if max(stride) > 1:
        raise RuntimeError(f"{name}: padding='same' is not supported for strided convolutions, got stride={stride}")
    totals = [d * (k - 1) for d, k in zip(dilation, kernel)]
    if any(total % 2 for total in totals):
        input = pad(input, [width for total in reversed(totals) for width in (0, total % 2)])
    return input, tuple(total // 2 for total in totals)
