"""The uniform distribution over an interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.distributions.distribution import Distribution, broadcast_parameters
from scratchnet.ops import rand


class Uniform(Distribution):
    """p(x) = 1 / (high - low) in [low, high), else 0.

    Parameters
    ----------
    low, high : Tensor or float
        The ends of the interval; they broadcast.
    """

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_parameters(low, high)
        super().__init__(self.low.array.shape, validate_args=validate_args)
        if self._validate_args and not np.all(self.low.array < self.high.array):
            raise ValueError("Uniform is not defined when low>= high")

    @property
    def mean(self) -> Tensor:
        return (self.high + self.low) / 2

    @property
    def stddev(self) -> Tensor:
        return (self.high - self.low) / 12**0.5

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """low + u (high - low),  u ~ U[0, 1)"""
        u = rand(self._extended(sample_shape), dtype=self.low.array.dtype)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_in_interval(value)
        inside = (self.low <= value) & (value < self.high)
        return inside.type_as(self.low).log() - (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        """P(X ≤ value)"""
        self._check_in_interval(value)
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def entropy(self) -> Tensor:
        """log(high - low)"""
        return (self.high - self.low).log()

    def _check_in_interval(self, value: Tensor) -> None:
        low, high = self.low.array, self.high.array
        self._check_value(value, lambda x: (x >= low) & (x <= high), "Interval(low, high)")
