"""What attention may know about the distance of a key from its query."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.functional.attention import attention_weights
from scratchnet.nn.module import Module
from scratchnet.nn.modules.embedding import Embedding
from scratchnet.nn.modules.factory import positive, unset
from scratchnet.ops.promotion import get_default_dtype


def distances(queries: int, keys: int) -> np.ndarray:
    """j − i for query i and key j. With fewer queries than keys, they are the last ones: what generation asks for."""
    return np.arange(keys) - np.arange(keys - queries, keys)[:, None]


def relative_position_bucket(
    distance: np.ndarray, bidirectional: bool = True, num_buckets: int = 32, max_distance: int = 128
) -> np.ndarray:
    """The bucket of each distance j − i: one for each near distance, then ever wider ones up to `max_distance`.

    With B buckets for one direction and d = |j − i|:  d if d < B/2,  else
    min(B/2 + ⌊B/2 · log(d / (B/2)) / log(max_distance / (B/2))⌋, B − 1). Both directions have num_buckets / 2 each;
    with `bidirectional` False there is only the past, and the future falls into bucket 0.

    Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2019.

    Examples
    --------
    >>> relative_position_bucket(np.array([0, -1, -7, -8, -20, -500, 1, 500]))
    array([ 0,  1,  7,  8, 10, 15, 17, 31])
    """
    start: Any = 0
    if bidirectional:
        num_buckets //= 2
        start = num_buckets * (distance > 0)
        far = np.abs(distance)
    else:
        far = -np.minimum(distance, 0)
    exact = num_buckets // 2
    # in float32, as the models were trained: a distance on the border of two buckets depends on it
    far_log = np.log(np.maximum(far, exact).astype(np.float32) / np.float32(exact))
    wide = exact + (far_log / np.float32(math.log(max_distance / exact)) * np.float32(num_buckets - exact)).astype(int)
    return start + np.where(far < exact, far, np.minimum(wide, num_buckets - 1))


class RelativePositionBias(Module):
    """A learned number for each head and each distance, to be added to the scores of attention: T5's positions.

        scores[h, i, j] = q_i · k_j + weight[bucket(j − i), h]

    Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", 2019.

    Parameters
    ----------
    num_heads : int
        H.
    num_buckets, max_distance, bidirectional
        As of `relative_position_bucket`.

    Attributes
    ----------
    relative_attention_bias : Embedding(num_buckets, H)

    Called with the numbers of queries L and of keys S (default: L); returns [H, L, S], the `attn_mask` of
    `functional.scaled_dot_product_attention`; `nn.MultiheadAttention` takes it repeated for each sample,
    `bias.repeat(N, 1, 1)`.

    Raises
    ------
    ValueError
        If there are too few buckets, or max_distance does not reach beyond those of single distances.
    """

    def __init__(
        self,
        num_heads: int,
        num_buckets: int = 32,
        max_distance: int = 128,
        bidirectional: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        exact = num_buckets // (4 if bidirectional else 2)
        if exact < 1 or max_distance <= exact:
            raise ValueError(
                f"RelativePositionBias: expected num_buckets >= {4 if bidirectional else 2} and max_distance > {exact}"
                f", the number of distances with a bucket of their own, got {num_buckets} and {max_distance}"
            )
        self.num_buckets, self.max_distance, self.bidirectional = num_buckets, max_distance, bidirectional
        self.relative_attention_bias = Embedding(num_buckets, num_heads, device=device, dtype=dtype)

    def forward(self, queries: int, keys: int | None = None) -> Tensor:
        far = distances(queries, queries if keys is None else keys)
        buckets = relative_position_bucket(far, self.bidirectional, self.num_buckets, self.max_distance)
        return self.relative_attention_bias(Tensor(buckets)).permute(2, 0, 1)

    def extra_repr(self) -> str:
        return f"max_distance={self.max_distance}, bidirectional={self.bidirectional}"


def alibi_slopes(num_heads: int) -> np.ndarray:
    """2^(−8/H), 2^(−16/H), …, 2^−8 for a power of two of heads H; else those of the next lower one, and between them
    every second one of the next higher.

    Press, Smith and Lewis, "Train Short, Test Long", 2021.
    """
    lower = 2 ** int(math.log2(num_heads))
    slopes = 2.0 ** (-8 / lower * np.arange(1, lower + 1))
    between = 2.0 ** (-4 / lower * np.arange(1, 2 * lower + 1, 2))
    return np.concatenate([slopes, between[: num_heads - lower]])


def alibi(num_heads: int, queries: int, keys: int | None = None, dtype: Any = None) -> Tensor:
    """−m_h |j − i|: what is subtracted from the scores of head h for key j, query i. Attention with linear biases.

    Press, Smith and Lewis, "Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation",
    2021.

    Parameters
    ----------
    num_heads : int
        H; the m_h are `alibi_slopes`.
    queries, keys : int
        L and S; S = L if not given. Fewer queries than keys are the last ones.

    Returns
    -------
    [H, L, S], an `attn_mask` as that of `RelativePositionBias`

    Raises
    ------
    ValueError
        If there is no head.

    Examples
    --------
    >>> alibi(2, 2)
    tensor([[[ 0.0000, -0.0625],
             [-0.0625,  0.0000]],
    <BLANKLINE>
            [[ 0.0000, -0.0039],
             [-0.0039,  0.0000]]])
    """
    if num_heads < 1:
        raise ValueError(f"alibi: num_heads must be at least 1, got {num_heads}")
    far = np.abs(distances(queries, queries if keys is None else keys))
    bias = alibi_slopes(num_heads)[:, None, None] * -far
    return Tensor(bias.astype(get_default_dtype() if dtype is None else dtype))


class RelativePositions(Module):
    """Attention whose keys and values know how far they are from the query.

        y_i = Σ_j p_ij (v_j + b_{j−i}),   p_i = softmax_j(q_i · (k_j + a_{j−i}) / √E)

    a and b are learned, one vector for each distance from −K to K; what is farther counts as K. The vectors of the
    pairs are never made: q_i · a is computed for all 2K + 1 distances and picked from, and p is added up by distance.

    Shaw, Uszkoreit and Vaswani, "Self-Attention with Relative Position Representations", 2018.

    Parameters
    ----------
    max_distance : int
        K.
    head_dim : int
        E, the features of each head; a and b are shared by the heads.
    dropout : float
        Of the weights, in training.
    values : bool
        Whether there is a b.

    Attributes
    ----------
    key, value : [2K + 1, E]
        a and b; drawn by `init.xavier_uniform_`.

    Called as `functional.scaled_dot_product_attention`, with query [..., L, E], key and value [..., S, E], `attn_mask`
    and `is_causal`; returns [..., L, E]. The last query stands at the last key.
    """

    def __init__(
        self,
        max_distance: int,
        head_dim: int,
        dropout: float = 0.0,
        values: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.max_distance = positive(max_distance, "RelativePositions", "max_distance")
        self.head_dim = positive(head_dim, "RelativePositions", "head_dim")
        self.dropout = dropout
        self.key = unset((2 * max_distance + 1, head_dim), device, dtype)
        self.register_parameter("value", unset((2 * max_distance + 1, head_dim), device, dtype) if values else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        for vectors in self.parameters():
            init.xavier_uniform_(vectors)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        far = distances(query.shape[-2], key.shape[-2])
        index = Tensor(np.clip(far, -self.max_distance, self.max_distance) + self.max_distance)
        scale = 1 / math.sqrt(self.head_dim)
        of_distance = query * scale @ self.key.mT  # [..., L, 2K + 1]
        pairs = index.expand(*query.shape[:-2], *index.shape)
        mask = of_distance.gather(-1, pairs)
        if is_causal:
            mask = mask.masked_fill(Tensor(far > 0), -math.inf)
        if attn_mask is not None:
            hidden = attn_mask.array.dtype.kind == "b"
            mask = mask.masked_fill(~attn_mask, -math.inf) if hidden else mask + attn_mask
        p = self.dropout if self.training else 0.0
        if self.value is None:
            return F.scaled_dot_product_attention(query, key, value, mask, p)
        weights = F.dropout(attention_weights(query, key, mask, False, scale), p)
        by_distance = ops.zeros_like(of_distance).scatter_add(-1, pairs, weights)
        return weights @ value + by_distance @ self.value

    def extra_repr(self) -> str:
        return f"{self.max_distance}, {self.head_dim}" + ", values=False" * (self.value is None)
