"""Kullback-Leibler divergences KL(p ‖ q) = E_p[log p - log q] (Kullback, Leibler: On Information and Sufficiency, 1951)."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from scratchnet.autograd.tensor import Tensor
from scratchnet.distributions.bernoulli import Bernoulli
from scratchnet.distributions.categorical import Categorical
from scratchnet.distributions.distribution import Distribution
from scratchnet.distributions.normal import Normal
from scratchnet.distributions.uniform import Uniform
from scratchnet.nn.functional import softplus
from scratchnet.ops import where

_FORMULAS: dict[tuple[type, type], Callable] = {}


def register_kl(type_p: type, type_q: type) -> Callable:
    """A decorator: the function gives `kl_divergence(p, q)` for p and q of these types, or of their subclasses."""

    def register(formula: Callable) -> Callable:
        _FORMULAS[type_p, type_q] = formula
        return formula

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q) in nats, [*batch_shape].

    Raises
    ------
    NotImplementedError
        If there is no formula for the two types.
    """
    for type_p in type(p).__mro__:
        for type_q in type(q).__mro__:
            if (type_p, type_q) in _FORMULAS:
                return _FORMULAS[type_p, type_q](p, q)
    raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}")


@register_kl(Normal, Normal)
def _normals(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(Uniform, Uniform)
def _uniforms(p: Uniform, q: Uniform) -> Tensor:
    outside = (q.low > p.low) | (q.high < p.high)
    return where(outside, inf, ((q.high - q.low) / (p.high - p.low)).log())


@register_kl(Bernoulli, Bernoulli)
def _bernoullis(p: Bernoulli, q: Bernoulli) -> Tensor:
    # log σ(x) = -softplus(-x): finite where p or q rounds to 0 or 1
    of_one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    of_zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    of_one = _where_possible(of_one, p.probs.eq(0), q.probs.eq(0))
    return of_one + _where_possible(of_zero, p.probs.eq(1), q.probs.eq(1))


@register_kl(Categorical, Categorical)
def _categoricals(p: Categorical, q: Categorical) -> Tensor:
    return _where_possible(p.probs * (p.logits - q.logits), p.probs.eq(0), q.probs.eq(0)).sum(-1)


def _where_possible(term: Tensor, never_in_p: Tensor, never_in_q: Tensor) -> Tensor:
    """0 where p does not go, ∞ where it does and q does not."""
    return where(never_in_p, 0.0, where(never_in_q, inf, term))
