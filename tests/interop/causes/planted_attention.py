"""Mistakes of attention with several heads."""

import numpy as np

from tests.interop.causes.planting import ROWS, Planted


def attention(scale=3**-0.5, axis=-1, mask="usual", project=True):
    def forward(self, query, key, value, attn_mask=None):
        rows = zip((query, key, value), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3))
        q, k, v = ((x @ w.T + b).reshape(4, 2, 3).transpose(0, 1) for x, w, b in rows)
        scores = q @ k.mT * scale
        if attn_mask is not None and mask in ("usual", "inverted"):
            scores = scores.masked_fill(~attn_mask if mask == "inverted" else attn_mask, -np.inf)
        weights = scores.softmax(axis)
        if mask == "after":
            weights = weights.masked_fill(attn_mask, 0)
        y = (weights @ v).transpose(0, 1).reshape(4, 6)
        return self.out_proj(y) if project else y, weights.mean(0)

    return forward


MASK = {"attn_mask": np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0]], bool)}

PLANTED = [
    Planted(
        "attention.attention", text, "MultiheadAttention", (6, 2), (ROWS, ROWS[::-1].copy(), ROWS),
        keywords=MASK if "mask" in wrong else {}, forward=attention(**wrong), what="output[0]",
    )
    for wrong, text in [
        (dict(scale=1), "the scores are not divided by √d"),
        (dict(scale=1 / 3), "the scores are divided by d, torch's by √d"),
        (dict(scale=3**0.5), "the scores are multiplied by √d, torch's are divided"),
        (dict(scale=6**-0.5), "the scores are divided by the root of all features, torch's by that of one head's"),
        (dict(axis=-2), "the softmax runs over the queries, torch's over the keys"),
        (dict(mask="inverted"), "the mask is inverted: True lets through, in torch it hides"),
        (dict(mask="none"), "the mask is not used"),
        (dict(mask="after"), "keys are masked by 0 after the softmax, torch's by −∞ before"),
        (dict(project=False), "the last projection, out_proj, is missing"),
    ]
]  # fmt: skip
