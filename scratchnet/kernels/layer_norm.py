"""Layer and RMS normalisation of rows, and their gradient.

J. Ba, J. Kiros and G. Hinton, *Layer Normalization* (2016); B. Zhang and R. Sennrich, *Root Mean Square Layer
Normalization* (2019).  RMS norm is layer norm with 0 in the place of the mean.
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.norm import check_vectors, moments, vector_or
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_loops import fill


def _check(name, x, *vectors):
    if x.ndim != 2:
        raise ValueError(f"{name}: expected x of shape [R, D], got {x.shape}")
    check_vectors(name, x.shape[1], *vectors)


@kernel
def layer_norm(x, gamma=None, beta=None, eps=1e-5, centred=True):
    """y = (x - μ_r) / √(σ²_r + ε)·γ + β with the mean and the biased variance of each row.

    μ_r = Σ x / D,  σ²_r = Σ (x - μ_r)² / D;  not centred, μ_r = 0 and σ²_r = Σ x² / D.

    Parameters
    ----------
    x : [R, D], floating
    gamma, beta : [D], or None for ones and zeros

    Returns
    -------
    y : [R, D]
    mean, inverse_std : [R], of x's dtype
    """
    _check("layer_norm", x, gamma, beta)
    mean = x.mean(1, dtype=np.float64)
    if not centred:
        mean = np.zeros_like(mean)
    variance = np.square(x - mean[:, None]).mean(1)
    mean, inverse_std = mean.astype(x.dtype), (1 / np.sqrt(variance + eps)).astype(x.dtype)
    y = (x - mean[:, None]) * inverse_std[:, None]
    if gamma is not None:
        y *= gamma
    return (y if beta is None else y + beta), mean, inverse_std


@kernel
def layer_norm_backward(g, x, mean, inverse_std, gamma=None, centred=True):
    """The gradient of layer_norm to x, γ and β.

    With x̂ = (x - μ)·inverse_std, h = γ·g and means over the row:  gx = inverse_std·(h - mean(h) - x̂·mean(h·x̂)),
    without mean(h) if not centred;  over the rows, gγ = Σ g·x̂,  gβ = Σ g.

    Parameters
    ----------
    g, x : [R, D]
    mean, inverse_std : [R]
    gamma : [D] or None

    Returns
    -------
    gx : [R, D]
    ggamma, gbeta : [D]
    """
    _check_backward(g, x, mean, inverse_std, gamma)
    x_hat = (x - mean[:, None]) * inverse_std[:, None]
    ggamma = (g * x_hat).sum(0, dtype=np.float64).astype(x.dtype)
    gbeta = g.sum(0, dtype=np.float64).astype(x.dtype)
    h = g if gamma is None else g * gamma
    slope = (h * x_hat).mean(1, dtype=np.float64).astype(x.dtype)
    gx = h - x_hat * slope[:, None]
    if centred:
        gx -= h.mean(1, dtype=np.float64).astype(x.dtype)[:, None]
    return gx * inverse_std[:, None], ggamma, gbeta


def _check_backward(g, x, mean, inverse_std, gamma):
    _check("layer_norm_backward", x, gamma)
    check_vectors("layer_norm_backward", len(x), mean, inverse_std)
    if g.shape != x.shape:
        raise RuntimeError(f"layer_norm_backward: expected g of x's shape {x.shape}, got {g.shape}")


@jit
def _forward_loop(start, stop, x, gamma, beta, eps, centred, y, mean, inverse_std):
    for r in range(start, stop):
        centre, squares = moments(x[r])
        squares /= x.shape[1]
        if not centred:
            centre, squares = 0.0, squares + centre * centre
        mean[r], inverse_std[r] = centre, 1 / math.sqrt(squares + eps)
        _affine_row(x[r], mean[r], inverse_std[r], gamma, beta, y[r])


@jit
def _affine_row(x, mean, scale, gamma, beta, y):
    for i in range(len(x)):
        y[i] = (x[i] - mean) * scale * gamma[i] + beta[i]


@jit
def _backward_loop(start, stop, block, g, x, mean, inverse_std, gamma, centred, gx, columns):
    """Blocks of rows; columns [blocks, 2, D] are each block's share of ggamma and gbeta."""
    for b in range(start, stop):
        fill(columns[b, 0], 0)
        fill(columns[b, 1], 0)
        for r in range(b * block, min((b + 1) * block, x.shape[0])):
            total, weighted = _row_sums(g[r], x[r], gamma, mean[r])
            scale = inverse_std[r]
            shift = x.dtype.type(-scale * total / x.shape[1] if centred else 0)
            slope = x.dtype.type(-scale * scale * scale * weighted / x.shape[1])
            _gradient_row(g[r], x[r], gamma, mean[r], scale, slope, shift, gx[r])
            _add_to_columns(g[r], x[r], mean[r], scale, columns[b, 0], columns[b, 1])


@jit(reassociate=True)
def _row_sums(g, x, gamma, mean):
    """Σ γ·g and Σ γ·g·(x - mean)"""
    total, weighted = x.dtype.type(0), x.dtype.type(0)
    for i in range(len(x)):
        h = g[i] * gamma[i]
        total += h
        weighted += h * (x[i] - mean)
    return float(total), float(weighted)


@jit
def _gradient_row(g, x, gamma, mean, scale, slope, shift, gx):
    for i in range(len(x)):
        gx[i] = scale * g[i] * gamma[i] + slope * (x[i] - mean) + shift


@jit
def _add_to_columns(g, x, mean, scale, ggamma, gbeta):
    for i in range(len(x)):
        ggamma[i] += g[i] * ((x[i] - mean) * scale)
        gbeta[i] += g[i]


@layer_norm.cpu
def _layer_norm_cpu(x, gamma=None, beta=None, eps=1e-5, centred=True):
    _check("layer_norm", x, gamma, beta)
    gamma, beta = (vector_or(v, i, x.shape[1], x.dtype) for v, i in ((gamma, 1), (beta, 0)))
    if not compilable(x, gamma, beta) or x.size == 0:
        return NotImplemented
    y, mean, inverse_std = (np.empty(shape, x.dtype) for shape in (x.shape, len(x), len(x)))
    parallel_for(_forward_loop, len(x), 2 * x.shape[1], dense(x), gamma, beta, float(eps), bool(centred), y,
                 mean, inverse_std)
    return y, mean, inverse_std


@layer_norm_backward.cpu
def _backward_cpu(g, x, mean, inverse_std, gamma=None, centred=True):
    _check_backward(g, x, mean, inverse_std, gamma)
    gamma = vector_or(gamma, 1, x.shape[1], x.dtype)
    if not compilable(x, g, mean, inverse_std, gamma) or x.size == 0:
        return NotImplemented
    block = min(max(len(x) // 16, 4), 64)           # rows; few enough that their sum is accurate in x's dtype
    columns = np.empty((-(-len(x) // block), 2, x.shape[1]), x.dtype)
    gx = np.empty(x.shape, x.dtype)
    parallel_for(_backward_loop, len(columns), 4 * block * x.shape[1], block, dense(g), dense(x), dense(mean),
                 dense(inverse_std), gamma, bool(centred), gx, columns)
    ggamma, gbeta = columns.sum(0, dtype=np.float64).astype(x.dtype)
    return gx, ggamma, gbeta
