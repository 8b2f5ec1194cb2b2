"""The Jaccard index as a loss: Lovász's continuous extension of it, for many classes and for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.nn.losses.segmentation import probabilities_and_truth
from scratchnet.nn.modules.loss import _Loss
from scratchnet.ops.elementwise import check_tensor

__all__ = ["LovaszHingeLoss", "LovaszSoftmaxLoss", "lovasz_hinge_loss", "lovasz_softmax_loss"]


def lovasz_softmax_loss(
    input: Tensor,
    target: Tensor,
    classes: str | Sequence[int] = "present",
    per_image: bool = False,
    ignore_index: int = -100,
    from_logits: bool = True,
    reduction: str = "mean",
) -> Tensor:
    """Mean over the classes c of Δ̄_c(m), m_i = |t_ic − p_ic|: the Jaccard loss, made continuous.

    Δ_c(M) = |M| / |{t = c} ∪ M| is one minus the Jaccard index if the pixels M are wrong. Its Lovász extension Δ̄ is the
    convex hull of it: with the errors in descending order π, Δ̄(m) = Σ_i m_π(i) · (Δ({π₁ … π_i}) − Δ({π₁ … π_{i−1}})).

    Berman, Rannen Triki and Blaschko, "The Lovász-Softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks", 2018.

    Parameters
    ----------
    input, target, ignore_index, from_logits : as for `dice_loss`; the authors' own code takes probabilities
    classes : "present", "all" or classes
        Average over these; "present" are those that the target has.
    per_image : bool
        The loss of each image by itself, instead of all pixels of the batch together.
    reduction : "mean", "sum" or "none"
        Of the losses of the images; there is but one loss if not `per_image`.

    Returns
    -------
    a number, or [N] with `per_image` and reduction "none"

    Raises
    ------
    ValueError, IndexError
        As `dice_loss`; and if `classes` is another word.
    """
    name = "lovasz_softmax_loss"
    check_reduction(reduction)
    if isinstance(classes, str) and classes not in ("present", "all"):
        raise ValueError(f"{name}: classes must be 'present', 'all' or a sequence of classes, got {classes!r}")
    p, truth, counts = probabilities_and_truth(name, input, target, ignore_index, from_logits)
    errors, chosen = (Tensor(truth) - p).abs(), counts[:, 0] > 0

    def loss_of(images: slice) -> Tensor:
        keep = chosen[images]
        m, t = errors[images].transpose(1, 2)[Tensor(keep)], truth[images].swapaxes(1, 2)[keep]
        loss = (m * Tensor(_jaccard_slopes(m.array, t))).sum(0)
        if classes == "present":
            there = t.any(0)
            return (loss * Tensor(there.astype(t.dtype))).sum() / max(int(there.sum()), 1)
        return loss.mean() if classes == "all" else loss[list(classes)].mean()

    return _by_image(loss_of, len(truth), per_image, reduction)


def lovasz_hinge_loss(
    input: Tensor, target: Tensor, per_image: bool = True, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """Δ̄(m), m_i = max(0, 1 − s_i · x_i) with s_i = ±1: the Jaccard loss of foreground and background, made continuous.

    Parameters
    ----------
    input : [N, ...], logits of the foreground
    target : the same shape, 1 in the foreground and 0 outside
    per_image, ignore_index, reduction : as for `lovasz_softmax_loss`, where Δ̄ and the paper are found

    Raises
    ------
    ValueError
        If the shapes differ or the reduction is unknown.
    """
    check_reduction(reduction)
    x, t = require_float(input, "lovasz_hinge_loss"), check_tensor(target, "lovasz_hinge_loss", "target").array
    if t.shape != x.array.shape or t.ndim < 1:
        raise ValueError(f"lovasz_hinge_loss: expected target of input's shape {x.array.shape} [N, ...], got {t.shape}")

    def loss_of(images: slice) -> Tensor:
        keep = t[images] != ignore_index
        truth = t[images][keep].astype(x.array.dtype)
        errors = 1 - x[images][Tensor(keep)] * Tensor(2 * truth - 1)
        return (F.relu(errors) * Tensor(_jaccard_slopes(errors.array, truth))).sum()

    return _by_image(loss_of, len(t), per_image, reduction)


def _jaccard_slopes(errors: Any, truth: Any) -> Any:
    """∂Δ̄/∂m at the errors m [P, ...], whose order alone it depends on: by how much each pixel adds to the Jaccard loss
    when they become wrong one after the other, the worst first."""
    order = np.argsort(-errors, axis=0, kind="stable")
    right = np.take_along_axis(truth, order, 0)
    total = right.sum(0)
    loss = 1 - (total - right.cumsum(0)) / (total + (1 - right).cumsum(0))
    slopes = np.empty_like(loss)
    np.put_along_axis(slopes, order, np.diff(loss, axis=0, prepend=0), 0)
    return slopes


def _by_image(loss_of: Callable[[slice], Tensor], n: int, per_image: bool, reduction: str) -> Tensor:
    if not per_image:
        return loss_of(slice(None))
    if not n:
        return reduce_loss(loss_of(slice(0)).reshape(1)[:0], reduction)
    return reduce_loss(ops.stack([loss_of(slice(i, i + 1)) for i in range(n)]), reduction)


class LovaszSoftmaxLoss(_Loss):
    """The Jaccard loss of all classes, made continuous, see `lovasz_softmax_loss`."""

    function, settings = staticmethod(lovasz_softmax_loss), ("classes", "per_image", "ignore_index", "from_logits")

    def __init__(
        self,
        classes: str | Sequence[int] = "present",
        per_image: bool = False,
        ignore_index: int = -100,
        from_logits: bool = True,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.classes, self.per_image = classes, per_image
        self.ignore_index, self.from_logits = ignore_index, from_logits


class LovaszHingeLoss(_Loss):
    """The Jaccard loss of the foreground, made continuous, see `lovasz_hinge_loss`."""

    function, settings = staticmethod(lovasz_hinge_loss), ("per_image", "ignore_index")

    def __init__(self, per_image: bool = True, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.per_image, self.ignore_index = per_image, ignore_index
