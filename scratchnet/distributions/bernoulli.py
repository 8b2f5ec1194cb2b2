"""The distribution of a coin's side."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.distributions.distribution import Distribution, broadcast_parameters, clamp_probs, one_of
from scratchnet.nn import functional as F
from scratchnet.ops import bernoulli, broadcast_tensors


class Bernoulli(Distribution):
    """P(1) = p = σ(logits),  P(0) = 1 - p

    Parameters
    ----------
    probs : Tensor or float, optional
        p, in [0, 1].
    logits : Tensor or float, optional
        log(p / (1 - p)), in its place.
    """

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        (given,) = broadcast_parameters(one_of(probs, logits))
        super().__init__(given.array.shape, validate_args=validate_args)
        if probs is None:
            self.logits = given
            self._check(logits=(given, ~np.isnan(given.array), "Real()"))
        else:
            self.probs = given
            self._check(probs=(given, (given.array >= 0) & (given.array <= 1), "Interval(lower_bound=0.0, upper_bound=1.0)"))

    @cached_property
    def probs(self) -> Tensor:
        """σ(logits)"""
        return self.logits.sigmoid()

    @cached_property
    def logits(self) -> Tensor:
        """log(p / (1 - p))"""
        p = clamp_probs(self.probs)
        return p.log() - (-p).log1p()

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(value, lambda x: (x == 0) | (x == 1), "Boolean()")
        logits, value = broadcast_tensors(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        """-p log p - (1 - p) log(1 - p)"""
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
