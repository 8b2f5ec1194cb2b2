"""Focal losses: what is easy counts little. And weights for classes of which there are many or few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.device import check_device
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.cross_entropy import check_class_targets
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.nn.modules.loss import _Loss, _WeightedLoss
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.promotion import get_default_dtype

__all__ = ["FocalLoss", "SigmoidFocalLoss", "class_balanced_weights", "focal_loss", "sigmoid_focal_loss"]


def sigmoid_focal_loss(
    inputs: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
    *,
    two_sided: bool = False,
) -> Tensor:
    """−α_t · (1 − p_t)^γ · log p_t, with p_t = σ(x) for the answer 1 and 1 − σ(x) for 0; as in torchvision.

    α_t is α for the answer 1 and 1 − α for 0. The factor (1 − p_t)^γ takes weight from examples that are right already.

    Two-sided, the factor is (4 · p_t · (1 − p_t))^γ: 1 where the network does not know, p_t = 1/2, and small where it is
    certain, rightly or wrongly, for the latter may be wrong labels. It weighs by uncertainty and is itself a constant
    to the gradient: if it were not, growing more certain of a wrong answer would lower the loss.

    Lin, Goyal, Girshick, He and Dollár, "Focal Loss for Dense Object Detection", 2017.

    Parameters
    ----------
    inputs : logits x, of any shape
    targets : 0 or 1, or between, of the same shape
    alpha : α, from 0 to 1; or −1 for no such weight
    gamma : γ ≥ 0
    reduction : "none", "mean" or "sum"

    Raises
    ------
    ValueError
        If the shapes differ, the reduction is unknown, α is no weight, or γ is negative.
    """
    check_reduction(reduction)
    if alpha != -1 and not 0 <= alpha <= 1:
        raise ValueError(f"sigmoid_focal_loss: alpha must be from 0 to 1, or -1 for no weight, got {alpha}")
    t = targets
    loss = F.binary_cross_entropy_with_logits(inputs, t, reduction="none")
    wrong = t * ops.sigmoid(-inputs) + (1 - t) * ops.sigmoid(inputs)  # 1 − p_t, without taking p_t from 1
    loss = loss * _focus("sigmoid_focal_loss", wrong, gamma, two_sided)
    return reduce_loss(loss if alpha == -1 else loss * (alpha * t + (1 - alpha) * (1 - t)), reduction)


def focal_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    gamma: float = 2,
    ignore_index: int = -100,
    reduction: str = "mean",
    *,
    two_sided: bool = False,
) -> Tensor:
    """−w_t · (1 − p_t)^γ · log p_t, with p_t the probability softmax(x)_t of the true class t.

    Parameters
    ----------
    input : [N, C] or [N, C, d1, ...], logits
    target : [N] or [N, d1, ...], int64 classes
    weight : [C], optional
        α of each class, e.g. `class_balanced_weights`.
    gamma, two_sided : see `sigmoid_focal_loss`, where the paper is found too
    ignore_index : int
        A class that counts nothing.
    reduction : "mean", "sum" or "none"
        The mean is over all that counts; weights do not change by what is divided, in contrast to `cross_entropy`.

    Raises
    ------
    ValueError, RuntimeError, IndexError
        As `functional.cross_entropy`, but that probabilities are no targets; ValueError if γ is negative.
    """
    check_reduction(reduction)
    check_class_targets("focal_loss", require_float(input, "focal_loss"), target, weight)
    loss = F.cross_entropy(input, target, ignore_index=ignore_index, reduction="none")
    factor = _focus("focal_loss", -ops.expm1(-loss), gamma, two_sided)
    counts = target.array != ignore_index
    if weight is not None:
        factor = factor * weight.take(Tensor(np.where(counts, target.array, 0)))
    loss = loss * factor
    return loss.sum() / int(counts.sum()) if reduction == "mean" else reduce_loss(loss, reduction)


def _focus(name: str, wrong: Tensor, gamma: float, two_sided: bool) -> Tensor:
    """What the loss is multiplied with where the probability of the wrong is this."""
    if gamma < 0:
        raise ValueError(f"{name}: gamma must not be negative, got {gamma}")
    if two_sided:
        wrong = wrong.detach()
        return (4 * wrong * (1 - wrong)) ** gamma
    # a root has no slope at 0, but the loss has: it is 0 there too
    return ops.clamp(wrong, min=float(np.finfo(wrong.array.dtype).tiny)) ** gamma


def class_balanced_weights(
    samples_per_class: Tensor | Sequence[float], beta: float = 0.9999, device: Any = None, dtype: Any = None
) -> Tensor:
    """(1 − β) / (1 − βⁿ) for n samples of a class, scaled so that the weights of all classes add up to their number.

    (1 − βⁿ) / (1 − β) is the effective number of samples: each new one adds less than the one before, for it may show
    what is known. β = 0 gives equal weights, β → 1 weights of 1 / n. Classes without samples have weight 0.

    Cui, Jia, Lin, Song and Belongie, "Class-Balanced Loss Based on Effective Number of Samples", 2019.

    Parameters
    ----------
    samples_per_class : [C]
    beta : β, at least 0 and less than 1

    Returns
    -------
    [C], to be the weight of `focal_loss`, `functional.cross_entropy`, …

    Raises
    ------
    ValueError
        If β is out of range, or a number of samples is negative, or all are 0.

    Examples
    --------
    >>> class_balanced_weights([1, 10, 100], beta=0.9)
    tensor([2.3932, 0.3674, 0.2393])
    """
    check_device(device)
    given = samples_per_class.array if isinstance(samples_per_class, Tensor) else np.asarray(samples_per_class)
    if not 0 <= beta < 1:
        raise ValueError(f"class_balanced_weights: beta must be at least 0 and less than 1, got {beta}")
    if given.ndim != 1 or (given < 0).any() or not given.any():
        raise ValueError(f"class_balanced_weights: expected numbers of samples [C], not all of them 0, got {given}")
    n = given.astype(np.float64)
    effective = np.where(n > 0, 1.0, 0.0) if beta == 0 else -np.expm1(n * np.log(beta))
    weights = np.where(n > 0, (1 - beta) / np.where(n > 0, effective, 1), 0)
    return Tensor((weights / weights.sum() * len(n)).astype(get_default_dtype() if dtype is None else as_dtype(dtype)))


class SigmoidFocalLoss(_Loss):
    """−α_t · (1 − p_t)^γ · log p_t for yes and no, see `sigmoid_focal_loss`."""

    function, settings = staticmethod(sigmoid_focal_loss), ("alpha", "gamma", "two_sided")

    def __init__(
        self, alpha: float = 0.25, gamma: float = 2, reduction: str = "mean", *, two_sided: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.alpha, self.gamma, self.two_sided = alpha, gamma, two_sided


class FocalLoss(_WeightedLoss):
    """−w_t · (1 − p_t)^γ · log p_t for classes, see `focal_loss`."""

    function, settings = staticmethod(focal_loss), ("weight", "gamma", "ignore_index", "two_sided")

    def __init__(
        self,
        weight: Tensor | None = None,
        gamma: float = 2,
        ignore_index: int = -100,
        reduction: str = "mean",
        *,
        two_sided: bool = False,
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.gamma, self.ignore_index, self.two_sided = gamma, ignore_index, two_sided
