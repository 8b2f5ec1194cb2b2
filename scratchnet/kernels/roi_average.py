"""Averages over the bins of regions: what RoI Align and the position-sensitive RoI operations share."""

from __future__ import annotations

import itertools

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_loops import fill
from scratchnet.kernels.vector_math import like


def _check(name, x_shape, image, rows, columns, bins, sensitive):
    """The number of channels and bins of the output; indices are checked, because compiled loops do not."""
    if len(x_shape) != 4 or min(bins) < 1:
        raise RuntimeError(f"{name}: expected images [N, C, H, W] and a positive number of bins, got shape "
                           f"{tuple(x_shape)} and bins {tuple(bins)}")
    for taps, count, size in zip((rows, columns), bins, x_shape[2:]):
        fits = len(taps.begin) - 1 == count * len(image) and len(taps.position) == len(taps.weight)
        if not fits or taps.begin[0] != 0 or taps.begin[-1] != len(taps.position) or (np.diff(taps.begin) < 0).any():
            raise RuntimeError(f"{name}: expected a table of taps for {len(image)} regions of {count} bins, got one of "
                               f"{len(taps.begin) - 1} bins, {len(taps.position)} positions and {len(taps.weight)} weights")
        if taps.position.size and not 0 <= taps.position.min() <= taps.position.max() < size:
            raise IndexError(f"{name}: a tap lies outside of the image, of shape {tuple(x_shape)}")
    if image.size and not 0 <= image.min() <= image.max() < x_shape[0]:
        raise IndexError(f"{name}: a region names an image out of range for input of shape {tuple(x_shape)}")
    if sensitive and x_shape[1] % (bins[0] * bins[1]):
        raise RuntimeError(f"{name}: expected a number of channels that is a multiple of {bins[0]}·{bins[1]}, "
                           f"got {x_shape[1]}")
    return x_shape[1] // (bins[0] * bins[1]) if sensitive else x_shape[1], *bins


def _tables(image, rows, columns, bins):
    """Every region's image, and for each of its bins the positions and weights of rows and columns."""
    def cut(taps, k, count):
        ends = taps.begin[k * count:(k + 1) * count + 1]
        return [(taps.position[a:b], taps.weight[a:b]) for a, b in itertools.pairwise(ends)]

    for k, n in enumerate(image):
        for p, (row, row_weight) in enumerate(cut(rows, k, bins[0])):
            for q, (column, column_weight) in enumerate(cut(columns, k, bins[1])):
                yield k, n, p, q, np.ix_(row, column), np.outer(row_weight, column_weight)


def _channels(count, bins, p, q, sensitive):
    return slice(p * bins[1] + q, None, bins[0] * bins[1]) if sensitive else slice(count)


@kernel
def roi_average(x, image, rows, columns, bins, sensitive=False):
    """Weighted averages over the bins of regions: y[k, c, p, q] = Σ_h Σ_w R[k,p,h] · C[k,q,w] · x[n_k, c', h, w]

    Parameters
    ----------
    x : [N, C, H, W]
    image : int64 [K], n_k
    rows, columns : `Taps` of K·P and K·Q bins, the matrices R and C
    bins : (P, Q)
    sensitive : every bin has a channel of its own, c' = (c·P + p)·Q + q; else c' = c

    Returns
    -------
    [K, C, P, Q], or [K, C/(P·Q), P, Q] if sensitive
    """
    channels = _check("roi_average", x.shape, image, rows, columns, bins, sensitive)[0]
    y = np.zeros((len(image), channels, *bins), x.dtype)
    for k, n, p, q, pixels, weight in _tables(image, rows, columns, bins):
        y[k, :, p, q] = (x[n, _channels(channels, bins, p, q, sensitive)][:, *pixels] * weight).sum((1, 2))
    return y


@kernel
def roi_average_backward(g, image, rows, columns, bins, input_shape, sensitive=False):
    """The adjoint of roi_average: every g is added onto the pixels of its bin, times their weights.

    Parameters
    ----------
    g : [K, C, P, Q]
    input_shape : of x, (N, C, H, W)
    """
    channels = _check_backward(g, image, rows, columns, bins, input_shape, sensitive)[0]
    gx = np.zeros(input_shape, g.dtype)
    for k, n, p, q, (row, column), weight in _tables(image, rows, columns, bins):
        target = gx[n, _channels(channels, bins, p, q, sensitive)]
        np.add.at(target, (slice(None), row, column), g[k, :, p, q, None, None] * weight)
    return gx


def _check_backward(g, image, rows, columns, bins, input_shape, sensitive):
    sizes = _check("roi_average_backward", input_shape, image, rows, columns, bins, sensitive)
    if g.shape != (len(image), *sizes):
        raise RuntimeError(f"roi_average_backward: expected g of shape {(len(image), *sizes)}, got {g.shape}")
    return sizes


# First rows, then columns: a region of h × w pixels costs P·w·taps vector operations and P·Q·taps others, instead
# of P·Q·taps².

@jit
def _extent(position, start, stop):
    """The smallest position of a range of taps, and one more than the largest."""
    low, high = 0, 0
    if stop > start:
        low, high = position[start], position[start] + 1
    for t in range(start, stop):
        low, high = min(low, position[t]), max(high, position[t] + 1)
    return low, high


@jit
def _average_loop(start, stop, x, image, row_begin, row, row_weight, column_begin, column, column_weight, y):
    """Regions of y [K, C, P, Q]."""
    channels, p_count, q_count = y.shape[1:]
    line = np.empty(x.shape[3], x.dtype)
    for k in range(start, stop):
        first = k * q_count
        low, high = _extent(column, column_begin[first], column_begin[first + q_count])
        for c in range(channels):
            for p in range(p_count):
                total = line[low:high]
                fill(total, 0)
                for r in range(row_begin[k * p_count + p], row_begin[k * p_count + p + 1]):
                    pixels, w = x[image[k], c, row[r], low:high], row_weight[r]
                    for j in range(len(total)):
                        total[j] += w * pixels[j]
                for q in range(q_count):
                    value = like(0, line[0])
                    for t in range(column_begin[first + q], column_begin[first + q + 1]):
                        value += column_weight[t] * line[column[t]]
                    y[k, c, p, q] = value


@jit
def _average_backward_loop(start, stop, g, image, row_begin, row, row_weight, column_begin, column, column_weight,
                           gx):
    """Channels of g [K, C, P, Q] onto zeroed gx [N, C, H, W]."""
    p_count, q_count = g.shape[2:]
    line = np.empty(gx.shape[3], gx.dtype)
    for k in range(len(image)):
        first = k * q_count
        low, high = _extent(column, column_begin[first], column_begin[first + q_count])
        for c in range(start, stop):
            for p in range(p_count):
                share = line[low:high]
                fill(share, 0)
                for q in range(q_count):
                    for t in range(column_begin[first + q], column_begin[first + q + 1]):
                        line[column[t]] += column_weight[t] * g[k, c, p, q]
                for r in range(row_begin[k * p_count + p], row_begin[k * p_count + p + 1]):
                    pixels, w = gx[image[k], c, row[r], low:high], row_weight[r]
                    for j in range(len(share)):
                        pixels[j] += w * share[j]


@jit
def _sensitive_loop(start, stop, backward, x, image, row_begin, row, row_weight, column_begin, column, column_weight,
                    y):
    """Channels of x [N, C, H, W], which belong to one bin each: to y [K, C/(P·Q), P, Q], or backward from it."""
    p_count, q_count = y.shape[2:]
    for channel in range(start, stop):
        c, bin_ = channel // (p_count * q_count), channel % (p_count * q_count)
        p, q = bin_ // q_count, bin_ % q_count
        for k in range(len(image)):
            plane, value = x[image[k], channel], like(0, x[0, 0, 0, 0])
            for r in range(row_begin[k * p_count + p], row_begin[k * p_count + p + 1]):
                for t in range(column_begin[k * q_count + q], column_begin[k * q_count + q + 1]):
                    weight = row_weight[r] * column_weight[t]
                    if backward:
                        plane[row[r], column[t]] += weight * y[k, c, p, q]
                    else:
                        value += weight * plane[row[r], column[t]]
            if not backward:
                y[k, c, p, q] = value


def _flat(image, rows, columns):
    return [dense(image, np.int64), *(dense(a) for taps in (rows, columns) for a in taps)]


@roi_average.cpu
def _roi_average_cpu(x, image, rows, columns, bins, sensitive=False):
    sizes = _check("roi_average", x.shape, image, rows, columns, bins, sensitive)
    if not compilable(x, rows.weight, columns.weight):
        return NotImplemented
    y = np.empty((len(image), *sizes), x.dtype)
    if y.size and sensitive:
        parallel_for(_sensitive_loop, x.shape[1], 9 * len(image), False, dense(x), *_flat(image, rows, columns), y)
    elif y.size:
        parallel_for(_average_loop, len(image), 4 * y[0].size, dense(x), *_flat(image, rows, columns), y)
    return y


@roi_average_backward.cpu
def _roi_average_backward_cpu(g, image, rows, columns, bins, input_shape, sensitive=False):
    _check_backward(g, image, rows, columns, bins, input_shape, sensitive)
    if not compilable(g, rows.weight, columns.weight):
        return NotImplemented
    gx = np.zeros(input_shape, g.dtype)
    if g.size and sensitive:
        parallel_for(_sensitive_loop, gx.shape[1], 9 * len(image), True, gx, *_flat(image, rows, columns), dense(g))
    elif g.size:
        parallel_for(_average_backward_loop, gx.shape[1], 4 * g[:, 0].size, dense(g), *_flat(image, rows, columns), gx)
    return gx
