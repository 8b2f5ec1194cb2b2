"""How far one array is from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scratchnet.interop.packing import Thinned

# relative and absolute, as torch.testing.assert_close has them; anything else must be equal
TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


@dataclass(frozen=True)
class Errors:
    """The largest errors of an array.

    Attributes
    ----------
    absolute : float
        Largest |ours − theirs|.
    relative : float
        Largest |ours − theirs| / |theirs|; 0 / 0 counts as 0.
    ulps : float
        Largest number of steps from one floating-point number to the next between the two.
    problem : str
        Empty, or why the two do not agree: "differs", or what cannot be compared.
    """

    absolute: float
    relative: float
    ulps: float
    problem: str = ""


def tolerance(dtype: np.dtype, rtol: float | None, atol: float | None) -> tuple[float, float]:
    default = TOLERANCES.get(dtype.name, (0.0, 0.0))
    return default[0] if rtol is None else rtol, default[1] if atol is None else atol


def thinned_like(ours: np.ndarray, theirs: np.ndarray | Thinned) -> tuple[np.ndarray, np.ndarray]:
    """Both as plain arrays: of ours the numbers that were kept of theirs."""
    if isinstance(theirs, Thinned):
        return ours.ravel()[:: theirs.step] if ours.shape == theirs.shape else ours, theirs.values
    return ours, theirs


def measure(ours: np.ndarray | None, theirs: Any, rtol: float | None, atol: float | None) -> Errors:
    """Compare an array of ours with torch's. None stands for one that is not there; of a gradient, as good as 0."""
    if ours is None or theirs is None:
        problem = "is missing" if ours is None else "is there, in torch it is not"
        return Errors(np.nan, np.nan, np.nan, problem) if theirs is not None or np.any(ours) else Errors(0.0, 0.0, 0.0)
    if ours.shape != theirs.shape:
        problem = f"has shape {_shape(ours.shape)}, torch's {_shape(theirs.shape)}"
        return Errors(np.nan, np.nan, np.nan, problem)
    a, e = thinned_like(ours, theirs)
    relative_tolerance, absolute_tolerance = tolerance(e.dtype, rtol, atol)
    problem = f"has dtype {a.dtype}, torch's {e.dtype}" if a.dtype != e.dtype else ""
    if not a.size:
        return Errors(0.0, 0.0, 0.0, problem)
    x, y = a.astype(np.float64), e.astype(np.float64)
    with np.errstate(all="ignore"):
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        absolute = np.where(same, 0.0, np.abs(x - y))
        absolute[np.isnan(absolute)] = np.inf
        relative = np.where(absolute == 0, 0.0, absolute / np.abs(y))
        relative[np.isnan(relative)] = np.inf
        near = absolute <= absolute_tolerance + relative_tolerance * np.abs(y)
        near = same | (near & np.isfinite(absolute))
    ulps = 0.0 if same.all() else ulps_between(a.astype(e.dtype), e)
    return Errors(float(absolute.max()), float(relative.max()), ulps, problem or ("" if near.all() else "differs"))


def close(actual: np.ndarray, expected: np.ndarray, rtol: float, atol: float) -> bool:
    """Whether two arrays of one shape agree, NaN with NaN."""
    if actual.shape != expected.shape:
        return False
    return bool(np.allclose(actual.astype(np.float64), expected.astype(np.float64), rtol, atol, equal_nan=True))


def ulps_between(a: np.ndarray, b: np.ndarray) -> float:
    """The largest number of floating-point numbers that lie between two of one dtype; infinite next to a NaN."""
    if a.dtype.kind != "f":
        return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())
    if (np.isnan(a) != np.isnan(b)).any():
        return float("inf")
    x, y = _rank(a), _rank(b)
    distance = np.where(np.isnan(a), np.uint64(0), np.maximum(x, y) - np.minimum(x, y))
    return float(distance.max())


def _rank(a: np.ndarray) -> np.ndarray:
    """The place of each number among all of its dtype: the bits, read as an integer, are in order for either sign."""
    bits = 8 * a.dtype.itemsize
    raw = a.view(f"u{a.dtype.itemsize}").astype(np.uint64)
    magnitude = raw & np.uint64(2 ** (bits - 1) - 1)
    middle = np.uint64(2 ** (bits - 1))
    return np.where(np.signbit(a), middle - magnitude, middle + magnitude)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "scalar"
