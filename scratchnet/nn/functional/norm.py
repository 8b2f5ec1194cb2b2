"""Normalisation: subtract a mean, divide by a standard deviation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float, require_same_dtype


class BatchNorm(Function):
    """y = w · x̂ + b,  x̂ = (x − mean) / √(var + ε),  with the mean and variance of each channel in the batch.

    With n values in a channel and Σ over them:  dL/dx = w / √(var + ε) · (g − (Σ g + x̂ · Σ g x̂) / n),
    dL/dw = Σ g x̂,  dL/db = Σ g
    """

    reads = ((0, 1), (0,), ())

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def forward(self, x: Any, w: Any = None, b: Any = None) -> Any:
        # [C] each; small, and still wanted by the caller when a checkpoint has dropped everything else
        self.mean, self.var, self.rstd = kernels.batch_norm_statistics(x, self.eps)
        return kernels.batch_norm_apply(x, self.mean, self.rstd, w, b)

    def backward(self, g: Tensor) -> tuple:
        x, w, *_ = (*self.inputs, None)
        axes = (0, *range(2, x.ndim))
        return _gradients(self, g, x, _per_channel(w, x), axes, axes)

    def fused_backward(self, g: Any) -> tuple:
        x, w, *_ = (*self.inputs, None)
        return kernels.batch_norm_backward(g, x, self.mean, self.rstd, w)[: len(self.edges)]


class BatchNormFixed(Function):
    """y = w · x̂ + b,  x̂ = (x − mean) · rstd,  with a given mean and 1 / standard deviation of each channel.

    dL/dx = g · w · rstd,  dL/dw = Σ g x̂,  dL/db = Σ g
    """

    reads = ((1,), (0,), ())

    def __init__(self, mean: Any, rstd: Any) -> None:
        self.mean, self.rstd = mean, rstd

    def forward(self, x: Any, w: Any = None, b: Any = None) -> Any:
        self.axes = (0, *range(2, x.ndim))
        return kernels.batch_norm_apply(x, self.mean, self.rstd, w, b)

    def backward(self, g: Tensor) -> tuple:
        x, w = (*self.inputs, None, None)[:2]
        need_x, need_w, need_b = (*self.needs_input_grad, False, False)[:3]
        mean, rstd = (_per_channel(Tensor(v), g) for v in (self.mean, self.rstd))
        gx = g * (rstd if w is None else rstd * _per_channel(w, g)) if need_x else None
        gw = (g * (x - mean) * rstd).sum(self.axes) if need_w else None
        gb = g.sum(self.axes) if need_b else None
        return (gx, gw, gb)[: len(self.edges)]


class LayerNorm(Function):
    """y = w · x̂ + b,  x̂ = (x − mean) / √(var + ε),  with the mean and variance over the last `dims` dimensions.

    The gradients are those of `BatchNorm`, but x has sums over those dimensions, w and b over the others.
    """

    reads = ((0, 1), (0,), ())
    arithmetic = True

    def __init__(self, dims: int, eps: float) -> None:
        self.dims, self.eps = dims, eps

    def forward(self, x: Any, w: Any = None, b: Any = None) -> Any:
        axes = tuple(range(x.ndim - self.dims, x.ndim))
        centred = x - x.mean(axes, keepdims=True)
        y = centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + self.eps)
        if w is not None:
            y *= w
        if b is not None:
            y += b
        return y

    def backward(self, g: Any) -> tuple:
        x, w, *_ = (*self.inputs, None)
        first = x.ndim - self.dims
        return _gradients(self, g, x, w, tuple(range(first, x.ndim)), tuple(range(first)))


def _gradients(function: BatchNorm | LayerNorm, g: Any, x: Any, w: Any, axes: tuple, other_axes: tuple) -> tuple:
    """The gradients to x, w and b of x̂ · w + b with the mean and variance over `axes`; w and b lack `other_axes`.

    `keepdims` is NumPy's spelling, which Tensors know too: the same lines work on arrays.
    """
    centred = x - x.mean(axes, keepdims=True)
    rstd = ((centred * centred).mean(axes, keepdims=True) + function.eps) ** -0.5
    normalised = centred * rstd
    need_x, need_w, need_b = (*function.needs_input_grad, False, False)[:3]
    gx = None
    if need_x:
        h = g if w is None else g * w
        gx = rstd * (h - h.mean(axes, keepdims=True) - normalised * (h * normalised).mean(axes, keepdims=True))
    gw = _sum(g * normalised, other_axes) if need_w else None
    gb = _sum(g, other_axes) if need_b else None
    return (gx, gw, gb)[: len(function.edges)]


def _sum(x: Any, axes: tuple) -> Any:
    return x.sum(axes) if axes else x  # to `sum`, no axes are all axes


def _per_channel(v: Any, x: Any) -> Any:
    """[C] in a shape that broadcasts to x."""
    return v if v is None else v.reshape(-1, *(1,) * (x.ndim - 2))


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise every channel: w · (x − mean) / √(var + eps) + b.

    Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift", 2015.

    Parameters
    ----------
    input : [N, C, ...]
    running_mean, running_var : [C], optional
        Averages over past batches: used when not training; updated (in place) when training, the variance
        with its unbiased estimate.
    weight, bias : [C], optional
    training : bool
        Use the mean and the (biased) variance of this batch.
    momentum : float
        Share of this batch in the running averages.

    Raises
    ------
    ValueError
        When training, if a channel has fewer than two values.
    RuntimeError
        If shapes or dtypes do not fit, or running averages are missing when not training.
    """
    require_float(input, "batch_norm")
    shape = input.array.shape
    if len(shape) < 2:
        raise IndexError(f"batch_norm: expected input of shape [N, C, ...], got {shape}")
    vectors = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    require_same_dtype("batch_norm", input=input, **vectors)
    for name, v in vectors.items():
        if v is not None and v.array.shape != (shape[1],):
            raise RuntimeError(f"batch_norm: {name} should contain {shape[1]} elements, got shape {v.array.shape}")
        if v is None and name.startswith("running") and not training:
            raise RuntimeError(f"batch_norm: {name} must be defined in evaluation mode")
    if not training:
        rstd = 1 / np.sqrt(running_var.array + eps)  # type: ignore[union-attr]
        return _apply_affine(BatchNormFixed(running_mean.array, rstd), input, weight, bias)  # type: ignore[union-attr]
    n = math.prod(shape) // max(shape[1], 1)
    if n == 0:
        return _apply_affine(BatchNormFixed(*np.ones((2, shape[1]), input.dtype)), input, weight, bias)
    if n == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(shape)}")
    operation = BatchNorm(eps)
    y = _apply_affine(operation, input, weight, bias)
    _update(running_mean, operation.mean, momentum)
    _update(running_var, operation.var * (n / (n - 1)), momentum)
    return y


def _apply_affine(operation: Function, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """A normalising operation with weight and bias, of which either may be missing."""
    if weight is None and bias is not None:
        weight = Tensor(np.ones_like(bias.array))
    return operation(*(t for t in (x, weight, bias) if t is not None))


def _update(running: Tensor | None, new: Any, momentum: float) -> None:
    if running is not None:
        running.array[...] = (1 - momentum) * running.array + momentum * new
        running._counter[0] += 1


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
    require_float(input, "layer_norm")
    require_same_dtype("layer_norm", input=input, weight=weight, bias=bias)
    if not isinstance(normalized_shape, tuple | list):
        raise TypeError(
            f"layer_norm(): argument 'normalized_shape' must be tuple of ints, not {type(normalized_shape).__name__}"
        )
    size = tuple(normalized_shape)
    if not size or input.array.shape[-len(size) :] != size:
        raise RuntimeError(
            f"layer_norm: normalized_shape={size} expects input of shape [*, *{size}], got {input.array.shape}"
        )
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.array.shape != size:
            raise RuntimeError(f"layer_norm: expected {name} of shape {size}, got {t.array.shape}")
    return _apply_affine(LayerNorm(len(size), eps), input, weight, bias)
