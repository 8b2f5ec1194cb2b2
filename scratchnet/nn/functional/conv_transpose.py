"""Transposed convolution: the gradient of a convolution to its input, as a layer that enlarges."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import ints
from scratchnet.nn.functional.conv import ConvGradInput, check_arrays, on_batch
from scratchnet.nn.functional.padding import pad


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transposed convolution of signals [N, C, L] with w [C, O / groups, k], see `conv_transpose2d`."""
    return _convolve_transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transposed convolution: the gradient of `conv2d` to its input, which enlarges images by the stride.

    Every pixel times a filter is added onto a window of the result, and b onto all of it; see `ConvGradInput`.

    Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional Networks", 2010.

    Parameters
    ----------
    input : [N, C, H, W], or [C, H, W] for one image
    weight : [C, O / groups, kh, kw]
    bias : [O], optional
    stride, padding, dilation : int or (int, int)
        Of the convolution that this is the transpose of: padding makes the result smaller.
    output_padding : int or (int, int)
        Rows and columns more at the end: of all sizes that a strided convolution maps to H, a larger one.
    groups : int

    Returns
    -------
    [N, O, OH, OW] with OH = (H − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit, or output_padding is not smaller than the stride or the dilation.
    """
    return _convolve_transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transposed convolution of volumes [N, C, D, H, W] with w [C, O / groups, kd, kh, kw], see `conv_transpose2d`."""
    return _convolve_transposed(3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _convolve_transposed(
    dims: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    name = f"conv_transpose{dims}d"
    check_arrays(name, dims, input, weight, bias)
    axes = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    stride, padding, extra, dilation = (ints(value, dims, name, key) for key, value in axes.items())
    _check_transposed(name, input, weight, bias, groups, stride, padding, extra, dilation)
    size = input.array.shape[-dims:]
    windows = tuple(zip(size, stride, padding, extra, dilation, weight.array.shape[2:]))
    output = tuple((n - 1) * s - 2 * p + d * (k - 1) + 1 + e for n, s, p, e, d, k in windows)
    if min(output) < 1:
        raise RuntimeError(f"{name}: the result of an input of size {size} would have size {output}")
    if any(e >= s for e, s in zip(extra, stride)):
        # the convolution maps a result of this size to more pixels than the input has: to zeros behind its end
        input = pad(input, [width for e, s in zip(extra[::-1], stride[::-1]) for width in (0, e // s)])
    batch = input.array.shape[: -dims - 1] or (1,)
    shape = (*batch, weight.array.shape[1] * groups, *output)
    return on_batch(ConvGradInput((stride, padding, dilation, groups), shape), dims, input, weight, bias)


def _check_transposed(
    name: str, input: Tensor, weight: Tensor, bias: Any, groups: int, stride: Any, padding: Any, extra: Any, dilation: Any
) -> None:
    shape, channels = weight.array.shape, input.array.shape[1 - len(weight.array.shape)]
    for argument, values, least in (("stride", stride, 1), ("padding", padding, 0), ("output_padding", extra, 0),
                                    ("dilation", dilation, 1)):  # fmt: skip
        if min(values) < least:
            raise RuntimeError(f"{name}: expected {argument} of at least {least}, got {values}")
    if groups < 1 or shape[0] % groups:
        raise RuntimeError(f"{name}: groups={groups} does not divide the {shape[0]} input channels of the weight")
    if channels != shape[0]:
        raise RuntimeError(f"{name}: input has {channels} channels, but weight of shape {shape} expects {shape[0]}")
    if 0 in shape:
        raise RuntimeError(f"{name}: weight of shape {shape} has no elements")
    if bias is not None and bias.array.shape != (shape[1] * groups,):
        raise RuntimeError(
            f"{name}: weight of shape {shape} with groups={groups} expects bias of shape ({shape[1] * groups},), got "
            f"{bias.array.shape}"
        )
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise RuntimeError(
            f"{name}: output_padding must be smaller than stride or dilation, got output_padding={extra}, "
            f"stride={stride}, dilation={dilation}"
        )
