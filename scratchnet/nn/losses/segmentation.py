"""Losses of segmentation that measure regions, not pixels: the coefficients of Dice and Tversky."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.cross_entropy import check_weight, chosen_weights
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.nn.modules.loss import _WeightedLoss
from scratchnet.ops.elementwise import check_tensor

__all__ = ["DiceLoss", "TverskyLoss", "dice_loss", "tversky_loss"]


def dice_loss(
    input: Tensor,
    target: Tensor,
    smooth: float = 1.0,
    power: float = 1.0,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    from_logits: bool = True,
    reduction: str = "mean",
) -> Tensor:
    """1 − (2 Σ p·t + s) / (Σ pᵏ + Σ tᵏ + s) for each class and image, averaged over the classes.

    p are the probabilities softmax(x), or σ(x) if there is one channel only. The sums are over the positions of one
    image. Half of Σ p + Σ t is what the regions have on average, so the fraction is Dice's coefficient 2 |P ∩ T| /
    (|P| + |T|), smoothed: a class that is neither there nor predicted has loss 0.

    Dice, "Measures of the Amount of Ecologic Association Between Species", 1945. Milletari, Navab and Ahmadi, "V-Net:
    Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation", 2016, who take k = 2 and s = 0.

    Parameters
    ----------
    input : [N, C, ...], logits
    target : integers [N, ...], classes from 0 to C − 1 (0 or 1 if C is 1), or [N, C, ...], ones at the true classes, or
        their probabilities
    smooth : s
        With 0 the loss is NaN where nothing is there, nothing is predicted, or all is ignored.
    power : k
    weight : [C], optional
        Makes the average over the classes a weighted one.
    ignore_index : int
        Positions of this class are left out of all sums.
    from_logits : bool
        False: the input are probabilities.
    reduction : "mean", "sum" or "none"

    Returns
    -------
    a number, or [N]

    Raises
    ------
    ValueError
        If the shapes do not fit or the reduction is unknown; an ignore_index is given for targets that are no classes.
    RuntimeError
        If the weight has not C elements.
    IndexError
        If a target is out of range.
    """
    check_reduction(reduction)
    index = _tversky_index("dice_loss", input, target, 0.5, 0.5, smooth / 2, power, ignore_index, from_logits)
    return _over_classes("dice_loss", 1 - index, weight, reduction)


def tversky_loss(
    input: Tensor,
    target: Tensor,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth: float = 1.0,
    gamma: float = 1.0,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    from_logits: bool = True,
    reduction: str = "mean",
) -> Tensor:
    """(1 − (TP + s) / (TP + α·FP + β·FN + s))^(1/γ) for each class and image, averaged over the classes.

    TP = Σ p·t, FP = Σ p·(1 − t), FN = Σ (1 − p)·t: α is the price of what is wrongly taken in, β of what is missed.
    α = β = ½ is Dice's coefficient, α = β = 1 Jaccard's. γ > 1 is the focal form, for which 4/3 is proposed: images that
    are nearly right keep more of their weight.

    Salehi, Erdogmus and Gholipour, "Tversky loss function for image segmentation using 3D fully convolutional deep
    networks", 2017. Abraham and Khan, "A Novel Focal Tversky Loss Function with Improved Attention U-Net for Lesion
    Segmentation", 2018.

    Parameters
    ----------
    alpha, beta, smooth, gamma : α, β, s, γ
    input, target, weight, ignore_index, from_logits, reduction : as for `dice_loss`

    Raises
    ------
    ValueError, RuntimeError, IndexError
        As `dice_loss`; and if γ is not positive.
    """
    check_reduction(reduction)
    if gamma <= 0:
        raise ValueError(f"tversky_loss: gamma must be positive, got {gamma}")
    loss = 1 - _tversky_index("tversky_loss", input, target, alpha, beta, smooth, 1.0, ignore_index, from_logits)
    if gamma != 1:
        loss = ops.clamp(loss, min=1e-7) ** (1 / gamma)  # a root has no slope at 0
    return _over_classes("tversky_loss", loss, weight, reduction)


def _tversky_index(
    name: str, input: Tensor, target: Tensor, alpha: float, beta: float, smooth: float, power: float,
    ignore_index: int, from_logits: bool,
) -> Tensor:  # fmt: skip
    """(TP + s) / (TP + α·FP + β·FN + s), [N, C], with FP = Σ pᵏ − TP and FN = Σ tᵏ − TP."""
    p, truth, counts = probabilities_and_truth(name, input, target, ignore_index, from_logits)
    p, truth = p * Tensor(counts), Tensor(truth * counts)
    both = (p * truth).sum(2)
    if power != 1:
        p, truth = p**power, truth**power
    only_p, only_t = p.sum(2) - both, truth.sum(2) - both
    return (both + smooth) / (both + alpha * only_p + beta * only_t + smooth)


def _over_classes(name: str, loss: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """From [N, C] to the (weighted) mean over the classes, reduced over the images."""
    if weight is None:
        return reduce_loss(loss.mean(1), reduction)
    check_weight(name, weight, loss.array.shape[1])
    return reduce_loss((loss * weight).sum(1) / weight.sum(), reduction)


def probabilities_and_truth(
    name: str, input: Tensor, target: Tensor, ignore_index: int, from_logits: bool
) -> tuple[Tensor, Any, Any]:
    """Probabilities and truth, [N, C, P], and an array that is 1 where a position counts and 0 elsewhere, [N, 1, P]."""
    x, t = require_float(input, name), check_tensor(target, name, "target").array
    shape = x.array.shape
    if len(shape) < 2:
        raise ValueError(f"{name}: expected input of shape [N, C, ...], got {shape}")
    n, classes = shape[:2]
    flat = (n, classes, int(np.prod(shape[2:])))
    if t.shape == shape:
        if ignore_index >= 0:
            raise ValueError(
                f"{name}: ignore_index={ignore_index} needs a target of classes, but target has input's shape"
            )
        truth, counts = t.reshape(flat).astype(x.array.dtype), np.ones_like(x.array, shape=(n, 1, flat[2]))
    elif t.shape == (n, *shape[2:]) and t.dtype.kind in "iub":
        _, labels, ones = chosen_weights(t.reshape(n, 1, flat[2]), None, ignore_index, x.array.dtype, max(classes, 2))
        kinds = np.arange(classes, like=t) if classes > 1 else np.ones_like(t, shape=1)
        truth, counts = (labels == kinds[:, None]).astype(x.array.dtype), ones
    else:
        raise ValueError(
            f"{name}: expected a target of integer classes {(n, *shape[2:])}, or of input's shape {shape}, "
            f"got {t.dtype} {t.shape}"
        )
    if from_logits:
        x = F.softmax(x, 1) if classes > 1 else ops.sigmoid(x)
    return x.reshape(flat), truth, counts


class DiceLoss(_WeightedLoss):
    """1 − Dice's coefficient of each class, see `dice_loss`."""

    function, settings = staticmethod(dice_loss), ("smooth", "power", "weight", "ignore_index", "from_logits")

    def __init__(
        self,
        smooth: float = 1.0,
        power: float = 1.0,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        from_logits: bool = True,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.smooth, self.power, self.ignore_index, self.from_logits = smooth, power, ignore_index, from_logits


class TverskyLoss(_WeightedLoss):
    """1 − Tversky's index of each class, see `tversky_loss`; with γ > 1 the focal form of it."""

    function = staticmethod(tversky_loss)
    settings = ("alpha", "beta", "smooth", "gamma", "weight", "ignore_index", "from_logits")

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        smooth: float = 1.0,
        gamma: float = 1.0,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        from_logits: bool = True,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction=reduction)
        self.alpha, self.beta, self.smooth, self.gamma = alpha, beta, smooth, gamma
        self.ignore_index, self.from_logits = ignore_index, from_logits
