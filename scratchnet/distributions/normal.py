"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.distributions.distribution import Distribution, broadcast_parameters
from scratchnet.ops import erf, normal, randn


class Normal(Distribution):
    """p(x) = exp(-(x - loc)² / (2 scale²)) / (scale √(2π))

    Parameters
    ----------
    loc, scale : Tensor or float
        Mean and standard deviation; they broadcast.
    """

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_parameters(loc, scale)
        super().__init__(self.loc.array.shape, validate_args=validate_args)
        self._check(
            loc=(self.loc, ~np.isnan(self.loc.array), "Real()"),
            scale=(self.scale, self.scale.array > 0, "GreaterThan(lower_bound=0.0)"),
        )

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.scale**2

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended(sample_shape)
        with no_grad():
            return normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + ε scale,  ε ~ N(0, 1)"""
        return self.loc + randn(self._extended(sample_shape), dtype=self.loc.array.dtype) * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(value, lambda x: ~np.isnan(x), "Real()")
        z = (value - self.loc) ** 2 / (2 * self.scale**2)
        return -z - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def cdf(self, value: Tensor) -> Tensor:
        """P(X ≤ value)"""
        self._check_value(value, lambda x: ~np.isnan(x), "Real()")
        return 0.5 * (1 + erf((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)))

    def entropy(self) -> Tensor:
        """½ + ½ log 2π + log scale"""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()
