"""Losses of probabilities: of yes and no, of distributions, of counts, and of numbers with a variance."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.function import INPUTS, Function
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.loss_regression import logit_error, logit_error_backward
from scratchnet.nn.functional.activation import logsigmoid
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import REDUCTIONS, check_reduction, chosen, reduce_loss
from scratchnet.ops.elementwise import check_tensor

_LEAST = float(np.float32(1e-12))  # of x · (1 − x), in torch's words


class BinaryCrossEntropy(Function):
    """y = −(t · log x + (1 − t) · log(1 − x)), logarithms cut off at −100.

    dL/dx = g · (x − t) / (x · (1 − x)),  dL/dt = g · (log(1 − x) − log x)
    """

    reads = INPUTS

    def forward(self, x: Any, t: Any) -> Any:
        with np.errstate(divide="ignore"):
            log_x, log_1_x = np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)
        return (t - 1) * log_1_x - t * log_x

    def backward(self, g: Tensor) -> tuple:
        x, t = self.inputs
        need_x, need_t = self.needs_input_grad
        return (
            g * (x - t) / ops.clamp(x * (1 - x), min=_LEAST) if need_x else None,
            g * (ops.log1p(-x) - ops.log(x)) if need_t else None,
        )


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−(t · log x + (1 − t) · log(1 − x)) for probabilities x; logarithms are cut off at −100.

    Parameters
    ----------
    input, target : x and t, of the same shape and dtype
    weight : optional
        Multiplies the losses; broadcast.
    reduction : "mean", "sum" or "none"

    Raises
    ------
    RuntimeError
        If an input is not between 0 and 1, or the dtypes differ.
    ValueError
        If the shapes differ, or the reduction is unknown.
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = require_float(input, "binary_cross_entropy"), check_tensor(target, "binary_cross_entropy", "target")
    if t.array.shape != x.array.shape:
        raise ValueError(f"binary_cross_entropy: expected target of input's shape {x.array.shape}, got {t.array.shape}")
    if t.array.dtype != x.array.dtype:
        raise RuntimeError(
            f"binary_cross_entropy: expected target of input's dtype {x.array.dtype}, got {t.array.dtype}"
        )
    if not np.all((x.array >= 0) & (x.array <= 1)):
        raise RuntimeError(
            "binary_cross_entropy: all elements of input should be between 0 and 1, but they are from "
            f"{x.array.min()} to {x.array.max()}; for logits use binary_cross_entropy_with_logits"
        )
    loss = BinaryCrossEntropy()(x, t)
    return reduce_loss(loss if weight is None else loss * weight, reduction)


class LogitError(Function):
    """y = (1 − t) · x − log σ(x), of logits x and answers t of one shape and dtype.

    dL/dx = g · (σ(x) − t),  dL/dt = −g · x
    """

    reads = INPUTS

    def forward(self, x: Any, t: Any) -> Any:
        return logit_error(x, t)

    def backward(self, g: Tensor) -> tuple:
        x, t = self.inputs
        need_x, need_t = self.needs_input_grad
        return g * (ops.sigmoid(x) - t) if need_x else None, -g * x if need_t else None

    def fused_backward(self, g: Any) -> tuple:
        x, t = self.inputs
        need_x, need_t = self.needs_input_grad
        return logit_error_backward(g, x, t) if need_x else None, -g * x if need_t else None


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """−(p · t · log σ(x) + (1 − t) · log σ(−x)): `binary_cross_entropy` of the sigmoid σ(x), without overflow.

    Parameters
    ----------
    weight : optional
        Multiplies the losses.
    pos_weight : p, optional
        Weight of the positive answers; broadcast.

    Raises
    ------
    ValueError
        If the shapes differ, or the reduction is unknown.
    """
    reduction = chosen(reduction, size_average, reduce)
    x = check_tensor(input, "binary_cross_entropy_with_logits")
    t = check_tensor(target, "binary_cross_entropy_with_logits", "target")
    if t.array.shape != x.array.shape:
        raise ValueError(
            f"binary_cross_entropy_with_logits: Target size {t.array.shape} must be the same as input size {x.array.shape}"
        )
    if pos_weight is None and t.array.dtype == x.array.dtype and x.array.dtype.kind == "f":
        loss = LogitError()(x, t)
    else:
        positive = 1 if pos_weight is None else (pos_weight - 1) * t + 1
        loss = (1 - t) * x - positive * logsigmoid(x)
    return reduce_loss(loss if weight is None else loss * weight, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback–Leibler divergence, t · (log t − x), for log-probabilities x and probabilities t (or their logarithms).

    Kullback and Leibler, "On Information and Sufficiency", 1951.

    Parameters
    ----------
    reduction : "batchmean", "mean", "sum" or "none"
        "batchmean" divides the sum by the first dimension: the divergence itself. ("mean" divides by the
        number of elements.)
    log_target : bool
        The target holds logarithms.

    Raises
    ------
    ValueError
        If the reduction is unknown.
    """
    reduction = chosen(reduction, size_average, reduce, (*REDUCTIONS, "batchmean"))
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. "
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition.",
            stacklevel=2,
        )
    check_tensor(input, "kl_div")
    check_tensor(target, "kl_div", "target")
    if log_target:
        loss = ops.exp(target) * (target - input)
    else:
        zero = ops.eq(target, 0)
        loss = ops.where(zero, 0.0, target * ops.log(ops.where(zero, 1.0, target))) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.array.shape[0] if input.array.ndim else loss.sum()
    return reduce_loss(loss, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """λ − t · log λ, the negative log-likelihood of counts t whose expectation is λ, without log t!.

    Parameters
    ----------
    log_input : bool
        The input is log λ, else λ.
    full : bool
        Add Stirling's approximation of log t!, t log t − t + log(2πt) / 2, where t > 1.
    eps : float
        Is added to λ before its logarithm is taken.

    Raises
    ------
    ValueError
        If the reduction is unknown.
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = check_tensor(input, "poisson_nll_loss"), check_tensor(target, "poisson_nll_loss", "target")
    loss = ops.exp(x) - t * x if log_input else x - t * ops.log(x + eps)
    if full:
        many = ops.where(t > 1, t, 1.0)
        stirling = many * ops.log(many) - many + 0.5 * ops.log(2 * math.pi * many)
        loss = loss + ops.where(t > 1, stirling, 0.0)
    return reduce_loss(loss, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log v + (x − t)² / v) / 2, the negative log-likelihood of t under a normal distribution, without log(2π) / 2.

    Nix and Weigend, "Estimating the Mean and Variance of the Target Probability Distribution", 1994.

    Parameters
    ----------
    input, target : [N, ..., D], the means x and what was observed
    var : the same shape, or with one size 1, or without the last dimension; or a number
    full : bool
        Add log(2π) / 2.
    eps : float
        The least v; the gradient of v does not know of it.

    Raises
    ------
    ValueError
        If a variance is negative, their shape does not fit, or the reduction is unknown.
    """
    x, t = check_tensor(input, "gaussian_nll_loss"), check_tensor(target, "gaussian_nll_loss", "target")
    variance = ops.ones_like(x) * var if isinstance(var, float) else check_tensor(var, "gaussian_nll_loss", "var")
    if (variance.array < 0).any():
        raise ValueError(f"gaussian_nll_loss: var has negative entry/entries, the least is {variance.array.min()}")
    size, shape = x.array.shape, variance.array.shape
    if shape != size:
        if size[:-1] == shape:
            variance = variance.unsqueeze(-1)
        elif len(size) != len(shape) or sum(w for n, w in zip(size, shape) if n != w) != 1:
            raise ValueError(f"gaussian_nll_loss: var is of incorrect size {shape} for input of size {size}")
    check_reduction(reduction)
    with no_grad():
        lacking = ops.clamp(variance, min=eps) - variance
    variance = variance + lacking
    loss = 0.5 * (ops.log(variance) + (x - t) ** 2 / variance)
    return reduce_loss(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)
