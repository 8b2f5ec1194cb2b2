"""What an error looks like, where no known mistake explains it. Only what is exactly so is said."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scratchnet.interop.causes.hypothesis import Evidence

# An error of so many units in the last place of an array's largest number may be what cancellation left.
_FEW = 100


def facts_about(evidence: Evidence) -> list[str]:
    """Sentences on the difference between two arrays."""
    a, e = evidence.actual, evidence.expected
    if a is None or e is None:
        return []
    if a.shape != e.shape:
        if sorted(a.shape) == sorted(e.shape):
            return ["the axes are in another order"]
        return []
    if a.dtype.kind not in "fiu" or not a.size:
        return []
    return list(_facts(a.astype(np.float64), e.astype(np.float64), e.dtype, evidence.rtol, evidence.atol))


def _facts(a: np.ndarray, e: np.ndarray, dtype: np.dtype, rtol: float, atol: float) -> Iterator[str]:
    bad = ~np.isclose(a, e, rtol, atol, equal_nan=True)
    if not bad.any():
        return
    strange = ~np.isfinite(a) & np.isfinite(e)
    if strange.any():
        yield f"{strange.sum()} of {a.size} numbers are NaN or infinite"
        return
    if not np.isfinite(e).all():
        return
    roundings = (
        np.abs(a - e).max() / (np.finfo(dtype).eps * np.abs(e).max()) if dtype.kind == "f" and e.any() else np.inf
    )
    if roundings < _FEW:
        yield (
            f"the largest error is at most {np.ceil(roundings):.0f} roundings of the array's largest number: "
            "dtype='float64' tells whether it is a mistake"
        )
        return
    if a.size > 1 and not a.any():
        yield "all of ours is 0"
        return
    yield from _relations(a, e, rtol, atol)
    if not bad.all():
        yield f"{bad.sum()} of {a.size} numbers differ"
        yield from _where(bad)
        for text, side in (("negative", e < 0), ("positive", e > 0), ("not zero", e != 0)):
            if not bad[~side].any() and (bad == side).all():
                yield f"exactly where torch's is {text}"
                break


def _relations(a: np.ndarray, e: np.ndarray, rtol: float, atol: float) -> Iterator[str]:
    """Ours as a simple function of torch's."""
    if a.size < 4:
        return
    c = (a * e).sum() / (e * e).sum() if e.any() else 0.0
    if np.allclose(a, c * e, rtol, atol):
        yield f"ours is {c:.6g} times torch's, everywhere"
        return
    offset = (a - e).mean()
    if np.allclose(a - e, offset, rtol, atol):
        yield f"ours is torch's plus {offset:.6g}, everywhere"
        return
    for axis in {min(1, a.ndim - 1), a.ndim - 1} if a.ndim > 1 else ():
        others = tuple(i for i in range(a.ndim) if i != axis)
        per = (a - e).mean(others, keepdims=True)
        if np.prod([a.shape[i] for i in others]) > 1 and np.allclose(a - e, per, rtol, atol):
            yield f"the error is one number for each place along axis {axis}: an offset per channel"
            return
        with np.errstate(all="ignore"):
            scale = (a * e).sum(others, keepdims=True) / (e * e).sum(others, keepdims=True)
        if np.prod([a.shape[i] for i in others]) > 1 and np.allclose(a, scale * e, rtol, atol):
            yield f"the factor is one number for each place along axis {axis}: a scale per channel"
            return
    if np.allclose(np.sort(a, None), np.sort(e, None), rtol, atol):
        yield "the same numbers in another order"


def _where(bad: np.ndarray) -> Iterator[str]:
    """Along which axis only some places differ, and whether they are the borders."""
    if bad.ndim >= 3 and min(bad.shape[-2:]) > 2:
        inside = bad[..., 1:-1, 1:-1]
        if not inside.any():
            yield "only at the borders"
            return
    for axis, size in enumerate(bad.shape):
        others = tuple(i for i in range(bad.ndim) if i != axis)
        places = np.flatnonzero(bad.any(others) if others else bad)
        if len(places) <= size // 2:
            some = ", ".join(map(str, places[:8])) + (", …" if len(places) > 8 else "")
            yield f"only at {some} of {size} along axis {axis}"
