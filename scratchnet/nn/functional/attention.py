"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import kernels, ops
from scratchnet.autograd.function import OUT, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_same_dtype
from scratchnet.nn.functional.dropout import dropout
from scratchnet.nn.functional.softmax import softmax
from scratchnet.ops.elementwise import check_tensor


class Attention(Function):
    """y = p v,  p = softmax(scale · q kᵀ + mask),  of q [B, H, L, E], k [B, G, S, E], v [B, G, S, F].

    With g = dL/dy and d = p · (g vᵀ − Σ_f g y):  dL/dq = scale · d k,  dL/dk = scale · dᵀ q,  dL/dv = pᵀ g.
    Neither p nor d is kept: the kernel makes them again, a block at a time.
    """

    reads = ((0, 1, 2, OUT),) * 3
    notes = ("log_sums",)

    def __init__(self, mask: Any, causal: bool, scale: float) -> None:
        self.mask, self.causal, self.scale = mask, causal, scale

    def forward(self, q: Any, k: Any, v: Any) -> Any:
        y, self.log_sums = kernels.attention(q, k, v, self.mask, self.causal, self.scale)
        return y

    def backward(self, g: Tensor) -> tuple:
        q, k, v = self.inputs
        copies = q.shape[1] // k.shape[1]
        keys, values = (x.repeat_interleave(copies, 1) for x in (k, v))
        p = attention_weights(q, keys, self.mask if self.mask is None else Tensor(self.mask), self.causal, self.scale)
        d = p * (g @ values.mT - (g * (p @ values)).sum(-1, keepdim=True)) * self.scale
        return d @ keys, _summed(d.mT @ q, k), _summed(p.mT @ g, v)

    def fused_backward(self, g: Any) -> tuple:
        return kernels.attention_backward(
            g, *self.inputs, self.output, self.log_sums, self.mask, self.causal, self.scale
        )


def _summed(gradient: Tensor, k: Tensor) -> Tensor:
    """The gradients of the heads that share one of k."""
    return gradient.reshape(*k.shape[:2], -1, *k.shape[2:]).sum(2)


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
    """softmax(scale · q kᵀ + mask); zeros in a row whose keys are all hidden."""
    scores = (q * scale) @ k.mT
    if mask is not None:
        scores = scores + mask
    if causal:
        queries, keys = scores.shape[-2:]
        scores = scores.masked_fill(Tensor(~np.tri(queries, keys, dtype=bool)), -math.inf)
    if mask is None:
        return softmax(scores, -1)
    hidden = Tensor((scores.array == -np.inf).all(-1, keepdims=True))
    return softmax(scores.masked_fill(hidden, 0), -1).masked_fill(hidden, 0)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale · query keyᵀ + mask) value: averages of the values, each query's own.

    Vaswani et al., "Attention Is All You Need", 2017. The scores are made and used block by block, and never held
    as a whole, unless dropout or the gradient of a mask needs them.

    Parameters
    ----------
    query : [..., L, E]
    key : [..., S, E]
    value : [..., S, F]
    attn_mask : Tensor that broadcasts to [..., L, S], optional
        bool: True where a key takes part; otherwise numbers that are added to the scores.
    dropout_p : float
        Probability of a weight to be dropped. There is no training mode here: give 0 in evaluation.
    is_causal : bool
        Query i sees the keys 0 … i. Not together with `attn_mask`.
    scale : float, optional
        Default: 1/√E.
    enable_gqa : bool
        Dimension −3 of key and value may divide that of query; heads in turn share one of theirs.

    Returns
    -------
    [..., L, F]

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit, or there is both a mask and `is_causal`.
    """
    require_same_dtype("scaled_dot_product_attention", query=query, key=key, value=value)
    _check(query, key, value, dropout_p)
    mask = None if attn_mask is None else _additive(attn_mask, query)
    if is_causal and mask is not None:
        raise RuntimeError("scaled_dot_product_attention: give attn_mask or is_causal=True, not both")
    features = query.array.shape[-1]
    if scale is None:
        scale = 1 / math.sqrt(features or 1)
    heads = [x.array.shape[-3] if x.array.ndim > 2 else 1 for x in (query, key, value)]
    if enable_gqa and any(n == 0 or heads[0] % n for n in heads[1:]):
        raise RuntimeError(
            "scaled_dot_product_attention: Number of heads in key and value must divide the number of heads in "
            f"query, got {heads[1]}, {heads[2]} and {heads[0]}"
        )
    if _fits_the_kernel(query, key, value, mask, dropout_p, heads, enable_gqa):
        missing = (1,) * (4 - query.array.ndim)
        q, k, v = (x.reshape(missing + x.array.shape) if missing else x for x in (query, key, value))
        y = Attention(None if mask is None else mask.array, bool(is_causal), float(scale))(q, k, v)
        return y.reshape(*query.array.shape[:-1], value.array.shape[-1]) if missing else y
    if enable_gqa and query.array.ndim > 2:
        key, value = (x.repeat_interleave(heads[0] // n, -3) for x, n in ((key, heads[1]), (value, heads[2])))
    weights = attention_weights(query, key, mask, is_causal, scale)
    return ops.matmul(dropout(weights, dropout_p), value)


def _check(query: Tensor, key: Tensor, value: Tensor, dropout_p: float) -> None:
    shapes = [x.array.shape for x in (query, key, value)]
    if any(len(shape) < 2 for shape in shapes):
        raise RuntimeError(
            "scaled_dot_product_attention: Expected query, key, and value to all be at least 2 dimensional, but got "
            f"shapes {', '.join(map(str, shapes))}"
        )
    if query.array.dtype.kind != "f":
        raise RuntimeError(f"scaled_dot_product_attention: expected floating-point numbers, got {query.array.dtype}")
    q, k, v = shapes
    if q[-1] != k[-1] or k[-2] != v[-2]:
        raise RuntimeError(
            "scaled_dot_product_attention: expected query [..., L, E], key [..., S, E] and value [..., S, F], got "
            f"shapes {q}, {k} and {v}"
        )
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")


def _additive(mask: Tensor, query: Tensor) -> Tensor:
    """A mask as numbers to add to the scores."""
    array, dtype = check_tensor(mask, "scaled_dot_product_attention", "attn_mask").array, query.array.dtype
    if array.dtype.kind == "b":
        return Tensor(np.where(array, dtype.type(0), dtype.type(-np.inf)))
    if array.dtype not in (dtype, np.float32):
        raise RuntimeError(
            "scaled_dot_product_attention: Expected attn_mask dtype to be bool or float or to match query dtype, but "
            f"got {array.dtype} and {dtype}"
        )
    return mask if array.dtype == dtype else mask.to(dtype)


def _fits_the_kernel(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout_p: float, heads: list, gqa: bool
) -> bool:
    """Whether nothing but q, k and v has a gradient, and batches are equal."""
    q, k, v = query.array, key.array, value.array
    return (
        dropout_p == 0
        and q.ndim == k.ndim == v.ndim <= 4
        and q.dtype.itemsize >= 4
        and q.shape[:-3] == k.shape[:-3] == v.shape[:-3]
        and heads[1] == heads[2]
        and (gqa or heads[0] == heads[1])
        and heads[1] > 0
        and (mask is None or (not mask.requires_grad and _broadcasts(mask.array.shape, (*q.shape[:-1], k.shape[-2]))))
    )


def _broadcasts(mask: tuple, scores: tuple) -> bool:
    return len(mask) <= len(scores) and all(n in (1, m) for n, m in zip(mask[::-1], scores[::-1]))
