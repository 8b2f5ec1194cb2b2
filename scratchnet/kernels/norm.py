"""What all normalisations share: accurate mean and variance, and the passes over one contiguous vector.

Batch, layer, group, instance and RMS norm differ in which numbers share a mean and a variance, not in what
is done with them.  Of a vector x with mean m they compute y = (x - m)·a + b; of its gradient g the sums Σ g
and Σ g·(x - m); and then gx = a·g + b·(x - m) + c.
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.registry import dense
from scratchnet.kernels.vector_loops import sum_of

_BLOCK = 2048               # numbers: what is read twice stays in the fastest cache


def check_vectors(name, count, *vectors):
    """Refuse what is neither None nor a vector of ``count`` elements."""
    for vector in vectors:
        if vector is not None and vector.shape != (count,):
            raise RuntimeError(f"{name}: expected a vector of {count} elements, got shape {vector.shape}")


def vector_or(vector, value, count, dtype):
    """The vector as compiled loops take it; instead of None, ``count`` times ``value``."""
    return np.full(count, value, dtype) if vector is None else dense(vector)


@jit
def moments(x):
    """The mean of a vector's numbers and Σ (x - mean)², as float64.

    Block by block, each twice: a sum of squares minus a squared sum would cancel where the mean is large.  The first
    pass need only come near the mean; the second finds how far it was off.  (T. Chan, G. Golub and R. LeVeque,
    *Algorithms for Computing the Sample Variance: Analysis and Recommendations*, 1983.)
    """
    mean, squares = 0.0, 0.0
    for start in range(0, len(x), _BLOCK):
        block = x[start:start + _BLOCK]
        centre = x.dtype.type(sum_of(block) / len(block))
        off, spread = _deviations(block, centre)
        off /= len(block)
        mean, squares = merge_moments(start, mean, squares, len(block), float(centre) + off, spread - off * off * len(block))
    return mean, squares


@jit
def _difference(a, b):
    """a - b, in a function of its own: the sums below may be reordered, this may not."""
    return a - b


@jit(reassociate=True)
def _deviations(x, centre):
    """Σ (x - centre) and Σ (x - centre)²"""
    total, squares = x.dtype.type(0), x.dtype.type(0)
    for i in range(len(x)):
        d = _difference(x[i], centre)
        total += d
        squares += d * d
    return float(total), float(squares)


@jit
def merge_moments(count, mean, squares, more, more_mean, more_squares):
    """Mean and Σ (x - mean)² of ``count + more`` numbers, from those of its parts.

    T. Chan, G. Golub and R. LeVeque, *Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances* (1979).
    """
    if count == 0:
        return more_mean, more_squares
    share, delta = more / (count + more), more_mean - mean
    return mean + delta * share, squares + more_squares + delta * delta * count * share


@jit
def scale_and_shift(x, mean, scale, shift, y):
    """y = (x - mean)·scale + shift"""
    for i in range(len(x)):
        y[i] = (x[i] - mean) * scale + shift


@jit(reassociate=True)
def gradient_sums(g, x, mean):
    """Σ g and Σ g·(x - mean), in float64."""
    total, weighted = 0.0, 0.0
    for i in range(len(x)):
        total += g[i]
        weighted += g[i] * (x[i] - mean)
    return total, weighted


@jit
def gradient_line(g, x, mean, scale, slope, shift, gx):
    """gx = scale·g + slope·(x - mean) + shift"""
    for i in range(len(x)):
        gx[i] = scale * g[i] + slope * (x[i] - mean) + shift
