"""Numbers of events: Poisson and binomial draws from uniform numbers, in the order in which torch uses them up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from scratchnet._mersenne import MersenneTwister

# log k! − Stirling's approximation of it, k = 0 … 9
_TAILS = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def poisson(rate: float, uniforms: Iterator[float]) -> float:
    """How many events happen in the time in which `rate` are expected.

    Below 10: how many uniform numbers can be multiplied before the product falls below exp(-rate). From 10 on:
    transformed rejection (W. Hörmann, *The transformed rejection method for generating Poisson random variables*, 1993).
    """
    if rate == 0:
        return 0.0
    if rate < 10:
        end, product, events = math.exp(-rate), next(uniforms), 0
        while product > end:
            product *= next(uniforms)
            events += 1
        return float(events)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha, v_r = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = next(uniforms) - 0.5, next(uniforms)
        us = 0.5 - abs(u)
        if us == 0:  # the hat has no end there
            continue
        k = float(math.floor((2 * a / us + b) * u + rate + 0.43))
        if us >= 0.07 and v <= v_r:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if _log(v) + math.log(inverse_alpha) - math.log(a / us**2 + b) <= (
            -rate + k * math.log(rate) - math.lgamma(k + 1)
        ):
            return k


def binomial(count: float, prob: float, uniforms: Iterator[float]) -> float:
    """How many of `count` trials succeed, each with probability `prob`."""
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return count
    if math.isnan(prob):
        return prob
    rarer = prob if prob <= 0.5 else 1 - prob
    events = (_by_rejection if count * rarer >= 10 else _by_waiting)(count, rarer, uniforms)
    return events if prob <= 0.5 else count - events


def _by_waiting(count: float, prob: float, uniforms: Iterator[float]) -> float:
    """How many waiting times, ⌈log u / log(1 - p)⌉ trials each, fit into `count` trials."""
    trials, events, log_failure = 0.0, -1, math.log1p(-prob)
    while trials <= count:
        trials += _ceil(_log(next(uniforms)) / log_failure)
        events += 1
    return float(events)


def _by_rejection(count: float, prob: float, uniforms: Iterator[float]) -> float:
    """Transformed rejection: W. Hörmann, *The generation of binomial random variates* (1993), algorithm BTRS."""
    deviation = math.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    c, v_r, odds = count * prob + 0.5, 0.92 - 4.2 / b, prob / (1 - prob)
    alpha, mode = (2.83 + 5.1 / b) * deviation, float(math.floor((count + 1) * prob))
    while True:
        u, v = next(uniforms) - 0.5, next(uniforms)
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = float(math.floor((2 * a / us + b) * u + c))
        if not 0 <= k <= count:
            continue
        if us >= 0.07 and v <= v_r:
            return k
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
            + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
            + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
            + (_tail(mode) + _tail(count - mode) - _tail(k) - _tail(count - k))
        )
        if _log(v * alpha / (a / us**2 + b)) <= bound:
            return k


def _tail(k: float) -> float:
    if k <= 9:
        return _TAILS[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _log(x: float) -> float:
    return math.log(x) if x else -math.inf


def _ceil(x: float) -> float:
    return x if math.isinf(x) else float(math.ceil(x))


class Counts(MersenneTwister):
    """The draws of a generator that count events."""

    def poisson(self, rate: np.ndarray) -> np.ndarray:
        """Numbers of events of which `rate` are expected, in its shape and dtype."""
        if not np.all((rate >= 0) & (rate < 2.0**63)):
            raise RuntimeError("invalid Poisson rate, expected rate to be non-negative (and below 2**63)")
        with self._lock:
            return self._sample(poisson, rate)

    def binomial(self, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
        """How many of `count` trials succeed with probability `prob`, both of one shape."""
        if not np.all(np.isfinite(count)):
            raise RuntimeError("binomial: expected every element of count to be finite")
        with self._lock:
            return self._sample(binomial, count, prob)

    def _sample(self, one: Callable[..., float], *parameters: np.ndarray) -> np.ndarray:
        """`one(*numbers, uniforms)` for each place; it takes as many uniform float64 numbers as it happens to need."""
        start, used = self._bits.state, 0

        def uniforms() -> Iterator[float]:
            nonlocal used
            while True:
                for u in self._unit(1024).tolist():
                    used += 1
                    yield u

        stream, first = uniforms(), parameters[0]
        values = [one(*numbers, stream) for numbers in zip(*(p.ravel().tolist() for p in parameters))]
        self._bits.state = start
        self._words64(used)  # the stream goes on behind the last one used
        return np.array(values, first.dtype).reshape(first.shape)
