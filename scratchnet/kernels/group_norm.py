"""Group normalisation and its gradient; with as many groups as channels, instance normalisation.

Y. Wu and K. He, *Group Normalization* (2018); D. Ulyanov, A. Vedaldi and V. Lempitsky, *Instance
Normalization: The Missing Ingredient for Fast Stylization* (2016).
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.norm import check_vectors, gradient_line, gradient_sums, moments, scale_and_shift, vector_or
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel


def _check(name, x, groups, *vectors):
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise ValueError(f"{name}: expected x of shape [N, C, ...] with C divisible by {groups} groups, "
                         f"got {x.shape}")
    check_vectors(name, x.shape[1], *vectors)


def _grouped(x, groups):
    """[N, C, ...] as [N·G, C/G, L]: a group is contiguous."""
    return x.reshape(x.shape[0] * groups, x.shape[1] // groups, math.prod(x.shape[2:]))


def _channels(vector, x, groups):
    """[C] for [N·G, C/G, L]: [N·G, C/G, 1]."""
    return np.tile(vector.reshape(groups, -1), (x.shape[0], 1))[:, :, None]


@kernel
def group_norm(x, groups, gamma=None, beta=None, eps=1e-5):
    """y = (x - μ) / √(σ² + ε)·γ_c + β_c with the mean and the biased variance of each group of channels in each image.

    Parameters
    ----------
    x : [N, C, ...], floating
    groups : G, a divisor of C
    gamma, beta : [C], or None for ones and zeros

    Returns
    -------
    y : [N, C, ...]
    mean, variance, inverse_std : [N·G], of x's dtype; inverse_std = 1/√(variance + ε)
    """
    _check("group_norm", x, groups, gamma, beta)
    z = _grouped(x, groups)
    mean = z.mean((1, 2), dtype=np.float64)
    variance = np.square(z - mean[:, None, None]).mean((1, 2))
    mean, variance, inverse_std = (v.astype(x.dtype) for v in (mean, variance, 1 / np.sqrt(variance + eps)))
    y = (z - mean[:, None, None]) * inverse_std[:, None, None]
    if gamma is not None:
        y *= _channels(gamma, x, groups)
    if beta is not None:
        y += _channels(beta, x, groups)
    return y.reshape(x.shape), mean, variance, inverse_std


@kernel
def group_norm_backward(g, x, groups, mean, inverse_std, gamma=None):
    """The gradient of group_norm to x, γ and β.

    With x̂ = (x - μ)·inverse_std, h = γ_c·g and means over the group:
    gx = inverse_std·(h - mean(h) - x̂·mean(h·x̂)),  gγ_c = Σ g·x̂,  gβ_c = Σ g

    Parameters
    ----------
    g, x : [N, C, ...]
    mean, inverse_std : [N·G]
    gamma : [C] or None

    Returns
    -------
    gx : [N, C, ...]
    ggamma, gbeta : [C]
    """
    _check_backward(g, x, groups, mean, inverse_std, gamma)
    h = _grouped(g, groups)
    x_hat = (_grouped(x, groups) - mean[:, None, None]) * inverse_std[:, None, None]
    ggamma, gbeta = (v.sum(2, dtype=np.float64).reshape(x.shape[:2]).sum(0).astype(x.dtype) for v in (h * x_hat, h))
    if gamma is not None:
        h = h * _channels(gamma, x, groups)
    slope, shift = ((v.sum((1, 2), keepdims=True, dtype=np.float64) / max(math.prod(h.shape[1:]), 1)).astype(x.dtype)
                    for v in (h * x_hat, h))
    return ((h - shift - x_hat * slope) * inverse_std[:, None, None]).reshape(x.shape), ggamma, gbeta


def _check_backward(g, x, groups, mean, inverse_std, gamma):
    _check("group_norm_backward", x, groups, gamma)
    check_vectors("group_norm_backward", len(x) * groups, mean, inverse_std)
    if g.shape != x.shape:
        raise RuntimeError(f"group_norm_backward: expected g of x's shape {x.shape}, got {g.shape}")


@jit
def _forward_loop(start, stop, x, gamma, beta, eps, y, mean, variance, inverse_std):
    """Groups of x [N·G, C/G, L]; gamma, beta [G, C/G]."""
    channels, length = x.shape[1:]
    for r in range(start, stop):
        centre, squares = moments(x[r].reshape(channels * length))
        squares /= channels * length
        mean[r], variance[r], inverse_std[r] = centre, squares, 1 / math.sqrt(squares + eps)
        group = r % len(gamma)
        for k in range(channels):
            scale_and_shift(x[r, k], mean[r], inverse_std[r] * gamma[group, k], beta[group, k], y[r, k])


@jit
def _backward_loop(start, stop, g, x, mean, inverse_std, gamma, gx, ggamma, gbeta):
    """Groups of g, x [N·G, C/G, L]; float64 ggamma, gbeta [N·G, C/G] are the shares of each image."""
    channels, length = x.shape[1:]
    for r in range(start, stop):
        group, scale = r % len(gamma), inverse_std[r]
        total, weighted = 0.0, 0.0
        for k in range(channels):
            t, w = gradient_sums(g[r, k], x[r, k], mean[r])
            gbeta[r, k], ggamma[r, k] = t, w * scale
            total += t * gamma[group, k]
            weighted += w * gamma[group, k]
        shift = x.dtype.type(-scale * total / (channels * length))
        slope = x.dtype.type(-scale * scale * scale * weighted / (channels * length))
        for k in range(channels):
            gradient_line(g[r, k], x[r, k], mean[r], scale * gamma[group, k], slope, shift, gx[r, k])


@group_norm.cpu
def _group_norm_cpu(x, groups, gamma=None, beta=None, eps=1e-5):
    _check("group_norm", x, groups, gamma, beta)
    gamma, beta = (vector_or(v, i, x.shape[1], x.dtype).reshape(groups, -1) for v, i in ((gamma, 1), (beta, 0)))
    if not compilable(x, gamma, beta) or x.size == 0:
        return NotImplemented
    z = _grouped(dense(x), groups)
    y = np.empty(z.shape, x.dtype)
    mean, variance, inverse_std = (np.empty(len(z), x.dtype) for _ in range(3))
    parallel_for(_forward_loop, len(z), 2 * (z.size // len(z)), z, gamma, beta, float(eps), y, mean, variance,
                 inverse_std)
    return y.reshape(x.shape), mean, variance, inverse_std


@group_norm_backward.cpu
def _backward_cpu(g, x, groups, mean, inverse_std, gamma=None):
    _check_backward(g, x, groups, mean, inverse_std, gamma)
    gamma = vector_or(gamma, 1, x.shape[1], x.dtype).reshape(groups, -1)
    if not compilable(x, g, mean, inverse_std, gamma) or x.size == 0:
        return NotImplemented
    z = _grouped(dense(x), groups)
    gx, (ggamma, gbeta) = np.empty(z.shape, x.dtype), np.empty((2, *z.shape[:2]))
    parallel_for(_backward_loop, len(z), 2 * (z.size // len(z)), _grouped(dense(g), groups), z, dense(mean),
                 dense(inverse_std), gamma, gx, ggamma, gbeta)
    return gx.reshape(x.shape), *(v.reshape(x.shape[:2]).sum(0).astype(x.dtype) for v in (ggamma, gbeta))
