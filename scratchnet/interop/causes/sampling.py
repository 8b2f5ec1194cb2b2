"""Mistakes of pooling and resampling that no option gives: which pixels belong to an output."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from scratchnet.interop.causes.hypothesis import Evidence, Guess, Result, hypothesis, kinds, rerun


@hypothesis(*kinds("MaxPool", "AvgPool"))
def another_pool(evidence: Evidence) -> Iterator[Guess]:
    kind = evidence.theirs.kind
    other = kind.replace("Max", "Avg") if kind.startswith("Max") else kind.replace("Avg", "Max")
    yield Guess(
        f"it computes {other}, torch's {kind}",
        f"{evidence.what} equals that of {other}",
        lambda: rerun(evidence, kind=other),
    )


@hypothesis("Upsample", "UpsamplingBilinear2d")
def half_pixel(evidence: Evidence) -> Iterator[Guess]:
    """Linear: output i lies at (i + ½)·s − ½ of the input in torch, the centres of pixels being at ½."""
    if "linear" not in evidence.options["mode"]:
        return
    yield Guess(
        "pixels are taken to lie at their corner: i·s, torch's at (i + ½)·s − ½",
        f"{evidence.what} equals linear interpolation at i·s",
        lambda: Result([_linear(evidence, 0.0)]),
    )


def _linear(evidence: Evidence, shift: float) -> np.ndarray:
    y = evidence.x
    for axis in range(2, y.ndim):
        old, new = y.shape[axis], evidence.y.shape[axis]
        at = np.clip((np.arange(new) + shift) * old / new - shift, 0, old - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        share = (at - low).astype(y.dtype).reshape(-1, *(1,) * (y.ndim - 1 - axis))
        y = y.take(low, axis) * (1 - share) + y.take(high, axis) * share
    return y


@hypothesis(*kinds("AdaptiveAvgPool", "AdaptiveMaxPool"))
def windows(evidence: Evidence) -> Iterator[Guess]:
    """Output i of n is made of ⌊i·L/n⌋ … ⌈(i + 1)·L/n⌉ of L in torch."""
    reduce = np.max if "Max" in evidence.theirs.kind else np.mean
    for text, begin, end in (
        ("windows end at ⌊(i + 1)·L/n⌋, torch's at ⌈(i + 1)·L/n⌉", np.floor, np.floor),
        ("windows begin and end at the nearest pixel, torch's at ⌊i·L/n⌋ and ⌈(i + 1)·L/n⌉", np.rint, np.rint),
    ):
        yield Guess(
            text,
            f"{evidence.what} equals the formula with these windows",
            partial(_pooled, evidence, reduce, begin, end),
        )


def _pooled(evidence: Evidence, reduce: Any, begin: Any, end: Any) -> Result:
    y = evidence.x
    for axis in range(2, y.ndim):
        old, new = y.shape[axis], evidence.y.shape[axis]
        edges = np.arange(new + 1) * old / new
        parts = [
            reduce(y.take(range(int(begin(a)), max(int(end(b)), int(begin(a)) + 1)), axis), axis=axis, keepdims=True)
            for a, b in pairwise(edges)
        ]
        y = np.concatenate(parts, axis)
    return Result([y])
