"""Losses of the hardest examples alone: online hard example mining, and SSD's negatives, three for each positive."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.cross_entropy import check_class_targets
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.nn.module import Module
from scratchnet.nn.modules.loss import _WeightedLoss
from scratchnet.ops.elementwise import check_tensor

__all__ = ["MultiBoxLoss", "OHEMCrossEntropyLoss", "hard_negative_mining", "multi_box_loss", "ohem_cross_entropy"]


def ohem_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    thresh: float = 0.7,
    min_kept: int | float = 1 / 16,
    reduction: str = "mean",
) -> Tensor:
    """Cross-entropy of the hard examples: those whose true class has p_t < thresh, and no fewer than the k hardest.

    With thresh = 0 it is that of the k hardest ("top-k"), with min_kept = 0 that of all below the threshold.

    Shrivastava, Gupta and Girshick, "Training Region-based Object Detectors with Online Hard Example Mining", 2016. The
    threshold is from Wu, Shen and van den Hengel, "Bridging Category-level and Instance-level Semantic Image
    Segmentation", 2016.

    Parameters
    ----------
    input : [N, C] or [N, C, d1, ...], logits
    target : [N] or [N, d1, ...], int64 classes
    weight : [C], optional
        Weight of each class; which examples are hard does not depend on it.
    ignore_index : int
        A class that counts nothing.
    thresh : float
        A probability, from 0 to 1.
    min_kept : int or float
        k; a float, from 0 to 1, is a part of the examples that count (of the whole batch), rounded up.
    reduction : "mean", "sum" or "none"
        The mean is over what is kept, and 0 if that is nothing; "none" has zeros elsewhere.

    Raises
    ------
    ValueError, RuntimeError, IndexError
        As `functional.cross_entropy`, but that probabilities are no targets; ValueError if thresh or min_kept is out of range.
    """
    check_reduction(reduction)
    if not 0 <= thresh <= 1:
        raise ValueError(f"ohem_cross_entropy: thresh must be from 0 to 1, got {thresh}")
    if min_kept < 0 or (isinstance(min_kept, float) and min_kept > 1):
        raise ValueError(f"ohem_cross_entropy: min_kept must be an int >= 0 or a float from 0 to 1, got {min_kept}")
    check_class_targets("ohem_cross_entropy", require_float(input, "ohem_cross_entropy"), target, weight)
    loss = F.cross_entropy(input, target, weight, ignore_index=ignore_index, reduction="none")
    unweighted = loss if weight is None else F.cross_entropy(
        input.detach(), target, ignore_index=ignore_index, reduction="none"
    )  # fmt: skip
    counts = target.array != ignore_index
    k = int(np.ceil(min_kept * counts.sum())) if isinstance(min_kept, float) else min_kept
    below = unweighted.array > -np.log(thresh) if thresh > 0 else np.zeros_like(counts)
    kept = counts & (below | _hardest(unweighted.array.reshape(1, -1), counts.reshape(1, -1), k).reshape(counts.shape))
    loss = loss * Tensor(kept.astype(loss.array.dtype))
    return loss.sum() / max(int(kept.sum()), 1) if reduction == "mean" else reduce_loss(loss, reduction)


def _hardest(loss: Any, candidates: Any, k: Any) -> Any:
    """Where the k largest losses of each row are, among the candidates; of equal ones the first."""
    order = np.argsort(np.where(candidates, -loss, np.inf), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(loss.shape[1], like=order), order.shape), 1)
    return candidates & (rank < k)


def hard_negative_mining(loss: Tensor, positive: Tensor, neg_pos_ratio: float = 3.0) -> Tensor:
    """Which examples to train on: all positive ones, and of each image the hardest negative ones, so many for each.

    As SSD does, see `multi_box_loss`.

    Parameters
    ----------
    loss : [N, P], of P boxes in each of N images
    positive : bool [N, P]
    neg_pos_ratio : float
        Negative boxes for each positive one of the same image.

    Returns
    -------
    bool [N, P]

    Raises
    ------
    ValueError
        If the shapes differ or have not two dimensions.
    """
    name = "hard_negative_mining"
    losses, chosen = check_tensor(loss, name, "loss").array, check_tensor(positive, name, "positive").array
    if losses.ndim != 2 or chosen.shape != losses.shape:
        raise ValueError(f"{name}: expected loss and positive of shape [N, P], got {losses.shape} and {chosen.shape}")
    is_positive = chosen.astype(bool)
    return Tensor(is_positive | _hardest(losses, ~is_positive, neg_pos_ratio * is_positive.sum(1, keepdims=True)))


def multi_box_loss(
    confidence: Tensor,
    locations: Tensor,
    target: Tensor,
    target_locations: Tensor,
    neg_pos_ratio: float = 3.0,
    alpha: float = 1.0,
) -> Tensor:
    """(L_conf + α · L_loc) / N, with N the number of positive boxes in the batch, or 1 if there are none.

    L_loc is `smooth_l1_loss` of the positive boxes, L_conf the cross-entropy of these and of the background boxes that
    are the most mistaken, three for each positive one.

    Liu, Anguelov, Erhan, Szegedy, Reed, Fu and Berg, "SSD: Single Shot MultiBox Detector", 2015.

    Parameters
    ----------
    confidence : [N, P, C], logits of the classes, of which 0 is the background
    locations, target_locations : [N, P, 4], offsets
    target : [N, P], int64 classes
    neg_pos_ratio : float
    alpha : α

    Returns
    -------
    a number

    Raises
    ------
    ValueError
        If a shape does not fit.
    IndexError
        If a target is no class.
    """
    shape = require_float(confidence, "multi_box_loss", "confidence").array.shape
    for name, x, expected in (
        ("target", target, shape[:2]), ("locations", locations, (*shape[:2], 4)),
        ("target_locations", target_locations, (*shape[:2], 4)),
    ):  # fmt: skip
        if len(shape) != 3 or check_tensor(x, "multi_box_loss", name).array.shape != expected:
            raise ValueError(
                f"multi_box_loss: confidence {shape}, expected to be [N, P, C], expects {name} of shape {expected}, "
                f"got {x.array.shape}"
            )
    positive = target > 0
    mistakes = F.cross_entropy(confidence.transpose(1, 2), target, reduction="none")
    trained = hard_negative_mining(mistakes, positive, neg_pos_ratio)
    of_place = F.smooth_l1_loss(locations[positive], target_locations[positive], reduction="sum")
    return (mistakes[trained].sum() + alpha * of_place) / max(int(positive.array.sum()), 1)


class OHEMCrossEntropyLoss(_WeightedLoss):
    """Cross-entropy of the hard examples alone, see `ohem_cross_entropy`."""

    function, settings = staticmethod(ohem_cross_entropy), ("weight", "ignore_index", "thresh", "min_kept")

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        thresh: float = 0.7,
        min_kept: int | float = 1 / 16,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.ignore_index, self.thresh, self.min_kept = ignore_index, thresh, min_kept


class MultiBoxLoss(Module):
    """SSD's loss of confidence and location, see `multi_box_loss`."""

    def __init__(self, neg_pos_ratio: float = 3.0, alpha: float = 1.0) -> None:
        super().__init__()
        self.neg_pos_ratio, self.alpha = neg_pos_ratio, alpha

    def forward(self, confidence: Tensor, locations: Tensor, target: Tensor, target_locations: Tensor) -> Tensor:
        return multi_box_loss(confidence, locations, target, target_locations, self.neg_pos_ratio, self.alpha)
