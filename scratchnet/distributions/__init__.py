"""Probability distributions, batched: densities that can be differentiated, and samples from torch's stream."""

from scratchnet.distributions import bernoulli, categorical, kl, normal, uniform
from scratchnet.distributions.bernoulli import Bernoulli
from scratchnet.distributions.categorical import Categorical
from scratchnet.distributions.distribution import Distribution
from scratchnet.distributions.kl import kl_divergence, register_kl
from scratchnet.distributions.normal import Normal
from scratchnet.distributions.uniform import Uniform

__all__ = ["Bernoulli", "Categorical", "Distribution", "Normal", "Uniform", "kl_divergence", "register_kl"]
