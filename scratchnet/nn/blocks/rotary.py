"""Positions that turn queries and keys, so that their product sees the distance alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.blocks.positions import frequencies
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.module import Module


def rotary_embedding(
    input: Tensor, positions: Any = None, dim: int | None = None, base: float = 10000.0, interleaved: bool = False
) -> Tensor:
    """Turns each pair of features (a, b) of position p by the angle φ = p · base^(−2i/D).

        (a, b) → (a cos φ − b sin φ, a sin φ + b cos φ)

    Products of turned queries and keys depend on the difference of their positions only.

    Su, Lu, Pan, Murtadha, Wen and Liu, "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.

    Parameters
    ----------
    input : [..., L, E]
        Queries or keys.
    positions : [L], or [..., L] that broadcasts, optional
        Integers or not; 0 … L − 1 if not given.
    dim : int, optional
        D, even: only the first D features are turned; default E.
    base : float
    interleaved : bool
        Pair i is features 2i and 2i + 1, as in the paper; else i and i + D/2, as in LLaMA and GPT-NeoX.

    Returns
    -------
    [..., L, E]

    Raises
    ------
    ValueError
        If D is odd or greater than E.

    Examples
    --------
    >>> from scratchnet import ops
    >>> rotary_embedding(ops.ones(1, 2), positions=[np.pi / 2])
    tensor([[-1.,  1.]])
    """
    x = require_float(input, "rotary_embedding")
    features = x.array.shape[-1]
    dim = features if dim is None else dim
    if dim % 2 or not 0 < dim <= features:
        raise ValueError(f"rotary_embedding: dim must be even, and at most the {features} features, got {dim}")
    at = np.arange(x.array.shape[-2]) if positions is None else np.asarray(getattr(positions, "array", positions))
    angles = at[..., None] * frequencies(dim, base)  # [..., L, D/2]
    cos, sin = (Tensor(f(angles).astype(x.array.dtype)) for f in (np.cos, np.sin))
    turned, rest = x[..., :dim], x[..., dim:]
    pairs = (dim // 2, 2) if interleaved else (2, dim // 2)
    a, b = turned.unflatten(-1, pairs).unbind(-1 if interleaved else -2)
    y = ops.stack([a * cos - b * sin, a * sin + b * cos], -1 if interleaved else -2).flatten(-2)
    return y if dim == features else ops.cat([y, rest], -1)


class RotaryEmbedding(Module):
    """Turns queries or keys by their positions, see `rotary_embedding`: (a, b) → (a cos φ − b sin φ, a sin φ + b cos φ)

    Su, Lu, Pan, Murtadha, Wen and Liu, "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.

    Parameters
    ----------
    dim, base, interleaved : as of `rotary_embedding`

    Called with [..., L, E] and, optionally, positions; returns [..., L, E].
    """

    def __init__(self, dim: int | None = None, base: float = 10000.0, interleaved: bool = False) -> None:
        super().__init__()
        self.dim, self.base, self.interleaved = dim, base, interleaved

    def forward(self, input: Tensor, positions: Any = None) -> Tensor:
        return rotary_embedding(input, positions, self.dim, self.base, self.interleaved)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, base={self.base}, interleaved={self.interleaved}"
