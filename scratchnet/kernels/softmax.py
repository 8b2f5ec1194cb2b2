"""Softmax and log-softmax along any axis, shifted by the largest number so that exp never overflows.

An array is seen as [outer, C, inner].  With inner = 1 a row of C numbers is contiguous, and the loops run along
it.  Otherwise they run along the inner axis, on a tile of columns at a time: nothing is transposed.
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.instructions import like
from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.softmax_passes import (
    column_exponentials,
    exponentials,
    rows_together,
    shift,
    shifted_exponentials,
    subtract_both,
    take_logarithms,
    tile_width,
)
from scratchnet.kernels.vector_loops import add, copy, sum_of
from scratchnet.kernels.vector_math import log


@kernel
def softmax(x, axis=-1):
    """y_i = exp(x_i) / Σ_j exp(x_j) along an axis.

    Parameters
    ----------
    x : floating, of one or more dimensions
    """
    y = np.exp(x - x.max(axis, keepdims=True))
    y /= y.sum(axis, keepdims=True)
    return y


@kernel
def softmax_backward(g, y, axis=-1):
    """The gradient of softmax, from its result y: gx_i = y_i · (g_i - Σ_j g_j·y_j) along the axis."""
    _check_same_shape("softmax_backward", g, y)
    return y * (g - (g * y).sum(axis, keepdims=True))


@kernel
def log_softmax(x, axis=-1):
    """y_i = x_i - log Σ_j exp(x_j) along an axis.

    Parameters
    ----------
    x : floating, of one or more dimensions
    """
    shifted = x - x.max(axis, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis, keepdims=True))
    return shifted


@kernel
def log_softmax_backward(g, y, axis=-1):
    """The gradient of log_softmax, from its result y: gx_i = g_i - exp(y_i)·Σ_j g_j along the axis."""
    _check_same_shape("log_softmax_backward", g, y)
    return g - np.exp(y) * g.sum(axis, keepdims=True)


def _check_same_shape(name, g, y):
    if g.shape != y.shape:
        raise RuntimeError(f"{name}: expected g and y of one shape, got {g.shape} and {y.shape}")


@jit(reassociate=True)
def _dot(g, y):
    total = like(0, y[0])
    for i in range(len(y)):
        total += g[i] * y[i]
    return total


@jit
def _scale(y, factor):
    for i in range(len(y)):
        y[i] *= factor


@jit
def _softmax_gradient(g, y, total, gx):
    for i in range(len(y)):
        gx[i] = y[i] * (g[i] - total)


@jit
def _subtract_multiple(g, total, gx):
    """gx = g - gx·total"""
    for i in range(len(g)):
        gx[i] = g[i] - gx[i] * total


# ---- rows: flat arrays of rows of `classes` numbers

@jit
def _softmax_rows(start, stop, together, classes, x, y):
    largest = np.empty(together, x.dtype)
    for first in range(start, stop, together):
        last = min(first + together, stop)
        shifted_exponentials(first, last, classes, x, largest, y[first * classes:])
        for r in range(first, last):
            row = y[r * classes:(r + 1) * classes]
            _scale(row, like(1, x[0]) / sum_of(row))


@jit
def _log_softmax_rows(start, stop, together, classes, x, y):
    largest, block = np.empty(together, x.dtype), np.empty(together * classes, x.dtype)
    for first in range(start, stop, together):
        last = min(first + together, stop)
        shifted_exponentials(first, last, classes, x, largest, block)
        for r in range(first, last):
            total = sum_of(block[(r - first) * classes:(r - first + 1) * classes])
            shift(x[r * classes:(r + 1) * classes], largest[r - first], log(total), y[r * classes:(r + 1) * classes])


@jit
def _softmax_backward_rows(start, stop, together, classes, g, y, gx):
    for r in range(start, stop):
        a, b = r * classes, (r + 1) * classes
        _softmax_gradient(g[a:b], y[a:b], _dot(g[a:b], y[a:b]), gx[a:b])


@jit
def _log_softmax_backward_rows(start, stop, together, classes, g, y, gx):
    for first in range(start, stop, together):
        last = min(first + together, stop)
        a, b = first * classes, last * classes
        copy(gx[a:b], y[a:b])
        exponentials(gx[a:b])
        for r in range(first, last):
            a, b = r * classes, (r + 1) * classes
            _subtract_multiple(g[a:b], sum_of(g[a:b]), gx[a:b])


# ---- columns: tiles of [outer, C, inner]

@jit
def _add_product(x, y, total):
    for i in range(len(x)):
        total[i] += x[i] * y[i]


@jit
def _divide(x, divisor, y):
    for i in range(len(x)):
        y[i] = x[i] / divisor[i]


@jit
def _softmax_column_gradient(g, y, total, gx):
    for i in range(len(g)):
        gx[i] = y[i] * (g[i] - total[i])


@jit
def _log_softmax_column_gradient(g, p, total, gx):
    for i in range(len(g)):
        gx[i] = g[i] - p[i] * total[i]


@jit
def _forward_columns(start, stop, wide, logarithm, x, y):
    """x, y [outer, C, L]; an item is a tile."""
    tiles = -(-x.shape[2] // wide)
    block = np.empty(x.shape[1] * min(wide, x.shape[2]), x.dtype)
    for item in range(start, stop):
        n, first = item // tiles, item % tiles * wide
        width = min(wide, x.shape[2] - first)
        last, largest, total = first + width, np.empty(width, x.dtype), np.empty(width, x.dtype)
        column_exponentials(x[n], first, largest, total, block)
        if logarithm:
            take_logarithms(total)
        for c in range(x.shape[1]):
            if logarithm:
                subtract_both(x[n, c, first:last], largest, total, y[n, c, first:last])
            else:
                _divide(block[c * width:(c + 1) * width], total, y[n, c, first:last])


@jit
def _backward_columns(start, stop, wide, logarithm, g, y, gx):
    tiles = -(-y.shape[2] // wide)
    block = np.empty(y.shape[1] * min(wide, y.shape[2]), y.dtype)
    for item in range(start, stop):
        n, first = item // tiles, item % tiles * wide
        width = min(wide, y.shape[2] - first)
        last, total = first + width, np.zeros(width, y.dtype)
        for c in range(y.shape[1]):
            if logarithm:
                copy(block[c * width:(c + 1) * width], y[n, c, first:last])
                add(total, g[n, c, first:last])
            else:
                _add_product(g[n, c, first:last], y[n, c, first:last], total)
        if logarithm:
            exponentials(block[:y.shape[1] * width])
        for c in range(y.shape[1]):
            if logarithm:
                _log_softmax_column_gradient(
                    g[n, c, first:last], block[c * width:(c + 1) * width], total, gx[n, c, first:last])
            else:
                _softmax_column_gradient(g[n, c, first:last], y[n, c, first:last], total, gx[n, c, first:last])


def _run(rows, columns, logarithm, axis, *arrays):
    """Run a loop over arrays of one shape: over their rows, or over tiles of their columns."""
    shape = arrays[0].shape
    if not compilable(*arrays) or not shape:
        return NotImplemented
    axis = range(len(shape))[axis]
    outer, classes, inner = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1:])
    out = np.empty(shape, arrays[0].dtype)
    if out.size == 0:
        return out
    arrays = [dense(a) for a in (*arrays, out)]
    if inner == 1:
        parallel_for(rows, outer, 2 * classes, rows_together(classes), classes, *(a.reshape(-1) for a in arrays))
    else:
        wide = tile_width(classes)
        parallel_for(columns, outer * -(-inner // wide), 2 * classes * min(inner, wide), wide, logarithm,
                     *(a.reshape(outer, classes, inner) for a in arrays))
    return out


@softmax.cpu
def _softmax_cpu(x, axis=-1):
    return _run(_softmax_rows, _forward_columns, False, axis, x)


@softmax_backward.cpu
def _softmax_backward_cpu(g, y, axis=-1):
    _check_same_shape("softmax_backward", g, y)
    return _run(_softmax_backward_rows, _backward_columns, False, axis, g, y)


@log_softmax.cpu
def _log_softmax_cpu(x, axis=-1):
    return _run(_log_softmax_rows, _forward_columns, True, axis, x)


@log_softmax_backward.cpu
def _log_softmax_backward_cpu(g, y, axis=-1):
    _check_same_shape("log_softmax_backward", g, y)
    return _run(_log_softmax_backward_rows, _backward_columns, True, axis, g, y)
