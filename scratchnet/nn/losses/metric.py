"""Losses that make distances mean something: triplets mined from a batch, pairs, centres of classes, two views."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.nn.modules.factory import positive, unset
from scratchnet.nn.modules.loss import _Loss
from scratchnet.ops.elementwise import check_tensor

__all__ = [
    "BatchTripletLoss", "CenterLoss", "ContrastiveLoss", "NTXentLoss",
    "batch_triplet_loss", "center_loss", "contrastive_loss", "nt_xent_loss",
]  # fmt: skip


def batch_triplet_loss(
    input: Tensor, target: Tensor, margin: float | str = 0.3, mining: str = "hard", reduction: str = "mean"
) -> Tensor:
    """φ(D(a, p) − D(a, n)) of triplets within a batch, φ(d) = max(0, m + d): D is the Euclidean distance.

    "hard"   for each anchor a the farthest p of its class and the nearest n of another; "mean" is over the anchors that
             have both
    "all"    all triplets; "mean" is over those with a loss, since soon the most have none and would drown the others

    With margin "soft" φ(d) = log(1 + eᵈ), which never is 0.

    Hermans, Beyer and Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017.

    Parameters
    ----------
    input : [N, D]
    target : integers [N], classes
    margin : m, or "soft"
    mining : "hard" or "all"
    reduction : "mean", "sum" or "none"

    Returns
    -------
    a number, which is 0 if there are no triplets; for "none" [N] with "hard" and [N, N, N] (a, p, n) with "all", 0 where
    there is no triplet

    Raises
    ------
    ValueError
        If the shapes do not fit, the margin is another word or negative, or mining or reduction are unknown.
    """
    check_reduction(reduction)
    x, t = _with_classes("batch_triplet_loss", input, target)
    if margin != "soft" and (isinstance(margin, str) or margin < 0):
        raise ValueError(f"batch_triplet_loss: margin must be 'soft' or a number that is not negative, got {margin!r}")
    if mining not in ("hard", "all"):
        raise ValueError(f"batch_triplet_loss: mining must be 'hard' or 'all', got {mining!r}")
    distance = ops.norm(x.unsqueeze(1) - x.unsqueeze(0), 2, -1)
    same = t[:, None] == t[None]
    alike = same & ~np.eye(len(t), dtype=bool, like=t)
    if mining == "hard":
        exists = alike.any(1) & (~same).any(1)
        gap = _hardest_gap(distance, alike, same) if len(t) else x.sum(1)  # there is no hardest of none
    else:
        exists = alike[:, :, None] & ~same[:, None]
        gap = distance.unsqueeze(2) - distance.unsqueeze(1)
    loss = -F.logsigmoid(-gap) if isinstance(margin, str) else F.relu(margin + gap)
    loss = loss * Tensor(exists.astype(x.array.dtype))
    counted = exists if mining == "hard" else loss.array > 0
    return loss.sum() / max(int(counted.sum()), 1) if reduction == "mean" else reduce_loss(loss, reduction)


def _hardest_gap(distance: Tensor, alike: Any, same: Any) -> Tensor:
    """D(a, p) − D(a, n) of the farthest p and the nearest n of each anchor a; any number where there is none."""
    far = np.where(alike, distance.array, -1).argmax(1)
    near = np.where(same, np.inf, distance.array).argmin(1)
    return (distance.gather(1, Tensor(far[:, None])) - distance.gather(1, Tensor(near[:, None]))).squeeze(1)


def contrastive_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """(1 − Y) · D² / 2 + Y · max(0, m − D)² / 2, with D = ‖x₁ − x₂‖, of pairs that are alike (Y = 0) or not (Y = 1).

    Hadsell, Chopra and LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006.

    Parameters
    ----------
    input1, input2 : [N, D], what a network makes of both halves of a pair (a siamese network)
    target : Y, [N]
    margin : m > 0
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ValueError
        If the shapes do not fit, the margin is not positive, or the reduction is unknown.
    """
    check_reduction(reduction)
    x1, x2 = require_float(input1, "contrastive_loss", "input1"), require_float(input2, "contrastive_loss", "input2")
    shape, labels = x1.array.shape, check_tensor(target, "contrastive_loss", "target").array
    if x2.array.shape != shape or labels.shape != shape[:-1]:
        raise ValueError(
            f"contrastive_loss: expected input1, input2 [N, D] and target [N], got {shape}, {x2.array.shape}, {labels.shape}"
        )
    if margin <= 0:
        raise ValueError(f"contrastive_loss: margin must be positive, got {margin}")
    distance = ops.norm(x1 - x2, 2, -1)
    apart = F.relu(margin - distance)
    return reduce_loss(((1 - target) * distance**2 + target * apart**2) / 2, reduction)


def center_loss(input: Tensor, target: Tensor, centers: Tensor, reduction: str = "mean") -> Tensor:
    """‖x − c_t‖² / 2, with c_t the centre of the true class t.

    Wen, Zhang, Li and Qiao, "A Discriminative Feature Learning Approach for Deep Face Recognition", 2016.

    Parameters
    ----------
    input : [N, D]
    target : integers [N], classes
    centers : [C, D]
    reduction : "mean", "sum" or "none"; the paper has the sum

    Raises
    ------
    ValueError
        If the shapes do not fit, or the reduction is unknown.
    IndexError
        If a target is no class.
    """
    check_reduction(reduction)
    x, _ = _with_classes("center_loss", input, target, centers)
    return reduce_loss(((x - centers[target]) ** 2).sum(1) / 2, reduction)


def nt_xent_loss(input1: Tensor, input2: Tensor, temperature: float = 0.5, reduction: str = "mean") -> Tensor:
    """−log (exp(s_ij / τ) / Σ_{k ≠ i} exp(s_ik / τ)), s the cosine of two of 2N vectors, i and j views of one example.

    Each of the 2N vectors is to find its other view among all others: the cross-entropy of InfoNCE (van den Oord, Li and
    Vinyals, 2018), both ways.

    Chen, Kornblith, Norouzi and Hinton, "A Simple Framework for Contrastive Learning of Visual Representations", 2020.

    Parameters
    ----------
    input1, input2 : [N, D], two views of each of N examples
    temperature : τ
    reduction : "mean", "sum" or "none"

    Returns
    -------
    a number, or [2N], first those of input1

    Raises
    ------
    ValueError
        If the shapes differ, the temperature is not positive, or the reduction is unknown.
    """
    check_reduction(reduction)
    x1, x2 = require_float(input1, "nt_xent_loss", "input1"), require_float(input2, "nt_xent_loss", "input2")
    if x1.array.shape != x2.array.shape or x1.array.ndim != 2:
        raise ValueError(
            f"nt_xent_loss: expected input1 and input2 of one shape [N, D], got {x1.array.shape} and {x2.array.shape}"
        )
    if temperature <= 0:
        raise ValueError(f"nt_xent_loss: temperature must be positive, got {temperature}")
    x, n = F.normalize(ops.cat([x1, x2]), dim=1), len(x1.array)
    itself = Tensor(np.eye(2 * n, dtype=bool, like=x.array))
    logits = (x @ x.transpose(0, 1) / temperature).masked_fill(itself, -float("inf"))
    return F.cross_entropy(logits, Tensor((np.arange(2 * n, like=x.array) + n) % (2 * n)), reduction=reduction)


def _with_classes(name: str, input: Tensor, target: Tensor, centers: Tensor | None = None) -> tuple[Tensor, Any]:
    """Vectors [N, D] and the array of their classes [N]."""
    x, t = require_float(input, name), check_tensor(target, name, "target").array
    if x.array.ndim != 2 or t.shape != x.array.shape[:1] or t.dtype.kind not in "iu":
        raise ValueError(
            f"{name}: expected input [N, D] and integer target [N], got {x.array.shape} and {t.dtype} {t.shape}"
        )
    if centers is not None:
        if centers.array.ndim != 2 or centers.array.shape[1] != x.array.shape[1]:
            raise ValueError(f"{name}: expected one vector [C, {x.array.shape[1]}] a class, got {centers.array.shape}")
        if t.size and (t.min() < 0 or t.max() >= len(centers.array)):
            raise IndexError(
                f"{name}: target {t.min()} … {t.max()} is out of bounds: there are {len(centers.array)} classes"
            )
    return x, t


class BatchTripletLoss(_Loss):
    """The triplet loss of mined triplets, see `batch_triplet_loss`."""

    function, settings = staticmethod(batch_triplet_loss), ("margin", "mining")

    def __init__(self, margin: float | str = 0.3, mining: str = "hard", reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin, self.mining = margin, mining


class ContrastiveLoss(_Loss):
    """The loss of pairs that are alike or not, see `contrastive_loss`."""

    function, settings = staticmethod(contrastive_loss), ("margin",)

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.margin = margin


class CenterLoss(_Loss):
    """‖x − c_t‖² / 2, see `center_loss`; the centres are a parameter, [num_classes, feat_dim], drawn from N(0, 1)."""

    def __init__(
        self, num_classes: int, feat_dim: int, reduction: str = "mean", device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(reduction=reduction)
        shape = positive(num_classes, "CenterLoss", "num_classes"), positive(feat_dim, "CenterLoss", "feat_dim")
        self.centers = init.normal_(unset(shape, device, dtype))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return center_loss(input, target, self.centers, self.reduction)

    @no_grad()
    def update(self, input: Tensor, target: Tensor, alpha: float = 0.5) -> None:
        """Move the centres as the paper does, instead of by an optimizer: c_j ← c_j − α · Σ (c_j − x) / (1 + n_j).

        The sum is over the n_j examples of class j; the 1 keeps classes with few of them from moving far.
        """
        x, t = _with_classes("CenterLoss.update", input, target, self.centers)
        counts = Tensor(np.bincount(t, minlength=len(self.centers.array)).astype(x.array.dtype))
        total = ops.zeros_like(self.centers).index_add(0, target, self.centers[target] - x)
        self.centers -= alpha * total / (1 + counts).unsqueeze(1)

    def extra_repr(self) -> str:
        return "num_classes={}, feat_dim={}".format(*self.centers.shape)


class NTXentLoss(_Loss):
    """SimCLR's loss of two views, see `nt_xent_loss`."""

    function, settings = staticmethod(nt_xent_loss), ("temperature",)

    def __init__(self, temperature: float = 0.5, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.temperature = temperature
