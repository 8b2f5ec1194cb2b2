"""Attention with several heads, each in a subspace of its own."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.attention import scaled_dot_product_attention
from scratchnet.nn.functional.dropout import dropout
from scratchnet.nn.functional.linear import linear
from scratchnet.nn.functional.padding import pad
from scratchnet.nn.functional.softmax import softmax
from scratchnet.ops.elementwise import check_tensor


class SplitHeads(Function):
    """[N, L, parts · H · D] as `parts` views [N, H, L, D].  dL/dx = the gradients, joined (`JoinHeads`)"""

    reads = NOTHING

    def __init__(self, parts: int, heads: int) -> None:
        self.parts, self.heads = parts, heads

    def forward(self, x: Any) -> tuple:
        batch, rows, columns = x.shape
        split = x.reshape(batch, rows, self.parts, self.heads, columns // (self.parts * self.heads))
        return tuple(split.transpose(2, 0, 3, 1, 4))

    def backward(self, *grads: Tensor) -> Tensor:
        return JoinHeads()(*grads)


class JoinHeads(Function):
    """Arrays [N, H, L, D] side by side as [N, L, parts · H · D], or [L, N, …].  dL/dx_i = its part of g (`SplitHeads`)"""

    reads = NOTHING

    def __init__(self, batch_first: bool = True) -> None:
        self.batch_first = batch_first

    def forward(self, *parts: Any) -> Any:
        batch, self.heads, rows, columns = parts[0].shape
        order, outer = ((0, 2, 1, 3), (batch, rows)) if self.batch_first else ((2, 0, 1, 3), (rows, batch))
        y = np.empty((*outer, len(parts), self.heads, columns), parts[0].dtype, like=parts[0])
        for i, part in enumerate(parts):
            y[:, :, i] = part.transpose(order)
        return y.reshape(*outer, len(parts) * self.heads * columns)

    def backward(self, g: Tensor) -> tuple:
        return SplitHeads(len(self.edges), self.heads)(g if self.batch_first else g.transpose(0, 1))


def canonical_mask(mask: Tensor | None, name: str, dtype: Any, other: Tensor | None = None, other_name: str = "") -> Any:
    """A mask, where True hides a key, as numbers to add to the scores."""
    if mask is None:
        return None
    if mask.array.dtype.kind not in "bf":
        raise AssertionError(f"only bool and floating types of {name} are supported, got {mask.array.dtype}")
    if other is not None and other.array.dtype != mask.array.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=3,
        )
    if mask.array.dtype.kind == "b":
        return Tensor(np.where(mask.array, dtype.type(-np.inf), dtype.type(0)))
    return mask


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """What `nn.MultiheadAttention` computes; see there. The sequence is the first dimension, the batch the second.

    Parameters
    ----------
    query, key, value : [L, N, E], [S, N, E_k], [S, N, E_v], or without N
    embed_dim_to_check : int
        E
    in_proj_weight, in_proj_bias : [3E, E] and [3E]
    bias_k, bias_v : [1, 1, E], optional
        A further key and value.
    add_zero_attn : bool
        A further key and value of zeros.
    use_separate_proj_weight : bool
        Use `q_proj_weight`, `k_proj_weight`, `v_proj_weight` in place of `in_proj_weight`.
    static_k, static_v : [N · num_heads, S, E / num_heads], optional
        Instead of the projected key and value.

    Returns
    -------
    output : [L, N, E]
    weights : [N, L, S], or [N, num_heads, L, S] if they are not averaged; None unless needed
    """
    batched = check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = (x.unsqueeze(1) for x in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    query, key, value = _batch_first(query, key, value)
    weights = in_proj_weight if not use_separate_proj_weight else (q_proj_weight, k_proj_weight, v_proj_weight)
    y, p = attend(
        query, key, value, embed_dim_to_check, num_heads, weights, in_proj_bias, bias_k, bias_v, add_zero_attn,
        dropout_p if training else 0.0, out_proj_weight, out_proj_bias, key_padding_mask, need_weights, attn_mask,
        static_k, static_v, average_attn_weights, is_causal,
    )  # fmt: skip
    if not batched:
        y, p = y.squeeze(1), p if p is None else p.squeeze(0)
    return y, p


def _batch_first(query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
    """The three with the batch first; what was the same Tensor stays the same."""
    done: dict[int, Tensor] = {}
    for x in (query, key, value):
        if id(x) not in done:
            done[id(x)] = x.transpose(0, 1)
    return [done[id(x)] for x in (query, key, value)]


def attend(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: int, heads: int, weights: Any, bias: Tensor | None,
    bias_k: Tensor | None, bias_v: Tensor | None, add_zero: bool, dropout_p: float, out_weight: Tensor,
    out_bias: Tensor | None, key_padding_mask: Tensor | None, need_weights: bool, attn_mask: Tensor | None,
    static_k: Tensor | None, static_v: Tensor | None, average: bool, is_causal: bool,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """`multi_head_attention_forward` of batches [N, L, E], `weights` either packed or three.

    The output is [L, N, E] all the same: torch computes in that order, and a dropout after it draws in the order of memory.
    """
    padding = canonical_mask(key_padding_mask, "key_padding_mask", query.array.dtype, attn_mask, "attn_mask")
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and padding is None and not need_weights:
        mask = None  # the kernel leaves out what the mask would hide
    else:
        mask, is_causal = canonical_mask(attn_mask, "attn_mask", query.array.dtype), False
    _check_features(query, key, value, embed_dim, heads, weights)
    batch, queries, _ = query.array.shape
    if mask is not None:
        mask = _four_dimensional(mask, (queries, key.array.shape[1]), batch, heads)
    q, k, v = _project(query, key, value, weights, bias, heads)
    k, v = _static("static_k", static_k, k), _static("static_v", static_v, v)
    k, v, further = _with_further_keys(k, v, bias_k, bias_v, add_zero, static_k is not None or static_v is not None)
    if further:
        mask, padding = (m if m is None else pad(m, (0, further)) for m in (mask, padding))
    if padding is not None:
        if padding.array.shape != (batch, k.array.shape[2]):
            raise AssertionError(
                f"Expected key_padding_mask of shape {(batch, k.array.shape[2] - further)}, got "
                f"{(padding.array.shape[0], padding.array.shape[1] - further)}"
            )
        padding = padding.reshape(batch, 1, 1, -1)
        mask = padding if mask is None else mask + padding
    p = None
    if need_weights:
        scores = (q * math.sqrt(1 / q.array.shape[-1])) @ k.mT
        p = dropout(softmax(scores if mask is None else scores + mask, -1), dropout_p)
        if dropout_p or (mask is not None and np.isnan(p.array[..., 0]).any()):  # NaN: all keys are hidden
            y = ops.matmul(p, v)
        else:  # the same, but cheaper to differentiate
            y = scaled_dot_product_attention(q, k, v, mask)
        p = p.mean(1) if average else p
    else:
        y = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    return linear(JoinHeads(batch_first=False)(y), out_weight, out_bias), p


def _project(query: Tensor, key: Tensor, value: Tensor, weights: Any, bias: Tensor | None, heads: int) -> tuple:
    """q, k, v of [N, H, L, D]: one product of matrices where they come from one Tensor."""
    if isinstance(weights, Tensor):
        if query is key and key is value:
            return SplitHeads(3, heads)(linear(query, weights, bias))
        if key is value:
            n = query.array.shape[-1]
            sizes = [n, 2 * n]
            w, b = weights.split(sizes), (None, None) if bias is None else bias.split(sizes)
            (q,) = SplitHeads(1, heads)(linear(query, w[0], b[0]))
            return q, *SplitHeads(2, heads)(linear(key, w[1], b[1]))
        weights = weights.chunk(3)
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return tuple(SplitHeads(1, heads)(linear(x, w, b))[0] for x, w, b in zip((query, key, value), weights, biases))


def _with_further_keys(k: Tensor, v: Tensor, bias_k: Any, bias_v: Any, add_zero: bool, static: bool) -> tuple:
    """Keys and values with a learned pair, and a pair of zeros, behind; and how many these are."""
    batch, heads, _, features = k.array.shape
    further: list[tuple[Tensor, Tensor]] = []
    if (bias_k is None) != (bias_v is None):
        raise AssertionError("bias_k and bias_v must both be given, or neither")
    if bias_k is not None:
        if static:
            raise AssertionError("bias cannot be added to static key or value.")
        further.append(
            tuple(b.reshape(1, heads, 1, features).expand(batch, heads, 1, features) for b in (bias_k, bias_v))
        )
    if add_zero:
        zeros = Tensor(np.zeros((batch, heads, 1, features), k.array.dtype))
        further.append((zeros, zeros))
    if further:
        k, v = (ops.cat([x, *pairs], 2) for x, pairs in zip((k, v), zip(*further)))
    return k, v, len(further)


def _static(name: str, static: Tensor | None, projected: Tensor) -> Tensor:
    if static is None:
        return projected
    batch, heads, _, features = projected.array.shape
    for i, expected in ((0, batch * heads), (2, features)):
        if static.array.shape[i] != expected:
            raise AssertionError(f"expecting {name}.size({i}) of {expected}, but got {static.array.shape[i]}")
    return static.reshape(batch, heads, -1, features)


# ---- shapes ------------------------------------------------------------------------------------------------
def check_shapes(query: Tensor, key: Tensor, value: Tensor, padding: Any, mask: Any, heads: int) -> bool:
    """Whether there is a batch; refuse dimensions that do not agree."""
    for name, x in (("query", query), ("key", key), ("value", value)):
        check_tensor(x, "multi_head_attention_forward", name)
    n = query.array.ndim
    if n not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor")
    kind = "batched (3-D)" if n == 3 else "unbatched (2-D)"
    if key.array.ndim != n or value.array.ndim != n:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {n}-D but found {key.array.ndim}-D and "
            f"{value.array.ndim}-D tensors respectively"
        )
    if padding is not None and padding.array.ndim != n - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {n - 1}-D but found "
            f"{padding.array.ndim}-D tensor instead"
        )
    if mask is not None and mask.array.ndim not in (2, 3):
        raise AssertionError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {mask.array.ndim}-D tensor instead"
        )
    if n == 2 and mask is not None and mask.array.ndim == 3:
        expected = (heads, query.array.shape[0], key.array.shape[0])
        if mask.array.shape != expected:
            raise AssertionError(f"Expected `attn_mask` shape to be {expected} but got {mask.array.shape}")
    return n == 3


def _check_features(query: Tensor, key: Tensor, value: Tensor, embed_dim: int, heads: int, weights: Any) -> None:
    if query.array.shape[-1] != embed_dim:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim}, but got {query.array.shape[-1]}")
    if embed_dim % heads:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {heads}")
    k, v = key.array.shape, value.array.shape
    if isinstance(weights, Tensor):
        if k != v:
            raise AssertionError(f"key shape {k} does not match value shape {v}")
    elif weights is None or any(w is None for w in weights):
        raise AssertionError("the weights of the projection are missing")
    elif k[:2] != v[:2]:
        raise AssertionError(f"key's batch and sequence {k[:2]} do not match value's {v[:2]}")


def _four_dimensional(mask: Tensor, size: tuple, batch: int, heads: int) -> Tensor:
    """A mask [L, S] or [N · H, L, S] in a shape that broadcasts to [N, H, L, S]."""
    dims = mask.array.ndim
    expected = size if dims == 2 else (batch * heads, *size)
    if mask.array.shape != expected:
        raise RuntimeError(f"The shape of the {dims}D attn_mask is {mask.array.shape}, but should be {expected}.")
    return mask if dims == 2 else mask.reshape(batch, heads, *size)
