"""A linear layer and the cross-entropy of its outputs, in one."""

from __future__ import annotations

import math
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.linear_cross_entropy import LinearCrossEntropyOptions
from scratchnet.nn.modules.linear import Linear
from scratchnet.nn.modules.loss import _WeightedLoss

__all__ = ["LinearCrossEntropyLoss", "LinearCrossEntropyOptions"]


class LinearCrossEntropyLoss(_WeightedLoss):
    """Cross-entropy of x Wᵀ + b against true classes, see `functional.linear_cross_entropy`.

    Parameters
    ----------
    in_features : int
    num_classes : int
    out_features : tuple of ints
        Shape of the predictions made of each example; () for one.
    bias : bool
    weight : [C], optional
        Weight of each class.
    ignore_index : int, optional
    label_smoothing : float
    options : LinearCrossEntropyOptions, optional
        To compute the logits piece by piece.

    Input [N, in_features] or [in_features], targets [N, *out_features] or []; a result [], or as the targets with
    reduction="none".

    Raises
    ------
    RuntimeError
        If weight is not one for each class, or label_smoothing not from 0 to 1.
    """

    settings = ("weight", "ignore_index", "label_smoothing", "options")

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        if weight is not None and weight.shape != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes, self.out_features = num_classes, out_features
        self.ignore_index, self.label_smoothing, self.options = ignore_index, label_smoothing, options
        self.linear = Linear(in_features, math.prod((num_classes, *out_features)), bias, device, dtype)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        bias = None if self.linear.bias is None else self.linear.bias.reshape(shape)
        weight = self.linear.weight.reshape(*shape, self.linear.in_features)
        settings = {name: getattr(self, name) for name in self.settings}
        return F.linear_cross_entropy(input, weight, target, linear_bias=bias, reduction=self.reduction, **settings)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, out_features={self.out_features}, "
            f"bias={self.linear.bias is not None}, reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )
