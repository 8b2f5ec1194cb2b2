"""The length of a weight over the length of its step: what LARS and LAMB scale the rate of each layer by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def norm(x: Any) -> float:
    """‖x‖₂ of an array of any shape."""
    x = x.astype(np.float32) if x.dtype.itemsize < 4 else x  # whose square may be too large for float16
    return math.sqrt(float(np.vdot(x, x)))


def trust_ratio(weight: float, step: float, coefficient: float = 1.0) -> float:
    """coefficient · ‖w‖ / ‖step‖, and 1 where either is 0: a bias that starts at 0 must be able to move.

    >>> trust_ratio(6.0, 3.0), trust_ratio(0.0, 3.0)
    (2.0, 1.0)
    """
    return coefficient * weight / step if weight > 0 and step > 0 else 1.0
