"""Losses of margins as modules; the formulas are in `functional.loss_margin`."""

from __future__ import annotations

from collections.abc import Callable

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.modules.distance import PairwiseDistance
from scratchnet.nn.modules.loss import _Loss, _WeightedLoss


class _MarginLoss(_Loss):
    settings = ("margin",)

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class MarginRankingLoss(_MarginLoss):
    """max(0, −t · (x₁ − x₂) + margin)

    Inputs x₁, x₂ and target ±1 of one shape [...]; a result [], or [...] with reduction="none".
    """

    function = staticmethod(F.margin_ranking_loss)


class CosineEmbeddingLoss(_MarginLoss):
    """1 − cos(x₁, x₂) where t = 1, max(0, cos(x₁, x₂) − margin) where t = −1

    Inputs [N, D] or [D], target ±1 [N] or []; a result [], or as the target with reduction="none".
    """

    function = staticmethod(F.cosine_embedding_loss)


class HingeEmbeddingLoss(_MarginLoss):
    """x where t = 1, max(0, margin − x) where t = −1

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    """

    function = staticmethod(F.hinge_embedding_loss)

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)


class SoftMarginLoss(_Loss):
    """log(1 + exp(−t · x)) for answers t = ±1

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    """

    function = staticmethod(F.soft_margin_loss)


class MultiLabelMarginLoss(_Loss):
    """Every right class is to win against every wrong one by 1.

    Σ_{j right, i wrong} max(0, 1 − x_j + x_i) / C for an input [N, C] or [C]; the target of the same shape lists the
    right classes, up to the first −1. A result [], or [N] with reduction="none".
    """

    function = staticmethod(F.multilabel_margin_loss)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """Mean over the classes of −(t · log σ(x) + (1 − t) · log σ(−x))

    Input and target [N, C] or [C]; a result [], or [N] with reduction="none".
    """

    function = staticmethod(F.multilabel_soft_margin_loss)


class MultiMarginLoss(_WeightedLoss):
    """Σ_{j ≠ t} w_t · max(0, margin − x_t + x_j)ᵖ / C for classes t

    Input [N, C] or [C], target [N] or []; a result [], or as the target with reduction="none".
    """

    function, settings = staticmethod(F.multi_margin_loss), ("p", "margin", "weight")

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: only p == 1 and p == 2 supported, got {p}")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: weight must be one-dimensional, got {weight.dim()} dimensions")
        self.p, self.margin = p, margin


class TripletMarginLoss(_Loss):
    """max(0, ‖a − p‖ − ‖a − n‖ + margin) for an anchor, something like it and something unlike it

    Three inputs [N, D] or [D]; a result [], or [N] with reduction="none".
    Balntas et al., "Learning Shallow Convolutional Feature Descriptors with Triplet Losses", 2016.
    """

    function, settings = staticmethod(F.triplet_margin_loss), ("margin", "p", "eps", "swap")

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap


class TripletMarginWithDistanceLoss(_Loss):
    """`TripletMarginLoss` with a distance of one's own

    max(0, d(a, p) − d(a, n) + margin) for three inputs [N, D] or [D] and a distance d, which gives [N].
    """

    function, settings = staticmethod(F.triplet_margin_with_distance_loss), ("distance_function", "margin", "swap")

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {margin} instead")
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin, self.swap = margin, swap
