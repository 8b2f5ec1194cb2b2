"""Distances and similarities of vectors as layers."""

from __future__ import annotations

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.module import Module


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along `dim`, see `functional.cosine_similarity`.

    x₁ · x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) for inputs [..., D, ...], a result [..., ...] without `dim`.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of the difference of vectors, see `functional.pairwise_distance`.

    ‖x₁ − x₂ + eps‖_p for inputs [N, D] or [D], a result [N] or [].
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
