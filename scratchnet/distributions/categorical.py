"""The distribution of one of K classes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.distributions.distribution import Distribution, clamp_probs, one_of
from scratchnet.nn import functional as F
from scratchnet.ops import broadcast_tensors, full_like, multinomial


class Categorical(Distribution):
    """P(k) = p_k = exp(logits_k) / Σ_j exp(logits_j)

    Parameters
    ----------
    probs : Tensor, optional
        Weights of the classes, [*batch_shape, K]; they are divided by their sum.
    logits : Tensor, optional
        Their logarithms, up to a constant, in their place.
    """

    def __init__(
        self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None
    ) -> None:
        given: Tensor = one_of(probs, logits)
        if not given.array.ndim:
            raise ValueError(f"`{'logits' if probs is None else 'probs'}` parameter must be at least one-dimensional.")
        self._num_events = given.array.shape[-1]
        super().__init__(given.array.shape[:-1], validate_args=validate_args)
        if probs is None:
            self.logits = given - given.logsumexp(-1, keepdim=True)
            real = ~np.isnan(self.logits.array)
            self._check(logits=(self.logits, real, "IndependentConstraint(Real(), 1)"))
        else:
            self.probs = given / given.sum(-1, keepdim=True)
            p = self.probs.array
            self._check(probs=(self.probs, (p >= 0) & (abs(p.sum(-1, keepdims=True) - 1) < 1e-6), "Simplex()"))

    @cached_property
    def probs(self) -> Tensor:
        """softmax(logits)"""
        return F.softmax(self.logits, -1)

    @cached_property
    def logits(self) -> Tensor:
        """log p"""
        return clamp_probs(self.probs).log()

    @property
    def mean(self) -> Tensor:
        """NaN: classes are no numbers."""
        return full_like(self.probs[..., 0], np.nan)

    variance = mean

    @property
    def mode(self) -> Tensor:
        """The likeliest class."""
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        n = int(np.prod(sample_shape, dtype=int))
        with no_grad():
            drawn = multinomial(self.probs.reshape(-1, self._num_events), n, True)
        return drawn.T.reshape(self._extended(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        last = self._num_events - 1
        self._check_value(value, lambda x: (x % 1 == 0) & (x >= 0) & (x <= last), f"IntegerInterval(0, {last})")
        classes, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, classes[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        """-Σ_k p_k log p_k"""
        logits = self.logits.clamp(min=float(np.finfo(self.logits.array.dtype).min))
        return -(logits * self.probs).sum(-1)
