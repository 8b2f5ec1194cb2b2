"""Batch normalisation: statistics of channels, the normalisation itself, and its gradient.

S. Ioffe and C. Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal
Covariate Shift* (2015).  Arrays are [N, C] or [N, C, ...]; sums over a channel's M numbers run in float64, as
torch's do.
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.norm import (
    check_vectors,
    gradient_line,
    gradient_sums,
    merge_moments,
    moments,
    scale_and_shift,
    vector_or,
)
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel


def _axes(x):
    return (0, *range(2, x.ndim))


def _along_channels(vector, x):
    return vector.reshape(-1, *(1,) * (x.ndim - 2))


def _check(name, x, *vectors):
    if x.ndim < 2:
        raise ValueError(f"{name}: expected x of shape [N, C, ...], got {x.shape}")
    check_vectors(name, x.shape[1], *vectors)


@kernel
def batch_norm(x, gamma=None, beta=None, eps=1e-5):
    """y = (x - μ_c) / √(σ²_c + ε)·γ_c + β_c with the mean and the biased variance of each channel in the batch.

    μ_c = Σ x / M,  σ²_c = Σ (x - μ_c)² / M

    Parameters
    ----------
    x : [N, C, ...], floating
    gamma, beta : [C], or None for ones and zeros

    Returns
    -------
    y : [N, C, ...]
    mean, variance, inverse_std : [C], of x's dtype; inverse_std = 1/√(variance + ε)
    """
    _check("batch_norm", x, gamma, beta)
    mean = x.mean(_axes(x), dtype=np.float64)
    variance = np.square(x - _along_channels(mean, x)).mean(_axes(x))
    mean, variance, inverse_std = (v.astype(x.dtype) for v in (mean, variance, 1 / np.sqrt(variance + eps)))
    return batch_norm_apply.reference(x, mean, inverse_std, gamma, beta), mean, variance, inverse_std


@kernel
def batch_norm_apply(x, mean, inverse_std, gamma=None, beta=None):
    """y = (x - μ_c)·inverse_std_c·γ_c + β_c, with given statistics.

    Parameters
    ----------
    x : [N, C, ...]
    mean, inverse_std : [C]
    gamma, beta : [C], or None for ones and zeros
    """
    _check("batch_norm", x, mean, inverse_std, gamma, beta)
    y = (x - _along_channels(mean, x)) * _along_channels(_scale(inverse_std, gamma), x)
    return y if beta is None else y + _along_channels(beta, x)


def _scale(inverse_std, gamma):
    return inverse_std if gamma is None else inverse_std * gamma


@kernel
def batch_norm_backward(g, x, mean, inverse_std, gamma=None, training=True):
    """The gradient of batch_norm to x, γ and β; if not training, of batch_norm_apply.

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
    _check_backward(g, x, mean, inverse_std, gamma)
    x_hat = (x - _along_channels(mean, x)) * _along_channels(inverse_std, x)
    ggamma = (g * x_hat).sum(_axes(x), dtype=np.float64).astype(x.dtype)
    gbeta = g.sum(_axes(x), dtype=np.float64).astype(x.dtype)
    if training and x.size:
        count = x.size // x.shape[1]
        g = g - _along_channels(gbeta / count, x) - x_hat * _along_channels(ggamma / count, x)
    return g * _along_channels(_scale(inverse_std, gamma), x), ggamma, gbeta


def _check_backward(g, x, *vectors):
    _check("batch_norm_backward", x, *vectors)
    if g.shape != x.shape:
        raise RuntimeError(f"batch_norm_backward: expected g of x's shape {x.shape}, got {g.shape}")


@jit
def _forward_loop(start, stop, x, gamma, beta, eps, y, mean, variance, inverse_std):
    """Channels of x [N, C, L]."""
    batch, length = x.shape[0], x.shape[2]
    for c in range(start, stop):
        centre, squares = 0.0, 0.0
        for n in range(batch):
            m, s = moments(x[n, c])
            centre, squares = merge_moments(n * length, centre, squares, length, m, s)
        squares /= batch * length
        mean[c], variance[c], inverse_std[c] = centre, squares, 1 / math.sqrt(squares + eps)
        for n in range(batch):
            scale_and_shift(x[n, c], mean[c], gamma[c] * inverse_std[c], beta[c], y[n, c])


@jit
def _apply_loop(start, stop, x, mean, scale, beta, y):
    """Planes of x [N, C, L]."""
    channels = x.shape[1]
    for plane in range(start, stop):
        n, c = plane // channels, plane % channels
        scale_and_shift(x[n, c], mean[c], scale[c], beta[c], y[n, c])


@jit
def _backward_loop(start, stop, g, x, mean, inverse_std, scale, training, gx, ggamma, gbeta):
    """Channels of g, x [N, C, L]."""
    count = x.shape[0] * x.shape[2]
    for c in range(start, stop):
        total, weighted = 0.0, 0.0
        for n in range(x.shape[0]):
            t, w = gradient_sums(g[n, c], x[n, c], mean[c])
            total += t
            weighted += w
        weighted *= inverse_std[c]
        ggamma[c], gbeta[c] = weighted, total
        slope = x.dtype.type(-scale[c] * inverse_std[c] * weighted / count)
        shift = x.dtype.type(-scale[c] * total / count)
        for n in range(x.shape[0]):
            if training:
                gradient_line(g[n, c], x[n, c], mean[c], scale[c], slope, shift, gx[n, c])
            else:                       # whatever x is: 0·∞ is not 0
                scale_and_shift(g[n, c], x.dtype.type(0), scale[c], x.dtype.type(0), gx[n, c])


def _planes(x):
    """[N, C, ...] as [N, C, L].  A channel of [N, C] is a column: transposed, it is one contiguous plane."""
    if x.ndim == 2:
        return dense(x.T).reshape(1, x.shape[1], x.shape[0])
    return dense(x).reshape(x.shape[0], x.shape[1], math.prod(x.shape[2:]))


def _restored(planes, x):
    """What was computed of `_planes(x)`, in x's shape."""
    return dense(planes[0].T) if x.ndim == 2 else planes.reshape(x.shape)


@batch_norm.cpu
def _batch_norm_cpu(x, gamma=None, beta=None, eps=1e-5):
    _check("batch_norm", x, gamma, beta)
    gamma, beta = (vector_or(v, i, x.shape[1], x.dtype) for v, i in ((gamma, 1), (beta, 0)))
    if not compilable(x, gamma, beta) or x.size == 0:
        return NotImplemented
    planes = _planes(x)
    y = np.empty(planes.shape, x.dtype)
    mean, variance, inverse_std = (np.empty(x.shape[1], x.dtype) for _ in range(3))
    parallel_for(_forward_loop, x.shape[1], 2 * (x.size // x.shape[1]), planes, gamma, beta, float(eps), y,
                 mean, variance, inverse_std)
    return _restored(y, x), mean, variance, inverse_std


@batch_norm_apply.cpu
def _apply_cpu(x, mean, inverse_std, gamma=None, beta=None):
    _check("batch_norm", x, mean, inverse_std, gamma, beta)
    scale, beta = _scale(inverse_std, gamma), vector_or(beta, 0, x.shape[1], x.dtype)
    if not compilable(x, mean, scale, beta) or x.size == 0 or x.ndim == 2:
        return NotImplemented
    planes = _planes(x)
    y = np.empty(planes.shape, x.dtype)
    parallel_for(_apply_loop, x.shape[0] * x.shape[1], planes.shape[2], planes, dense(mean), dense(scale), beta, y)
    return _restored(y, x)


@batch_norm_backward.cpu
def _backward_cpu(g, x, mean, inverse_std, gamma=None, training=True):
    _check_backward(g, x, mean, inverse_std, gamma)
    scale = _scale(inverse_std, gamma)
    if not compilable(x, g, mean, inverse_std, scale) or x.size == 0:
        return NotImplemented
    planes = _planes(x)
    gx, ggamma, gbeta = (np.empty(shape, x.dtype) for shape in (planes.shape, x.shape[1], x.shape[1]))
    parallel_for(_backward_loop, x.shape[1], 2 * (x.size // x.shape[1]), _planes(g), planes, dense(mean),
                 dense(inverse_std), dense(scale), bool(training), gx, ggamma, gbeta)
    return _restored(gx, x), ggamma, gbeta
