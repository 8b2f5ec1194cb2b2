"""Local response normalisation: every channel divided by a power of what its neighbours hold, and its gradient.

A. Krizhevsky, I. Sutskever and G. Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*
(2012).
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_loops import add, fill
from scratchnet.kernels.vector_math import exp, log

_TILE = 128                 # pixels: all channels of a tile stay in the cache


def _check(name, x, size):
    if x.ndim != 3:
        raise ValueError(f"{name}: expected x of shape [N, C, L], got {x.shape}")
    if size < 1:
        raise ValueError(f"{name}: expected a positive size, got {size}")


def _window_sums(x, before, after):
    """y[n, c] = Σ_j x[n, j] over c - before <= j <= c + after, 0 beyond the channels.

    Sums of each window by itself: a running sum would carry rounding errors, and NaN, along.
    """
    channels = x.shape[1]
    padded = np.pad(x, ((0, 0), (before, after), (0, 0)))
    y = padded[:, :channels].copy()
    for j in range(1, before + after + 1):
        y += padded[:, j:j + channels]
    return y


@kernel
def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """y_c = x_c·d_c^-β,  d_c = k + α/size·Σ_j x_j² over the channels c - ⌊size/2⌋ <= j <= c + ⌊(size - 1)/2⌋.

    Parameters
    ----------
    x : [N, C, L], floating
    size : the number of channels summed

    Returns
    -------
    [N, C, L]
    """
    _check("local_response_norm", x, size)
    return x * _denominator(x, size, alpha, k) ** -beta


def _denominator(x, size, alpha, k):
    return k + alpha / size * _window_sums(x * x, size // 2, (size - 1) // 2)


@kernel
def local_response_norm_backward(g, x, size, alpha=1e-4, beta=0.75, k=1.0):
    """The gradient of local_response_norm:  gx_c = g_c·d_c^-β - 2αβ/size·x_c·Σ_j g_j·x_j·d_j^(-β-1),

    the sum over the channels j whose windows hold c:  c - ⌊(size - 1)/2⌋ <= j <= c + ⌊size/2⌋.

    Parameters
    ----------
    g, x : [N, C, L]
    """
    _check_backward(g, x, size)
    d = _denominator(x, size, alpha, k)
    direct = g * d ** -beta
    return direct - 2 * alpha * beta / size * x * _window_sums(direct * x / d, (size - 1) // 2, size // 2)


def _check_backward(g, x, size):
    _check("local_response_norm_backward", x, size)
    if g.shape != x.shape:
        raise RuntimeError(f"local_response_norm_backward: expected g of x's shape {x.shape}, got {g.shape}")


@jit
def _add_squares(x, total):
    for i in range(len(x)):
        total[i] += x[i] * x[i]


@jit
def _denominators(x, c, first, before, after, scale, k, d):
    """d of channel c for the pixels first, first + 1, ... of x [C, L]."""
    fill(d, 0)
    for j in range(max(c - before, 0), min(c + after + 1, len(x))):
        _add_squares(x[j, first:first + len(d)], d)
    for i in range(len(d)):
        d[i] = k + scale * d[i]


@jit
def _divide(x, d, exponent, y):
    for i in range(len(x)):
        y[i] = x[i] * exp(exponent * log(d[i]))


@jit
def _direct(g, x, d, exponent, direct, spread):
    """direct = g·d^-β and spread = g·x·d^(-β-1)"""
    for i in range(len(x)):
        h = g[i] * exp(exponent * log(d[i]))
        direct[i] = h
        spread[i] = h * x[i] / d[i]


@jit
def _add_product(factor, x, total, y):
    for i in range(len(x)):
        y[i] += factor * x[i] * total[i]


# A row of a tile is cut out of the whole array, not out of the tile: the compiler then knows that it is contiguous.

@jit
def _forward_loop(start, stop, tiles, x, before, after, scale, exponent, k, y):
    """Tiles of x [N, C, L]."""
    for item in range(start, stop):
        n, first = item // tiles, item % tiles * _TILE
        last = min(first + _TILE, x.shape[2])
        d = np.empty(last - first, x.dtype)
        for c in range(x.shape[1]):
            _denominators(x[n], c, first, before, after, scale, k, d)
            _divide(x[n, c, first:last], d, exponent, y[n, c, first:last])


@jit
def _backward_loop(start, stop, tiles, g, x, before, after, scale, exponent, k, gx):
    """Tiles of g, x [N, C, L]."""
    channels = x.shape[1]
    for item in range(start, stop):
        n, first = item // tiles, item % tiles * _TILE
        last = min(first + _TILE, x.shape[2])
        d, spread = np.empty(last - first, x.dtype), np.empty((channels, last - first), x.dtype)
        for c in range(channels):
            _denominators(x[n], c, first, before, after, scale, k, d)
            _direct(g[n, c, first:last], x[n, c, first:last], d, exponent, gx[n, c, first:last], spread[c])
        for c in range(channels):
            fill(d, 0)
            for j in range(max(c - after, 0), min(c + before + 1, channels)):
                add(d, spread[j])
            _add_product((scale + scale) * exponent, x[n, c, first:last], d, gx[n, c, first:last])


def _run(loop, out, arrays, size, alpha, beta, k):
    """Run a loop over all tiles; the powers are those of positive numbers."""
    if not compilable(*arrays) or alpha < 0 or k < 0:
        return NotImplemented
    batch, channels, length = out.shape
    tiles = -(-length // _TILE)
    number = out.dtype.type
    if out.size:
        parallel_for(loop, batch * tiles, channels * min(length, _TILE) * (size + 10), tiles,
                     *(dense(a) for a in arrays), size // 2, (size - 1) // 2, number(alpha / size), number(-beta),
                     number(k), out)
    return out


@local_response_norm.cpu
def _local_response_norm_cpu(x, size, alpha=1e-4, beta=0.75, k=1.0):
    _check("local_response_norm", x, size)
    return _run(_forward_loop, np.empty(x.shape, x.dtype), (x,), size, alpha, beta, k)


@local_response_norm_backward.cpu
def _backward_cpu(g, x, size, alpha=1e-4, beta=0.75, k=1.0):
    _check_backward(g, x, size)
    return _run(_backward_loop, np.empty(x.shape, x.dtype), (g, x), size, alpha, beta, k)
