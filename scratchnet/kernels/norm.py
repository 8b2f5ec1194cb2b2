"""Batch normalisation: statistics of channels, the normalisation itself, and its gradient.

S. Ioffe and C. Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift* (2015).  Arrays are [N, C] or [N, C, ...]; sums over a channel's M numbers run in float64, as
torch's do. """

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel

_SHORT = 8          # numbers of a channel side by side; fewer are quicker in NumPy, across the channels


def _axes(x):
    return (0, *range(2, x.ndim))


def _along_channels(vector, x):
    return vector.reshape(-1, *(1,) * (x.ndim - 2))


def _check(name, x, *vectors):
    if x.ndim < 2:
        raise ValueError(f"{name}: expected x of shape [N, C, ...], got {x.shape}")
    for vector in vectors:
        if vector is not None and vector.shape != (x.shape[1],):
            raise RuntimeError(f"{name}: expected vectors of {x.shape[1]} elements, one a channel, got "
                               f"shape {vector.shape}")


@kernel
def batch_norm_statistics(x, eps=1e-5):
    """Mean, biased variance and 1/√(variance + ε) of each channel.

    μ_c = Σ x / M,  σ²_c = Σ (x - μ_c)² / M

    Parameters
    ----------
    x : [N, C, ...], floating

    Returns
    -------
    mean, variance, inverse_std : [C], of x's dtype
    """
    _check("batch_norm_statistics", x)
    mean = x.mean(_axes(x), dtype=np.float64)
    variance = np.square(x - _along_channels(mean, x)).mean(_axes(x))
    return tuple(v.astype(x.dtype) for v in (mean, variance, 1 / np.sqrt(variance + eps)))


@kernel
def batch_norm_apply(x, mean, inverse_std, gamma=None, beta=None):
    """y = (x - μ_c)·inverse_std_c·γ_c + β_c, computed as x·scale_c + shift_c.

    Parameters
    ----------
    x : [N, C, ...]
    mean, inverse_std : [C], of the batch or running ones
    gamma, beta : [C], or None for ones and zeros
    """
    _check("batch_norm", x, mean, inverse_std, gamma, beta)
    scale, shift = _scale_and_shift(mean, inverse_std, gamma, beta)
    return x * _along_channels(scale, x) + _along_channels(shift, x)


def _scale_and_shift(mean, inverse_std, gamma, beta):
    scale = inverse_std if gamma is None else inverse_std * gamma
    return scale, (0 if beta is None else beta) - mean * scale


@kernel
def batch_norm_backward(g, x, mean, inverse_std, gamma=None, training=True):
    """The gradient of batch_norm_apply to x, γ and β; in training also through the statistics of the batch.

    With x̂ = (x - μ)·inverse_std:  gγ = Σ g·x̂,  gβ = Σ g,  gx = γ·inverse_std·(g - gβ/M - x̂·gγ/M),
    and gx = γ·inverse_std·g when not training.

    Parameters
    ----------
    g, x : [N, C, ...]
    mean, inverse_std, gamma : [C]

    Returns
    -------
    gx : [N, C, ...]
    ggamma, gbeta : [C]
    """
    _check("batch_norm_backward", x, mean, inverse_std, gamma)
    _check_gradient(g, x)
    x_hat = (x - _along_channels(mean, x)) * _along_channels(inverse_std, x)
    ggamma = (g * x_hat).sum(_axes(x), dtype=np.float64).astype(x.dtype)
    gbeta = g.sum(_axes(x), dtype=np.float64).astype(x.dtype)
    scale = inverse_std if gamma is None else inverse_std * gamma
    if training and x.size:
        count = x.size // x.shape[1]
        g = g - _along_channels(gbeta / count, x) - x_hat * _along_channels(ggamma / count, x)
    return g * _along_channels(scale, x), ggamma, gbeta


def _check_gradient(g, x):
    if g.shape != x.shape:
        raise RuntimeError(f"batch_norm_backward: expected g of x's shape {x.shape}, got {g.shape}")


@jit(reassociate=True)
def _statistics_loop(start, stop, x, eps, mean, variance, inverse_std):
    """Channels of x [N, C, L]."""
    count = x.shape[0] * x.shape[2]
    for c in range(start, stop):
        total = 0.0
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                total += x[n, c, i]
        centre, squares = total / count, 0.0
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                d = x[n, c, i] - centre
                squares += d * d
        mean[c], variance[c], inverse_std[c] = centre, squares / count, 1 / math.sqrt(squares / count + eps)


@jit
def _apply_loop(start, stop, x, scale, shift, y):
    for n in range(start, stop):
        for c in range(x.shape[1]):
            for i in range(x.shape[2]):
                y[n, c, i] = x[n, c, i] * scale[c] + shift[c]


@jit(reassociate=True)
def _backward_loop(start, stop, g, x, mean, inverse_std, scale, training, gx, ggamma, gbeta):
    """Channels of g, x [N, C, L]."""
    count = x.shape[0] * x.shape[2]
    for c in range(start, stop):
        total, weighted = 0.0, 0.0
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                total += g[n, c, i]
                weighted += g[n, c, i] * ((x[n, c, i] - mean[c]) * inverse_std[c])
        ggamma[c], gbeta[c] = weighted, total
        # gx = scale·g + slope·x + shift: one pass
        slope = -scale[c] * inverse_std[c] * ggamma[c] / count if training else x.dtype.type(0)
        shift = -scale[c] * gbeta[c] / count if training else x.dtype.type(0)
        a, b, d, m = scale[c], x.dtype.type(slope), x.dtype.type(shift), mean[c]
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                gx[n, c, i] = a * g[n, c, i] + b * (x[n, c, i] - m) + d


def _planes(x):
    """[N, C, ...] as [N, C, L]."""
    return dense(x).reshape(x.shape[0], x.shape[1], math.prod(x.shape[2:]))


def _served(*arrays):
    return compilable(*arrays) and arrays[0].size > 0 and math.prod(arrays[0].shape[2:]) >= _SHORT


@batch_norm_statistics.cpu
def _statistics_cpu(x, eps=1e-5):
    _check("batch_norm_statistics", x)
    if not _served(x):
        return NotImplemented
    mean, variance, inverse_std = (np.empty(x.shape[1], x.dtype) for _ in range(3))
    parallel_for(_statistics_loop, x.shape[1], x.size // x.shape[1],
                 _planes(x), float(eps), mean, variance, inverse_std)
    return mean, variance, inverse_std


@batch_norm_apply.cpu
def _apply_cpu(x, mean, inverse_std, gamma=None, beta=None):
    _check("batch_norm", x, mean, inverse_std, gamma, beta)
    scale, shift = _scale_and_shift(mean, inverse_std, gamma, beta)
    if not _served(x, scale, shift):
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    parallel_for(_apply_loop, len(x), x.size // len(x), _planes(x), dense(scale), dense(shift), _planes(y))
    return y


@batch_norm_backward.cpu
def _backward_cpu(g, x, mean, inverse_std, gamma=None, training=True):
    _check("batch_norm_backward", x, mean, inverse_std, gamma)
    _check_gradient(g, x)
    scale = inverse_std if gamma is None else inverse_std * gamma
    if not _served(x, g, mean, inverse_std, scale):
        return NotImplemented
    gx, ggamma, gbeta = (np.empty(shape, x.dtype) for shape in (x.shape, x.shape[1], x.shape[1]))
    parallel_for(_backward_loop, x.shape[1], 2 * (x.size // x.shape[1]), _planes(g), _planes(x), dense(mean),
                 dense(inverse_std), dense(scale), bool(training), _planes(gx), ggamma, gbeta)
    return gx, ggamma, gbeta
