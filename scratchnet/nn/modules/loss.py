"""Losses as modules; the formulas are in `functional.loss`, `loss_probability`, `loss_margin` and `cross_entropy`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.reduction import chosen
from scratchnet.nn.module import Module


class _Loss(Module):
    """Calls `function` with its `settings` and a reduction: "mean", "sum" or "none"."""

    function: Callable[..., Tensor]
    settings: tuple[str, ...] = ()  # names of attributes that are arguments of the function

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        legacy = size_average is not None or reduce is not None
        self.reduction = chosen(reduction, size_average, reduce) if legacy else reduction

    def forward(self, *tensors: Any, **named: Any) -> Tensor:
        settings = {name: getattr(self, name) for name in self.settings}
        return type(self).function(*tensors, **named, **settings, reduction=self.reduction)


class _WeightedLoss(_Loss):
    """A loss with weights, which are a buffer: they move and are saved with the module."""

    settings: tuple[str, ...] = ("weight",)

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(_Loss):
    """|x − t|

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    """

    function = staticmethod(F.l1_loss)


class MSELoss(_Loss):
    """(x − t)²

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    """

    function = staticmethod(F.mse_loss)


class SmoothL1Loss(_Loss):
    """|x − t| − β/2, but (x − t)² / 2β where |x − t| < β

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    Girshick, "Fast R-CNN", 2015.
    """

    function, settings = staticmethod(F.smooth_l1_loss), ("beta",)

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta


class HuberLoss(_Loss):
    """δ · (|x − t| − δ/2), but (x − t)² / 2 where |x − t| ≤ δ

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    Huber, "Robust Estimation of a Location Parameter", 1964.
    """

    function, settings = staticmethod(F.huber_loss), ("delta",)

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        if not isinstance(delta, float | int):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(reduction=reduction)
        self.delta = delta


class NLLLoss(_WeightedLoss):
    """−w[t] · x[t] for log-probabilities x and true classes t

    Input [N, C], [C] or [N, C, d1, ...], target [N], [] or [N, d1, ...]; a result [], or as the target with
    reduction="none". The mean is weighted: Σ loss / Σ w[t].
    """

    function, settings = staticmethod(F.nll_loss), ("weight", "ignore_index")

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index


class CrossEntropyLoss(_WeightedLoss):
    """−w[t] · log softmax(x)[t] for logits x and true classes t, or against probabilities of all classes

    Input [N, C], [C] or [N, C, d1, ...], target [N], [] or [N, d1, ...], or probabilities of the input's shape; a
    result [], or as the classes with reduction="none".
    """

    function, settings = staticmethod(F.cross_entropy), ("weight", "ignore_index", "label_smoothing")

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing


class BCELoss(_WeightedLoss):
    """−(t · log x + (1 − t) · log(1 − x)) for probabilities x

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    """

    function = staticmethod(F.binary_cross_entropy)


class BCEWithLogitsLoss(_WeightedLoss):
    """`BCELoss` of sigmoid(x), without overflow; `pos_weight` is the weight of positive answers.

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    """

    function, settings = staticmethod(F.binary_cross_entropy_with_logits), ("weight", "pos_weight")

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.register_buffer("pos_weight", pos_weight)


class KLDivLoss(_Loss):
    """t · (log t − x) for log-probabilities x and probabilities t; "batchmean" is the divergence itself

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    """

    function, settings = staticmethod(F.kl_div), ("log_target",)

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target


class PoissonNLLLoss(_Loss):
    """λ − t · log λ for counts t whose expectation is λ; the input is log λ, or λ if not `log_input`

    Input and target [...] of one shape; a result [], or [...] with reduction="none".
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-8,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(_Loss):
    """(log v + (x − t)² / v) / 2 for means x and variances v of normal distributions

    Input and target [...], variances [...] or [..., 1]; a result [], or [...] with reduction="none".
    Nix and Weigend, "Estimating the Mean and Variance of the Target Probability Distribution", 1994.
    """

    function, settings = staticmethod(F.gaussian_nll_loss), ("full", "eps")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps


class CTCLoss(_Loss):
    """−log of the probability that the sequence of labels is read out of `log_probs`, however it is stretched

    Log-probabilities [T, N, C], labels [N, S] or all in a row, lengths [N] of both; a result [], or [N] with
    reduction="none".
    Graves et al., "Connectionist Temporal Classification", 2006.
    """

    function, settings = staticmethod(F.ctc_loss), ("blank", "zero_infinity")

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity
