"""Losses of regression and of probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.function import INPUTS, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.activation import logsigmoid
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import check_reduction, chosen, reduce_loss
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.promotion import promote


class SquaredError(Function):
    """y = (a − b)².  dL/da = 2 g (a − b),  dL/db = −dL/da"""

    reads = INPUTS
    arithmetic = True

    def forward(self, a: Any, b: Any) -> Any:
        d = a - b
        return d * d

    def backward(self, g: Any) -> tuple:
        a, b = self.inputs
        slope = g * (a - b) * 2.0
        return slope, -slope


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Squared error, (x − t)².

    Parameters
    ----------
    input, target : tensors of the same shape
    reduction : "mean", "sum" or "none"
    weight : tensor of that shape, optional
        Multiplies the losses; the mean is then Σ w · loss / Σ w.
    """
    reduction = chosen(reduction, size_average, reduce)
    _compare_shapes("mse_loss", input, target)
    if input.array.dtype != target.array.dtype:
        input, target = promote(input, target, function="mse_loss")
    return _weighted(SquaredError()(require_float(input, "mse_loss"), target), reduction, weight, input)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Absolute error, |x − t|. Parameters as for `mse_loss`."""
    reduction = chosen(reduction, size_average, reduce)
    _compare_shapes("l1_loss", input, target)
    return _weighted(abs(input - target), reduction, weight, input)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """|x − t| − β/2, but (x − t)² / 2β where |x − t| < β (Girshick, "Fast R-CNN", 2015)."""
    reduction = chosen(reduction, size_average, reduce)
    _compare_shapes("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    d = abs(input - target)
    return reduce_loss(ops.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta), reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """δ · (|x − t| − δ/2), but (x − t)² / 2 where |x − t| ≤ δ.

    Huber, "Robust Estimation of a Location Parameter", 1964.
    """
    check_reduction(reduction)
    _compare_shapes("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    d = abs(input - target)
    loss = ops.where(d <= delta, d * d * 0.5, delta * (d - 0.5 * delta))
    return reduce_loss(loss if weight is None else loss * _checked(weight, input), reduction)


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

    Raises
    ------
    RuntimeError
        If an input is not between 0 and 1, or the dtypes differ.
    ValueError
        If the shapes differ.
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = require_float(input, "binary_cross_entropy"), target
    check_tensor(t, "binary_cross_entropy", "target")
    if t.array.shape != x.array.shape:
        raise ValueError(f"binary_cross_entropy: expected target of input's shape {x.array.shape}, got {t.array.shape}")
    if t.array.dtype != x.array.dtype:
        raise RuntimeError(
            f"binary_cross_entropy: expected target of input's dtype {x.array.dtype}, got {t.array.dtype}"
        )
    if not np.all((x.array >= 0) & (x.array <= 1)):
        raise RuntimeError("binary_cross_entropy: all elements of input should be between 0 and 1")
    loss = BinaryCrossEntropy()(x, t)
    return reduce_loss(loss if weight is None else loss * weight, reduction)


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
    """
    reduction = chosen(reduction, size_average, reduce)
    x = check_tensor(input, "binary_cross_entropy_with_logits")
    t = check_tensor(target, "binary_cross_entropy_with_logits", "target")
    if t.array.shape != x.array.shape:
        raise ValueError(f"Target size {t.array.shape} must be the same as input size {x.array.shape}")
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

    Parameters
    ----------
    reduction : "batchmean", "mean", "sum" or "none"
        "batchmean" divides the sum by the first dimension: the divergence itself. ("mean" divides by the
        number of elements.)
    log_target : bool
        The target holds logarithms.
    """
    if size_average is not None or reduce is not None:
        reduction = chosen("mean", size_average, reduce)
    check_reduction(reduction, ("mean", "batchmean", "sum", "none"))
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. "
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition.",
            stacklevel=3,
        )
    check_tensor(input, "kl_div"), check_tensor(target, "kl_div", "target")
    if log_target:
        loss = ops.exp(target) * (target - input)
    else:
        zero = ops.eq(target, 0)
        loss = ops.where(zero, 0.0, target * ops.log(ops.where(zero, 1.0, target))) - target * input
    return loss.sum() / input.array.shape[0] if reduction == "batchmean" else reduce_loss(loss, reduction)


def _compare_shapes(name: str, input: Tensor, target: Tensor) -> None:
    x, t = check_tensor(input, name).array.shape, check_tensor(target, name, "target").array.shape
    if x != t:
        warnings.warn(
            f"Using a target size ({t}) that is different to the input size ({x}). This will likely lead to "
            "incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=4,
        )


def _weighted(loss: Tensor, reduction: str, weight: Tensor | None, input: Tensor) -> Tensor:
    if weight is None:
        return reduce_loss(loss, reduction)
    loss = loss * _checked(weight, input)
    return loss.sum() / weight.sum() if reduction == "mean" else reduce_loss(loss, reduction)


def _checked(weight: Tensor, input: Tensor) -> Tensor:
    if weight.array.shape != input.array.shape:
        raise ValueError(f"Weights and input must have the same size, got {weight.array.shape} and {input.array.shape}")
    return weight
