"""A line search for the strong conditions of Wolfe.

J. Nocedal and S. Wright, *Numerical Optimization* (2006), algorithms 3.5 and 3.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Point(NamedTuple):
    """A place on the line."""

    t: float
    loss: float
    gradient: Any
    slope: float


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic that has the losses and slopes of two points is least, between bounds."""
    low, high = bounds or (min(a.t, b.t), max(a.t, b.t))
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)), low), high)


def strong_wolfe(
    evaluate: Callable[[float], tuple[float, Any]],
    t: float,
    direction: Any,
    loss: float,
    gradient: Any,
    slope: float,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    tolerance_change: float = 1e-9,
    most: int = 25,
) -> tuple[float, Any, float, int]:
    """A t > 0 with  loss(t) ≤ loss(0) + c₁·t·slope(0)  and  |slope(t)| ≤ c₂·|slope(0)|.

    Parameters
    ----------
    evaluate : callable
        The loss and its gradient, an array of its own, at start + t · direction.
    t : float
        Where to begin.
    direction, gradient : vectors
    loss, slope : float
        At t = 0; slope = gradient · direction.
    decrease, curvature : float
        c₁ and c₂
    tolerance_change : float
        Give up when the interval is shorter than this over the largest element of `direction`.
    most : int
        Evaluations beyond the first.

    Returns
    -------
    loss, gradient, t, evaluations
    """

    def at(t: float) -> Point:
        value, g = evaluate(t)
        return Point(t, value, g, float(g @ direction))

    def too_high(point: Point) -> bool:
        return point.loss > loss + decrease * point.t * slope

    start = before = Point(0, loss, gradient, slope)
    point, count, bracket, done = at(t), 0, None, False
    while count < most:  # further and further, until an interval holds a point that will do
        if too_high(point) or (count > 1 and point.loss >= before.loss):
            bracket = [before, point]
        elif abs(point.slope) <= -curvature * slope:
            bracket, done = [point], True
        elif point.slope >= 0:
            bracket = [before, point]
        if bracket:
            break
        reach = point.t + 0.01 * (point.t - before.t), point.t * 10
        before, point = point, at(cubic_minimum(before, point, reach))
        count += 1
    calls = count + 1
    if bracket is None:
        bracket = [start, point]
    bracket.sort(key=lambda p: p.loss)  # the best first; of equals, the earlier
    stuck, largest = False, float(np.abs(direction).max())
    while not done and count < most:  # smaller and smaller
        best, other = bracket
        low, high = sorted((best.t, other.t))
        if (high - low) * largest < tolerance_change:
            break
        t, stuck = _away_from_the_ends(cubic_minimum(best, other), low, high, stuck)
        point, count, calls = at(t), count + 1, calls + 1
        if too_high(point) or point.loss >= best.loss:
            bracket = sorted([best, point], key=lambda p: p.loss)
            continue
        if abs(point.slope) <= -curvature * slope:
            done = True
        elif point.slope * (other.t - best.t) >= 0:
            other = best
        bracket = [point, other]
    best = bracket[0]
    return best.loss, best.gradient, best.t, calls


def _away_from_the_ends(t: float, low: float, high: float, stuck: bool) -> tuple[float, bool]:
    """t, or a tenth of the interval from its end when t was near an end twice; and whether t is near one now."""
    margin = 0.1 * (high - low)
    if min(high - t, t - low) >= margin:
        return t, False
    if stuck or t >= high or t <= low:
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
    return t, True
