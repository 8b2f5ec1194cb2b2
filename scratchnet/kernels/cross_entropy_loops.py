"""The compiled loops of cross entropy: [N, C] by blocks of rows, and [N, C, L] by tiles of columns, as in softmax.

bad[0] is set to a target that is no class.
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.softmax_passes import (
    column_maxima,
    exponentials,
    shift,
    shifted_exponentials,
    take_logarithms,
)
from scratchnet.kernels.vector_loops import fill, sum_of
from scratchnet.kernels.vector_math import exp_of_negative, log


@jit(reassociate=True)
def _spread(x, weight, largest):
    """Σ w·(largest - x)"""
    total = x.dtype.type(0)
    for c in range(len(x)):
        total += weight[c] * (largest - x[c])
    return total


@jit
def forward_rows(start, stop, together, x, target, weight, ignore_index, smoothing, losses, weights, statistics, bad):
    """Losses and weights [N], and statistics [N, 2], of x flat, of rows of len(weight) numbers."""
    classes, whole = len(weight), sum_of(weight)
    largest, block = np.empty(together, x.dtype), np.empty(together * classes, x.dtype)
    for first in range(start, stop, together):
        last = min(first + together, stop)
        shifted_exponentials(first, last, classes, x, largest, block)
        for n in range(first, last):
            t, m = target[n], largest[n - first]
            log_total = log(sum_of(block[(n - first) * classes:(n - first + 1) * classes]))
            losses[n], weights[n], statistics[n, 0], statistics[n, 1] = 0, 0, m, log_total
            if 0 <= t < classes and t != ignore_index:
                loss = weight[t] * (log_total - (x[n * classes + t] - m))
                if smoothing != 0:
                    spread = whole * log_total + _spread(x[n * classes:(n + 1) * classes], weight, m)
                    loss = (1 - smoothing) * loss + smoothing / classes * spread
                losses[n], weights[n] = loss, weight[t]
            elif t != ignore_index:
                bad[0] = t


@jit
def _scale_and_subtract(gx, scale, smooth, weight):
    for c in range(len(gx)):
        gx[c] = gx[c] * scale - smooth * weight[c]


@jit
def backward_rows(start, stop, together, x, target, weight, ignore_index, smoothing, statistics, g, gx, bad):
    """x, gx flat; g: [N], or [1] for all rows."""
    classes, whole, number, each = len(weight), sum_of(weight), x.dtype.type, int(len(g) > 1)
    for first in range(start, stop, together):
        last = min(first + together, stop)
        for n in range(first, last):
            a, b = n * classes, (n + 1) * classes
            shift(x[a:b], statistics[n, 0], statistics[n, 1], gx[a:b])
        exponentials(gx[first * classes:last * classes])
        for n in range(first, last):
            t, scale, row = target[n], g[n * each], gx[n * classes:(n + 1) * classes]
            if t == ignore_index:
                fill(row, 0)
            elif 0 <= t < classes:
                sharp, smooth = number(scale * (1 - smoothing) * weight[t]), number(scale * smoothing / classes)
                _scale_and_subtract(row, number(sharp + smooth * whole), smooth, weight)
                row[t] -= sharp
            else:
                bad[0] = t


@jit
def _add_exponentials(x, largest, total):
    for i in range(len(x)):
        total[i] += exp_of_negative(x[i] - largest[i])


@jit
def _add_spread(x, largest, log_total, weight, spread):
    for i in range(len(x)):
        spread[i] += weight * (log_total[i] + (largest[i] - x[i]))


@jit
def forward_columns(start, stop, wide, x, target, weight, ignore_index, smoothing, losses, weights, statistics, bad):
    """x [N, C, L]; an item is a tile of columns."""
    classes, tiles = x.shape[1], -(-x.shape[2] // wide)
    for item in range(start, stop):
        n, first = item // tiles, item % tiles * wide
        last = min(first + wide, x.shape[2])
        largest, log_total = statistics[n, 0, first:last], statistics[n, 1, first:last]
        column_maxima(x[n], first, largest)
        fill(log_total, 0)
        for c in range(classes):
            _add_exponentials(x[n, c, first:last], largest, log_total)
        take_logarithms(log_total)
        for i in range(first, last):
            t = target[n, i]
            losses[n, i], weights[n, i] = 0, 0
            if 0 <= t < classes and t != ignore_index:
                losses[n, i] = weight[t] * (log_total[i - first] - (x[n, t, i] - largest[i - first]))
                weights[n, i] = weight[t]
            elif t != ignore_index:
                bad[0] = t
        if smoothing != 0:
            spread = np.zeros(last - first, x.dtype)
            for c in range(classes):
                _add_spread(x[n, c, first:last], largest, log_total, weight[c], spread)
            for i in range(first, last):
                if target[n, i] != ignore_index:
                    losses[n, i] = (1 - smoothing) * losses[n, i] + smoothing / classes * spread[i - first]


@jit
def _gradient_of_columns(x, largest, log_total, scale, smooth, weight, gx):
    for i in range(len(x)):
        gx[i] = exp_of_negative(x[i] - largest[i] - log_total[i]) * scale[i] - smooth[i] * weight


@jit
def backward_columns(start, stop, wide, x, target, weight, ignore_index, smoothing, statistics, g, gx, bad):
    """g: [N·L], or [1] for all."""
    classes, length, whole, tiles = x.shape[1], x.shape[2], sum_of(weight), -(-x.shape[2] // wide)
    each, other, even = int(len(g) > 1), x.dtype.type(1 - smoothing), x.dtype.type(smoothing / classes)
    for item in range(start, stop):
        n, first = item // tiles, item % tiles * wide
        width = min(wide, length - first)
        last, factors = first + width, np.zeros((3, width), x.dtype)
        scale, smooth, sharp = factors[0], factors[1], factors[2]
        for i in range(width):
            t, s = target[n, first + i], g[(n * length + first + i) * each]
            if 0 <= t < classes and t != ignore_index:
                sharp[i], smooth[i] = s * other * weight[t], s * even
                scale[i] = sharp[i] + smooth[i] * whole
            elif t != ignore_index:
                bad[0] = t
        for c in range(classes):
            _gradient_of_columns(x[n, c, first:last], statistics[n, 0, first:last], statistics[n, 1, first:last],
                                 scale, smooth, weight[c], gx[n, c, first:last])
        for i in range(width):
            t = target[n, first + i]
            if t == ignore_index:               # whatever the logits are: 0·NaN is not 0
                for c in range(classes):
                    gx[n, c, first + i] = 0
            elif 0 <= t < classes:
                gx[n, t, first + i] -= sharp[i]
