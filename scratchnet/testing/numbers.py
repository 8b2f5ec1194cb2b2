"""Numbers to test with: random, and kept away from where a function has kinks or ties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def values(
    shape: Sequence[int],
    seed: int,
    low: float = -2,
    high: float = 2,
    away_from: Sequence[float] = (0.0,),
    gap: float = 0.1,
    distinct: bool = False,
    dtype: Any = np.float64,
) -> np.ndarray:
    """Random numbers between `low` and `high`, none nearer than `gap` to a point of `away_from`.

    Parameters
    ----------
    shape : sequence of int
    seed : int
        Equal seeds give equal numbers.
    low, high : float
    away_from : sequence of float
        Where the function that is tested has a kink, a pole or a jump.
    distinct : bool
        Spread them, so that no two are nearly equal: for max, sort, median, …

    Raises
    ------
    ValueError
        If nothing is left between `low` and `high`.

    Examples
    --------
    >>> x = values((2, 3), seed=0)
    >>> x.shape, bool(abs(x).min() >= 0.1)
    ((2, 3), True)
    """
    pieces, start = [], float(low)
    for point in sorted(away_from):
        if point - gap > start:
            pieces.append((start, min(point - gap, high)))
        start = max(start, point + gap)
        if start >= high:
            break
    if start < high:
        pieces.append((start, float(high)))
    if not pieces:
        raise ValueError(
            f"values: nothing is left of [{low}, {high}] when {gap} around each of {tuple(away_from)} is cut out"
        )
    ends = np.cumsum([b - a for a, b in pieces])
    rng = np.random.default_rng(seed)
    n = int(np.prod(shape, dtype=np.int64))
    if distinct:
        t = (rng.permutation(n) + rng.uniform(0.25, 0.75, n)) / max(n, 1) * ends[-1]
    else:
        t = rng.uniform(0, ends[-1], n)
    piece = np.minimum(np.searchsorted(ends, t, side="right"), len(pieces) - 1)
    begins = np.concatenate([[0.0], ends[:-1]])
    x = np.array([a for a, _ in pieces])[piece] + t - begins[piece]
    return x.reshape(tuple(shape)).astype(dtype)
