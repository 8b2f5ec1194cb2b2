"""Losses of classification: negative log-likelihood and cross-entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import kernels, ops
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import chosen
from scratchnet.nn.functional.softmax import log_softmax, softmax
from scratchnet.ops.elementwise import check_tensor


class CrossEntropy(Function):
    """loss = −(1 − ε) · w_t log p_t − ε/C · Σ_c w_c log p_c  at each position of x [N, C, ...], with p = softmax(x), class t.

    With g = dL/dloss:  dL/dx_c = g · ((1 − ε) · w_t · (p_c − [c = t]) + ε/C · (p_c · Σ_k w_k − w_c))

    What is ignored has neither loss nor gradient. "mean" divides the sum by Σ w_t.
    """

    reads = ((0,),)
    notes = ("statistics", "total")

    def __init__(self, target: Any, weight: Any, ignore_index: int, reduction: str, smoothing: float) -> None:
        self.target, self.weight, self.ignore_index = target, weight, ignore_index
        self.reduction, self.smoothing = reduction, smoothing

    def settings(self) -> tuple:
        return self.weight, self.ignore_index, self.reduction, self.smoothing

    def forward(self, x: Any) -> Any:
        target = _flat(self.target, 1)
        loss, self.statistics, self.total = kernels.cross_entropy(_flat(x, 2), target, *self.settings())
        return loss.reshape(self.target.shape) if self.reduction == "none" else loss

    def backward(self, g: Tensor) -> Tensor:
        (x,) = self.inputs
        classes, dtype = x.array.shape[1], x.array.dtype
        counts, t, weights = chosen_weights(self.target, self.weight, self.ignore_index, dtype)
        smooth = np.where(counts, self.smoothing / classes, 0)[:, None]
        if self.reduction == "mean" and counts.any():
            smooth, weights = smooth / weights.sum(), weights / weights.sum()
        weight = np.ones(classes, dtype) if self.weight is None else self.weight
        sharp = (1 - self.smoothing) * weights[:, None]
        truth = smooth * weight.reshape(-1, *(1,) * (x.ndim - 2))
        np.put_along_axis(truth, t[:, None], np.take_along_axis(truth, t[:, None], 1) + sharp, 1)
        whole = sharp + smooth * weight.sum()
        slope = softmax(x, 1) * Tensor(whole.astype(dtype)) - Tensor(truth.astype(dtype))
        return slope * (g.unsqueeze(1) if self.reduction == "none" else g)

    def fused_backward(self, g: Any) -> Any:
        (x,) = self.inputs
        g = g.reshape(g.shape and _flat(self.target, 1).shape)
        gx = kernels.cross_entropy_backward(
            g, _flat(x, 2), _flat(self.target, 1), self.statistics, self.total, *self.settings()
        )
        return gx.reshape(x.shape)


class NegativeLogLikelihood(Function):
    """loss = −w_t · x_t  at each position of x [N, C, ...], with class t.  dL/dx_c = −g · w_t where c = t, else 0

    What is ignored has neither loss nor gradient. "mean" divides the sum by Σ w_t.
    """

    reads = NOTHING

    def __init__(self, target: Any, weight: Any, ignore_index: int, reduction: str) -> None:
        self.target, self.weight, self.ignore_index, self.reduction = target, weight, ignore_index, reduction

    def forward(self, x: Any) -> Any:
        self.input_shape, classes = x.shape, x.shape[1]
        counts, self.classes, weights = chosen_weights(self.target, self.weight, self.ignore_index, x.dtype, classes)
        # an ignored −∞ must not become NaN
        loss = np.where(counts, np.take_along_axis(x, self.classes[:, None], 1)[:, 0] * -weights, x.dtype.type(0))
        self.slope = -weights
        if self.reduction == "none":
            return loss
        total = loss.sum()
        if self.reduction == "mean":
            self.slope = np.where(counts, self.slope / weights.sum(), 0).astype(x.dtype)
            total = total / weights.sum()
        return np.asarray(total, like=x)

    def backward(self, g: Tensor) -> Tensor:
        zeros = Tensor(np.zeros(self.input_shape, self.slope.dtype, like=self.slope))
        return ops.scatter(zeros, 1, Tensor(self.classes[:, None]), (g * Tensor(self.slope)).unsqueeze(1))

    def fused_backward(self, g: Any) -> Any:
        gx = np.zeros(self.input_shape, self.slope.dtype, like=self.slope)
        np.put_along_axis(gx, self.classes[:, None], (g * self.slope)[:, None], 1)
        return gx


def _flat(x: Any, dims: int) -> Any:
    """The dimensions after the first `dims` as one, if there are any."""
    return x if x.ndim <= dims else x.reshape(*x.shape[:dims], math.prod(x.shape[dims:]))


def chosen_weights(target: Any, weight: Any, ignore_index: int, dtype: Any, classes: int | None = None) -> tuple:
    """Where targets count, the classes (0 where they do not), and the weights of these classes (0 likewise)."""
    counts = target != ignore_index
    if classes is not None:
        wrong = ((target < 0) | (target >= classes)) & counts
        if wrong.any():
            raise IndexError(f"Target {target[wrong].flat[0]} is out of bounds: there are {classes} classes")
    t = np.where(counts, target, 0).astype(np.int64)
    return counts, t, counts.astype(dtype) if weight is None else np.where(counts, weight[t], 0).astype(dtype)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood: −w[t] · x[t] for the true class t.

    Parameters
    ----------
    input : [N, C], [C] or [N, C, d1, ...]
        Log-probabilities of the classes.
    target : [N], [] or [N, d1, ...], int64
        True classes.
    weight : [C], optional
        Weight of each class; not differentiated.
    ignore_index : int
        A class that counts nothing.
    reduction : "mean", "sum" or "none"
        The mean is weighted: Σ loss / Σ w[t].

    Raises
    ------
    ValueError, RuntimeError, IndexError
        If shapes or dtypes do not fit; if a target is no class.
    """
    reduction = chosen(reduction, size_average, reduce)
    check_tensor(input, "nll_loss")
    check_class_targets("nll_loss", input, target, weight)
    operation = NegativeLogLikelihood(*_batched(input, target, weight), ignore_index, reduction)
    return _of_batch(operation, input, reduction)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of softmax(x) against true classes, −w[t] · log softmax(x)[t], or against probabilities.

    With smoothing ε the truth is (1 − ε) · what is given + ε / C (Szegedy et al., "Rethinking the Inception
    Architecture for Computer Vision", 2015).

    Parameters
    ----------
    input : [N, C], [C] or [N, C, d1, ...]
        Logits.
    target : [N], [] or [N, d1, ...] of int64, or floats of the input's shape
        True classes, or probabilities of the classes.
    weight, ignore_index, reduction
        As for `nll_loss`; `ignore_index` is not for probabilities, whose mean is over N · d1 · … .
    label_smoothing : float
        ε, from 0 to 1.

    Raises
    ------
    ValueError, RuntimeError, IndexError
        If shapes or dtypes do not fit; if a target is no class.
    """
    reduction = chosen(reduction, size_average, reduce)
    require_float(input, "cross_entropy")
    check_tensor(target, "cross_entropy", "target")
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if input.array.ndim == 0:
        raise RuntimeError(
            "cross_entropy: expected input of shape [N, C], [C] or [N, C, d1, ...], got a 0-dimensional one"
        )
    class_dim = 0 if input.array.ndim == 1 else 1
    if target.array.shape == input.array.shape:
        return _against_probabilities(input, target, weight, ignore_index, reduction, label_smoothing, class_dim)
    check_class_targets("cross_entropy", input, target, weight)
    operation = CrossEntropy(*_batched(input, target, weight), ignore_index, reduction, label_smoothing)
    return _of_batch(operation, input, reduction)


def _batched(input: Tensor, target: Tensor, weight: Tensor | None) -> tuple[Any, Any]:
    """The arrays of target, with a batch dimension, and weight."""
    t = target.array
    return (t.reshape(1) if input.array.ndim == 1 else t), None if weight is None else weight.array


def _of_batch(operation: Function, input: Tensor, reduction: str) -> Tensor:
    """A loss of [N, C, ...], applied to that or to the logits [C] of one example."""
    if input.array.ndim > 1:
        return operation(input)
    loss = operation(input.unsqueeze(0))
    return loss.squeeze(0) if reduction == "none" else loss


def _against_probabilities(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
    class_dim: int,
) -> Tensor:
    if target.array.dtype.kind != "f":
        raise RuntimeError(
            f"cross_entropy: Expected floating point type for target with class probabilities, got {target.array.dtype}"
        )
    if ignore_index >= 0:
        raise RuntimeError("cross_entropy: ignore_index is not supported for floating point target")
    classes = input.array.shape[class_dim]
    check_weight("cross_entropy", weight, classes)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    log_p = log_softmax(input, class_dim)
    if weight is not None:
        log_p = log_p * _along_classes(weight, log_p)
    loss = -(log_p * target)
    if reduction == "mean":
        return loss.sum() / (loss.array.size / classes if classes else float("nan"))
    return loss.sum(class_dim) if reduction == "none" else loss.sum()


def _along_classes(weight: Tensor, x: Tensor) -> Tensor:
    return weight.reshape(-1, *(1,) * max(x.array.ndim - 2, 0))


def check_class_targets(name: str, x: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """Refuse targets that do not fit the input [N, C, d1, ...], and weights that are not one for each class."""
    t, shape = check_tensor(target, name, "target").array, x.array.shape
    if not shape:
        raise ValueError(f"{name}: expected input of 1 or more dimensions, got a 0-dimensional one")
    expected = (shape[0], *shape[2:]) if len(shape) > 1 else ()
    if t.shape != expected:
        kind = ValueError if expected and t.ndim and t.shape[0] != expected[0] else RuntimeError
        raise kind(f"{name}: input of shape {shape} expects target of shape {expected} (or {shape}), got {t.shape}")
    if t.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"{name}: expected target of dtype int64 (classes), got {t.dtype}; convert it with .long()")
    classes = shape[1] if len(shape) > 1 else shape[0]
    check_weight(name, weight, classes)
    if weight is not None and weight.array.dtype != x.array.dtype:
        raise RuntimeError(f"{name}: expected weight of dtype {x.array.dtype}, got {weight.array.dtype}")


def check_weight(name: str, weight: Tensor | None, classes: int) -> None:
    """Refuse weights that are not one for each class."""
    if weight is None:
        return
    if check_tensor(weight, name, "weight").array.shape != (classes,):
        raise RuntimeError(
            f"{name}: weight tensor should be defined either for all {classes} classes or no classes but "
            f"got weight tensor of shape {weight.array.shape}"
        )
