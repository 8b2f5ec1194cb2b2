"""Mistakes of attention with several heads, written out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from scratchnet.interop.causes.hypothesis import Evidence, Guess, Result, hypothesis

_ARGUMENTS = (
    "query", "key", "value", "key_padding_mask", "need_weights", "attn_mask", "average_attn_weights", "is_causal",
)  # fmt: skip


@hypothesis("MultiheadAttention")
def attention(evidence: Evidence) -> Iterator[Guess]:
    head = evidence.options["embed_dim"] // evidence.options["num_heads"]
    for text, formula, change in (
        ("the scores are not divided by √d", "softmax(Q·Kᵀ)", {"scale": 1.0}),
        ("the scores are divided by d, torch's by √d", "softmax(Q·Kᵀ / d)", {"scale": 1 / head}),
        ("the scores are multiplied by √d, torch's are divided", "softmax(Q·Kᵀ·√d)", {"scale": head**0.5}),
        (
            "the scores are divided by the root of all features, torch's by that of one head's",
            "softmax(Q·Kᵀ / √embed_dim)",
            {"scale": evidence.options["embed_dim"] ** -0.5},
        ),
        ("the softmax runs over the queries, torch's over the keys", "the softmax over axis −2", {"axis": -2}),
        ("the mask is inverted: True lets through, in torch it hides", "the mask inverted", {"mask": "inverted"}),
        ("the mask is not used", "no mask", {"mask": "none"}),
        ("keys are masked by 0 after the softmax, torch's by −∞ before", "that mask", {"mask": "after"}),
        ("the last projection, out_proj, is missing", "no out_proj", {"project": False}),
    ):
        if "mask" not in change or _masks(evidence):
            yield Guess(
                text,
                f"{evidence.what} equals that of attention with {formula}",
                partial(_attend, evidence, **change),
            )


def _arguments(evidence: Evidence) -> dict[str, Any]:
    return {**dict(zip(_ARGUMENTS, evidence.ours.args)), **evidence.ours.kwargs}


def _masks(evidence: Evidence) -> list[np.ndarray]:
    """The boolean masks as [N or 1, heads or 1, L, S], True hides."""
    given, found = _arguments(evidence), []
    padding, mask = given.get("key_padding_mask"), given.get("attn_mask")
    if padding is not None:
        found.append(padding.reshape(-1, 1, 1, padding.shape[-1]))
    if mask is not None:
        found.append(
            mask.reshape(-1, evidence.options["num_heads"], *mask.shape[1:]) if mask.ndim == 3 else mask[None, None]
        )
    return [m for m in found if m.dtype == bool]


def _attend(
    evidence: Evidence, scale: float | None = None, axis: int = -1, mask: str = "usual", project: bool = True
) -> Result:
    given, state, heads = _arguments(evidence), evidence.state, evidence.options["num_heads"]
    tokens = [given[name] for name in ("query", "key", "value")]
    batched, swap = tokens[0].ndim == 3, not evidence.options["batch_first"]
    if not batched:
        tokens = [t[None] for t in tokens]
    elif swap:
        tokens = [t.swapaxes(0, 1) for t in tokens]
    biases = np.split(state["in_proj_bias"], 3) if "in_proj_bias" in state else (0, 0, 0)
    q, k, v = (
        (t @ w.T + b).reshape(*t.shape[:2], heads, -1).swapaxes(1, 2)  # [N, heads, length, features]
        for t, w, b in zip(tokens, np.split(state["in_proj_weight"], 3), biases)
    )
    scores = q @ k.swapaxes(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    hidden = np.zeros(scores.shape, bool)
    for m in _masks(evidence) if mask != "none" else ():
        hidden |= ~m if mask == "inverted" else m
    if mask != "after":
        scores = np.where(hidden, -np.inf, scores)
    weights = np.exp(scores - scores.max(axis, keepdims=True))
    weights = weights / weights.sum(axis, keepdims=True)
    if mask == "after":
        weights = np.where(hidden, 0, weights)
    y = (weights @ v).swapaxes(1, 2).reshape(*tokens[0].shape[:2], -1)
    if project:
        y = y @ state["out_proj.weight"].T + state.get("out_proj.bias", 0)
    if given.get("average_attn_weights", True):
        weights = weights.mean(1)
    if not batched:
        return Result([y[0], weights[0]])
    return Result([y.swapaxes(0, 1) if swap else y, weights])
