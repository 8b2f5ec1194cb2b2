"""Normalisation: subtract a mean, divide by a standard deviation. What all kinds share; layer, RMS and group norm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float, require_same_dtype


class Normalisation(Function):
    """y = w · x̂ + b,  x̂ = (x − mean) / √(var + ε).  The kinds differ in which numbers share a mean and a variance.

    With h = w · g and means over those numbers:  dL/dx = (h − mean(h) − x̂ · mean(h x̂)) / √(var + ε),
    dL/dw = Σ g x̂,  dL/db = Σ g
    """

    reads = (0, 1)
    eps: float
    centred = True  # False: 0 takes the place of the mean

    def together(self, x: Any) -> tuple[tuple, tuple]:
        """A shape for x, and the dimensions of it over which there is one mean and one variance."""
        raise NotImplementedError

    def beside(self, x: Any) -> tuple:
        """The dimensions of x that weight and bias do not have."""
        return (0, *range(2, x.ndim))

    def along(self, v: Any, x: Any) -> Any:
        """Weight or bias in a shape that broadcasts to x: by default [C] for [N, C, ...]."""
        return v.reshape(-1, *(1,) * (x.ndim - 2))

    def backward(self, g: Tensor) -> tuple:
        x, w, *_ = (*self.inputs, None)
        shape, axes = self.together(x)
        z = x.reshape(shape)
        centred = z - z.mean(axes, keepdim=True) if self.centred else z
        rstd = ((centred * centred).mean(axes, keepdim=True) + self.eps) ** -0.5
        normalised = centred * rstd
        need_x, need_w, need_b = (*self.needs_input_grad, False, False)[:3]
        gx = None
        if need_x:
            h = (g if w is None else g * self.along(w, x)).reshape(shape)
            gx = h - normalised * (h * normalised).mean(axes, keepdim=True)
            if self.centred:
                gx = gx - h.mean(axes, keepdim=True)
            gx = (gx * rstd).reshape(x.shape)
        gw = _sum(g * normalised.reshape(x.shape), self.beside(x)) if need_w else None
        gb = _sum(g, self.beside(x)) if need_b else None
        return (gx, gw, gb)[: len(self.edges)]


def _sum(x: Any, axes: tuple) -> Any:
    return x.sum(axes) if axes else x  # to `sum`, no axes are all axes


class LayerNorm(Normalisation):
    __doc__ = f"Mean and variance over the last `dims` dimensions.\n\n{Normalisation.__doc__}"

    def __init__(self, dims: int, eps: float) -> None:
        self.dims, self.eps = dims, eps

    def together(self, x: Any) -> tuple[tuple, tuple]:
        return x.shape, tuple(range(x.ndim - self.dims, x.ndim))

    def beside(self, x: Any) -> tuple:
        return tuple(range(x.ndim - self.dims))

    def along(self, v: Any, x: Any) -> Any:
        return v

    def rows(self, x: Any) -> Any:
        """[R, D], the normalised dimensions flattened."""
        first = x.ndim - self.dims
        return x.reshape(math.prod(x.shape[:first]), math.prod(x.shape[first:]))

    def forward(self, x: Any, w: Any = None, b: Any = None) -> Any:
        w, b = (v if v is None else v.reshape(-1) for v in (w, b))
        y, self.mean, self.rstd = kernels.layer_norm(self.rows(x), w, b, self.eps, self.centred)
        return y.reshape(x.shape)

    def fused_backward(self, g: Any) -> tuple:
        x, w, *_ = (*self.inputs, None)
        w = w if w is None else w.reshape(-1)
        gx, *rest = kernels.layer_norm_backward(self.rows(g), self.rows(x), self.mean, self.rstd, w, self.centred)
        size = x.shape[x.ndim - self.dims :]
        return (gx.reshape(x.shape), *[v.reshape(size) for v in rest])[: len(self.edges)]


class RMSNorm(LayerNorm):
    """y = w · x / √(mean(x²) + ε), the mean over the last `dims` dimensions: a layer norm without the mean.

    With h = w · g, x̂ = x / √(mean(x²) + ε):  dL/dx = (h − x̂ · mean(h x̂)) / √(mean(x²) + ε),  dL/dw = Σ g x̂
    """

    centred = False


class GroupNorm(Normalisation):
    __doc__ = f"Mean and variance of each group of channels in each image.\n\n{Normalisation.__doc__}"

    def __init__(self, groups: int, eps: float) -> None:
        self.groups, self.eps = groups, eps

    def together(self, x: Any) -> tuple[tuple, tuple]:
        return (x.shape[0] * self.groups, math.prod(x.shape[1:]) // self.groups), (1,)

    def forward(self, x: Any, w: Any = None, b: Any = None) -> Any:
        # var for the running averages of instance norm
        y, self.mean, self.var, self.rstd = kernels.group_norm(x, self.groups, w, b, self.eps)
        return y

    def fused_backward(self, g: Any) -> tuple:
        x, w, *_ = (*self.inputs, None)
        return kernels.group_norm_backward(g, x, self.groups, self.mean, self.rstd, w)[: len(self.edges)]


def apply_affine(operation: Function, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """A normalising operation with weight and bias, of which either may be missing."""
    if weight is None and bias is not None:
        weight = Tensor(np.ones_like(bias.array))
    return operation(*[t for t in (x, weight, bias) if t is not None])


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise over the last dimensions, each element of the batch alone: w · (x − mean) / √(var + eps) + b.

    Ba, Kiros and Hinton, "Layer Normalization", 2016.

    Parameters
    ----------
    input : [..., *normalized_shape]
    normalized_shape : sequence of ints
    weight, bias : tensors of that shape, optional

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    """
    size = _check_last("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return apply_affine(LayerNorm(len(size), eps), input, weight, bias)


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divide by the root of the mean square over the last dimensions: w · x / √(mean(x²) + eps).

    Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.

    Parameters
    ----------
    input : [..., *normalized_shape]
    normalized_shape : sequence of ints
    weight : tensor of that shape, optional
    eps : float, optional
        Default: the spacing of the input's dtype at 1.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    """
    size = _check_last("rms_norm", input, normalized_shape, weight=weight)
    eps = float(np.finfo(input.array.dtype).eps) if eps is None else eps
    return apply_affine(RMSNorm(len(size), eps), input, weight, None)


def _check_last(name: str, input: Tensor, normalized_shape: Any, **affine: Tensor | None) -> tuple[int, ...]:
    """`normalized_shape` as a tuple, after all arguments of layer or RMS norm are found to fit."""
    require_float(input, name)
    require_same_dtype(name, input=input, **affine)
    if not isinstance(normalized_shape, tuple | list):
        raise TypeError(
            f"{name}(): argument 'normalized_shape' must be tuple of ints, not {type(normalized_shape).__name__}"
        )
    size = tuple(normalized_shape)
    if not size or input.array.shape[-len(size) :] != size:
        raise RuntimeError(
            f"{name}: normalized_shape={size} expects input of shape [*, {', '.join(map(str, size))}], "
            f"got {input.array.shape}"
        )
    for argument, t in affine.items():
        if t is not None and t.array.shape != size:
            raise RuntimeError(f"{name}: expected {argument} of shape {size}, got {t.array.shape}")
    return size


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise groups of channels, each element of the batch alone: w · (x − mean) / √(var + eps) + b.

    Wu and He, "Group Normalization", 2018.

    Parameters
    ----------
    input : [N, C, ...]
    num_groups : int
        Divides C.
    weight, bias : [C], optional

    Raises
    ------
    ValueError
        If a group has fewer than two values and the batch one element.
    RuntimeError
        If shapes or dtypes do not fit.
    ZeroDivisionError
        If `num_groups` is 0.
    """
    require_float(input, "group_norm")
    shape = input.array.shape
    if len(shape) < 2:
        raise RuntimeError(
            f"group_norm: expected at least 2 dimensions, [N, C, ...], for input tensor but received {len(shape)}"
        )
    values = shape[0] * shape[1] // num_groups * math.prod(shape[2:])
    if values == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(shape)}")
    require_same_dtype("group_norm", input=input, weight=weight, bias=bias)
    if num_groups < 1 or shape[1] % num_groups:
        raise RuntimeError(
            f"group_norm: expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(shape)} and num_groups={num_groups}"
        )
    check_channels("group_norm", shape[1], weight=weight, bias=bias)
    return apply_affine(GroupNorm(num_groups, eps), input, weight, bias)


def check_channels(name: str, channels: int, **vectors: Tensor | None) -> None:
    """Refuse vectors that do not have one element for each channel."""
    for argument, v in vectors.items():
        if v is not None and v.array.shape != (channels,):
            raise RuntimeError(f"{name}: {argument} should contain {channels} elements, got shape {v.array.shape}")
