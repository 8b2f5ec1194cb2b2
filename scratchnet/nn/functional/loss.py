"""Losses of regression."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.function import INPUTS, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.loss_regression import (
    absolute_error,
    absolute_error_backward,
    huber_error,
    huber_error_backward,
    squared_error,
    squared_error_backward,
)
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import check_reduction, chosen, reduce_loss
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.promotion import promote


class PairError(Function):
    """A loss of a − b by a kernel.  dL/da = g · slope(a − b),  dL/db = −dL/da

    A subclass names the kernels of the loss and of its gradient to a, and has the slope.
    """

    reads = INPUTS
    value: Any
    gradient: Any

    def __init__(self, *parameters: float) -> None:
        self.parameters = parameters

    def slope(self, d: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, a: Any, b: Any) -> Any:
        return self.value(*np.broadcast_arrays(a, b), *self.parameters)

    def backward(self, g: Tensor) -> tuple:
        a, b = self.inputs
        slope = g * self.slope(a - b)
        return slope, -slope

    def fused_backward(self, g: Any) -> tuple:
        slope = self.gradient(g, *np.broadcast_arrays(*self.inputs), *self.parameters)
        need_a, need_b = self.needs_input_grad
        return slope if need_a else None, -slope if need_b else None


class SquaredError(PairError):
    """y = (a − b)².  dL/da = 2 g (a − b),  dL/db = −dL/da"""

    value, gradient = squared_error, squared_error_backward

    def slope(self, d: Tensor) -> Tensor:
        return d * 2.0


class AbsoluteError(PairError):
    """y = |a − b|.  dL/da = g · sign(a − b),  dL/db = −dL/da"""

    value, gradient = absolute_error, absolute_error_backward

    def slope(self, d: Tensor) -> Tensor:
        return ops.sign(d)


class HuberError(PairError):
    """y = s · m · (|a − b| − m / 2), m = min(|a − b|, δ): a parabola, and from δ on its tangent; the scale s is a number.

    dL/da = g · s · (a − b, at least −δ and at most δ),  dL/db = −dL/da
    """

    value, gradient = huber_error, huber_error_backward

    def slope(self, d: Tensor) -> Tensor:
        delta, scale = self.parameters
        return ops.clamp(d, -delta, delta) * scale


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

    Raises
    ------
    NotImplementedError
        If the inputs are not floating-point numbers.
    ValueError
        If the reduction is unknown, or the weight has another shape than the input.
    """
    reduction = chosen(reduction, size_average, reduce)
    x, t = _pair("mse_loss", input, target)
    return _weighted(SquaredError()(require_float(x, "mse_loss"), t), reduction, weight, input)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Absolute error, |x − t|. Parameters and errors as for `mse_loss`, but integers are allowed."""
    reduction = chosen(reduction, size_average, reduce)
    x, t = _pair("l1_loss", input, target)
    loss = AbsoluteError()(x, t) if x.array.dtype.kind == "f" else abs(x - t)
    return _weighted(loss, reduction, weight, input)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """|x − t| − β/2, but (x − t)² / 2β where |x − t| < β: `huber_loss` / β, or `l1_loss` if β = 0.

    Girshick, "Fast R-CNN", 2015. Parameters and errors as for `mse_loss`.

    Raises
    ------
    RuntimeError
        If beta is negative.
    """
    reduction = chosen(reduction, size_average, reduce)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    x, t = _pair("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    return reduce_loss(HuberError(beta, 1 / beta)(require_float(x, "smooth_l1_loss"), t), reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """δ · (|x − t| − δ/2), but (x − t)² / 2 where |x − t| ≤ δ.

    Huber, "Robust Estimation of a Location Parameter", 1964. Parameters and errors as for `mse_loss`; but the mean of
    weighted losses is divided by their number, as in torch.

    Raises
    ------
    RuntimeError
        If delta is not positive.
    """
    check_reduction(reduction)
    x, t = _pair("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    loss = HuberError(delta, 1.0)(require_float(x, "huber_loss"), t)
    return reduce_loss(loss if weight is None else loss * _checked(weight, input), reduction)


def _pair(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in one dtype; a warning if their shapes differ."""
    x, t = check_tensor(input, name), check_tensor(target, name, "target")
    if x.array.shape != t.array.shape:
        warnings.warn(
            f"Using a target size ({t.array.shape}) that is different to the input size ({x.array.shape}). This will likely "
            "lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,  # the line that calls the loss
        )
        ops.broadcast_shapes(x.array.shape, t.array.shape)  # raises if there is none
    if x.array.dtype != t.array.dtype:
        x, t = promote(x, t, function=name)
    return x, t


def _weighted(loss: Tensor, reduction: str, weight: Tensor | None, input: Tensor) -> Tensor:
    if weight is None:
        return reduce_loss(loss, reduction)
    loss = loss * _checked(weight, input)
    return loss.sum() / weight.sum() if reduction == "mean" else reduce_loss(loss, reduction)


def _checked(weight: Tensor, input: Tensor) -> Tensor:
    if weight.array.shape != input.array.shape:
        raise ValueError(f"Weights and input must have the same size, got {weight.array.shape} and {input.array.shape}")
    return weight
