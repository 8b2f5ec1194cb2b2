"""Softmax of cosines with a margin for the true class: ArcFace adds it to the angle, CosFace to the cosine."""

from __future__ import annotations

import math
from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.cross_entropy import check_class_targets
from scratchnet.nn.functional.reduction import check_reduction
from scratchnet.nn.modules.factory import positive, unset
from scratchnet.nn.modules.loss import _Loss

__all__ = ["ArcFaceLoss", "CosFaceLoss", "angular_margin_loss"]


def angular_margin_loss(
    input: Tensor,
    weight: Tensor,
    target: Tensor,
    scale: float = 64.0,
    angle_margin: float = 0.5,
    cosine_margin: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Cross-entropy of the logits s · cos θ_j, but s · (cos(θ_t + m) − m') for the true class t.

    θ_j is the angle between x and the weight vector of class j. ArcFace is m = 0.5, m' = 0; CosFace m = 0, m' = 0.35.
    Where θ_t + m would be past π, and its cosine rise again, cos θ_t − m · sin m takes its place, which goes on falling.

    Deng, Guo, Xue and Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", 2019. Wang et al.,
    "CosFace: Large Margin Cosine Loss for Deep Face Recognition", 2018.

    Parameters
    ----------
    input : [N, D]
    weight : [C, D]
    target : [N], int64 classes
    scale : s
    angle_margin : m, in radians, from 0 to π
    cosine_margin : m'
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ValueError
        If a shape does not fit, a margin is out of range, or the reduction is unknown.
    RuntimeError
        If the targets are no int64 classes from 0 to C − 1.
    """
    check_reduction(reduction)
    require_float(input, "angular_margin_loss"), require_float(weight, "angular_margin_loss", "weight")
    if input.array.ndim != 2 or weight.array.ndim != 2 or input.array.shape[1] != weight.array.shape[1]:
        raise ValueError(
            f"angular_margin_loss: expected input [N, D] and weight [C, D], got {input.array.shape} and {weight.array.shape}"
        )
    if not 0 <= angle_margin <= math.pi or cosine_margin < 0:
        raise ValueError(
            "angular_margin_loss: angle_margin must be from 0 to π and cosine_margin not negative, "
            f"got {angle_margin} and {cosine_margin}"
        )
    cosine = F.linear(F.normalize(input), F.normalize(weight))
    check_class_targets("angular_margin_loss", cosine, target, None)
    picked = target.long().unsqueeze(1)
    true = cosine.gather(1, picked)
    logits = cosine.scatter(1, picked, _with_margin(true, angle_margin) - cosine_margin)
    return F.cross_entropy(scale * logits, target, reduction=reduction)


def _with_margin(cosine: Tensor, m: float) -> Tensor:
    """cos(θ + m) from cos θ, by the addition theorem."""
    if m == 0:
        return cosine
    sine = ops.sqrt(ops.clamp(1 - cosine * cosine, min=1e-12))  # at θ = 0 a root has no slope
    return ops.where(
        cosine > math.cos(math.pi - m), cosine * math.cos(m) - sine * math.sin(m), cosine - m * math.sin(m)
    )


class ArcFaceLoss(_Loss):
    """Cross-entropy of cosines, with a margin at the angle of the true class, see `angular_margin_loss`.

    The directions of the classes are a parameter: weight, [out_features, in_features].

    Parameters
    ----------
    in_features, out_features : int
        D, and the number of classes.
    scale, margin : s, and m in radians

    Shapes: [N, D] and int64 [N] to a number, or [N]
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        scale: float = 64.0,
        margin: float = 0.5,
        reduction: str = "mean",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction)
        name = type(self).__name__
        self.in_features = positive(in_features, name, "in_features")
        self.out_features = positive(out_features, name, "out_features")
        self.scale, self.margin = scale, margin
        self.weight = init.xavier_uniform_(unset((out_features, in_features), device, dtype))

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return angular_margin_loss(input, self.weight, target, self.scale, self.margin, reduction=self.reduction)

    def extra_repr(self) -> str:
        return "in_features={in_features}, out_features={out_features}, scale={scale}, margin={margin}".format_map(
            vars(self)
        )


class CosFaceLoss(ArcFaceLoss):
    """`ArcFaceLoss` with the margin taken from the cosine instead."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        scale: float = 64.0,
        margin: float = 0.35,
        reduction: str = "mean",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(in_features, out_features, scale, margin, reduction, device, dtype)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return angular_margin_loss(input, self.weight, target, self.scale, 0.0, self.margin, self.reduction)
