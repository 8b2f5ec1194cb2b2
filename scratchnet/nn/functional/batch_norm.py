"""Normalisation of channels, with running averages: of the batch, or of each image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float, require_same_dtype
from scratchnet.nn.functional.norm import GroupNorm, Normalisation, apply_affine, check_channels
from scratchnet.ops.elementwise import check_tensor


class BatchNorm(Normalisation):
    __doc__ = f"Mean and variance of each channel in the batch.\n\n{Normalisation.__doc__}"

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def together(self, x: Any) -> tuple[tuple, tuple]:
        return x.shape, (0, *range(2, x.ndim))

    def forward(self, x: Any, w: Any = None, b: Any = None) -> Any:
        # [C] each; small, and still wanted by the caller when a checkpoint has dropped everything else
        y, self.mean, self.var, self.rstd = kernels.batch_norm(x, w, b, self.eps)
        return y

    def fused_backward(self, g: Any) -> tuple:
        x, w, *_ = (*self.inputs, None)
        return kernels.batch_norm_backward(g, x, self.mean, self.rstd, w)[: len(self.edges)]


class BatchNormFixed(Function):
    """y = w · x̂ + b,  x̂ = (x − mean) · rstd,  with a given mean and 1 / standard deviation of each channel.

    dL/dx = g · w · rstd,  dL/dw = Σ g x̂,  dL/db = Σ g
    """

    reads = (0, 1)

    def __init__(self, mean: Any, rstd: Any) -> None:
        self.mean, self.rstd = mean, rstd

    def forward(self, x: Any, w: Any = None, b: Any = None) -> Any:
        return kernels.batch_norm_apply(x, self.mean, self.rstd, w, b)

    def backward(self, g: Tensor) -> tuple:
        x, w, *_ = (*self.inputs, None)
        axes, along = (0, *range(2, g.ndim)), (-1, *(1,) * (g.ndim - 2))
        need_x, need_w, need_b = (*self.needs_input_grad, False, False)[:3]
        mean, rstd = (Tensor(v).reshape(along) for v in (self.mean, self.rstd))
        gx = g * (rstd if w is None else rstd * w.reshape(along)) if need_x else None
        gw = (g * (x - mean) * rstd).sum(axes) if need_w else None
        gb = g.sum(axes) if need_b else None
        return (gx, gw, gb)[: len(self.edges)]

    def fused_backward(self, g: Any) -> tuple:
        x, w, *_ = (*self.inputs, None)
        return kernels.batch_norm_backward(g, x, self.mean, self.rstd, w, training=False)[: len(self.edges)]


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
        When training, if a channel has fewer than two values, there is only one of the running averages or eps is
        not positive; if eps is negative.
    RuntimeError
        If shapes or dtypes do not fit, or running averages are missing when not training.
    """
    if require_float(input, "batch_norm").shape == (0,):
        return input.clone()  # refused with any number in it; torch takes nothing for nothing
    shape = check_batch_norm("batch_norm", input, running_mean, running_var, weight, bias, training)
    if not training:
        if eps < 0:
            raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
        return _with_running("batch_norm", input, running_mean, running_var, weight, bias, eps)
    n = math.prod(shape) // max(shape[1], 1)
    if n == 0:
        return apply_affine(BatchNormFixed(*np.ones((2, shape[1]), input.dtype)), input, weight, bias)
    if n == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(shape)}")
    if eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    operation = BatchNorm(eps)
    y = apply_affine(operation, input, weight, bias)
    update_running(running_mean, operation.mean, momentum)
    update_running(running_var, operation.var * (n / (n - 1)), momentum)
    return y


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise every channel of every element of the batch: w · (x − mean) / √(var + eps) + b.

    Ulyanov, Vedaldi and Lempitsky, "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016.

    Parameters
    ----------
    input : [N, C, ...]
    running_mean, running_var : [C], optional
        Averages over past inputs: used without `use_input_stats`, updated (in place) with it.
    weight, bias : [C], optional
    use_input_stats : bool
        Use the mean and the (biased) variance of each channel of each element.
    momentum : float
        Share of this input in the running averages.

    Raises
    ------
    ValueError
        With `use_input_stats`, if a channel has fewer than two values, or there is only one of the running averages.
    RuntimeError
        If shapes or dtypes do not fit, or running averages are missing without `use_input_stats`.
    """
    n = math.prod(check_tensor(input, "instance_norm").shape[2:])
    if use_input_stats and n == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    shape = check_batch_norm("instance_norm", input, running_mean, running_var, weight, bias, use_input_stats)
    if not use_input_stats:
        return _with_running("instance_norm", input, running_mean, running_var, weight, bias, eps)
    operation = GroupNorm(shape[1], eps)
    y = apply_affine(operation, input, weight, bias)
    if shape[0] and n:
        mean, var = (v.reshape(shape[:2]).mean(0) for v in (operation.mean, operation.var))
        update_running(running_mean, mean, momentum)
        update_running(running_var, var * (n / (n - 1)), momentum)
    return y


def check_batch_norm(name: str, input: Tensor, mean: Any, var: Any, weight: Any, bias: Any, own: bool) -> tuple[int, ...]:
    """The input's shape, after all Tensors are found to fit; `own`: it is normalised by its own statistics."""
    require_float(input, name)
    if own and (mean is None) != (var is None):
        raise ValueError(f"{name}: running_mean and running_var must either both be None or neither be None")
    shape = input.array.shape
    if len(shape) < 2:
        raise IndexError(f"{name}: expected input of shape [N, C, ...], got {shape}")
    vectors = {"running_mean": mean, "running_var": var, "weight": weight, "bias": bias}
    require_same_dtype(name, input=input, **vectors)
    check_channels(name, shape[1], **vectors)
    return shape


def _with_running(name: str, input: Tensor, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Tensor:
    """Normalise with the running averages."""
    for argument, v in (("running_mean", mean), ("running_var", var)):
        if v is None:
            raise RuntimeError(f"{name}: {argument} must be defined in evaluation mode")
    return apply_affine(BatchNormFixed(mean.array, 1 / np.sqrt(var.array + eps)), input, weight, bias)


def update_running(running: Tensor | None, new: Any, momentum: float) -> None:
    """Give `new` this share in a running average, in place."""
    if running is not None:
        running.array[...] = (1 - momentum) * running.array + momentum * new
        running._counter[0] += 1
