"""Softmax, log-softmax and cross entropy, shifted by the row's largest number so that exp never overflows.

Compiled code computes one exponential at a time and NumPy many at once: rows of a few numbers are quickest in
a compiled loop, long rows in NumPy, a block of rows on each thread.
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel

_LONG_ROW = 48              # numbers, from which on NumPy's exp is quicker


@kernel
def softmax(x):
    """y_i = exp(x_i) / Σ_j exp(x_j) along the last axis.

    Parameters
    ----------
    x : [..., C], floating

    Returns
    -------
    [..., C]
    """
    y = np.exp(x - x.max(-1, keepdims=True))
    y /= y.sum(-1, keepdims=True)
    return y


@kernel
def softmax_backward(g, y):
    """The gradient of softmax, from its result y: gx_i = y_i · (g_i - Σ_j g_j·y_j) along the last axis."""
    _check_same_shape("softmax_backward", g, y)
    return y * (g - (g * y).sum(-1, keepdims=True))


@kernel
def log_softmax(x):
    """y_i = x_i - log Σ_j exp(x_j) along the last axis.

    Parameters
    ----------
    x : [..., C], floating

    Returns
    -------
    [..., C]
    """
    shifted = x - x.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


@kernel
def log_softmax_backward(g, y):
    """The gradient of log_softmax, from its result y: gx_i = g_i - exp(y_i)·Σ_j g_j along the last axis."""
    _check_same_shape("log_softmax_backward", g, y)
    return g - np.exp(y) * g.sum(-1, keepdims=True)


def _check_same_shape(name, g, y):
    if g.shape != y.shape:
        raise RuntimeError(f"{name}: expected g and y of one shape, got {g.shape} and {y.shape}")


@jit
def _row_statistics(x, n):
    """The largest number m of row n, and log Σ exp(x - m)."""
    largest, total = x[n, 0], x.dtype.type(0)
    for c in range(1, x.shape[1]):
        largest = max(largest, x[n, c])
    for c in range(x.shape[1]):
        total += math.exp(x[n, c] - largest)
    return largest, math.log(total)


@jit(reassociate=True)
def _softmax_loop(start, stop, x, y):
    for n in range(start, stop):
        largest, total = x[n, 0], x.dtype.type(0)
        for c in range(1, x.shape[1]):
            largest = max(largest, x[n, c])
        for c in range(x.shape[1]):
            y[n, c] = math.exp(x[n, c] - largest)
            total += y[n, c]
        for c in range(x.shape[1]):
            y[n, c] /= total


@jit(reassociate=True)
def _softmax_backward_loop(start, stop, g, y, gx):
    for n in range(start, stop):
        total = y.dtype.type(0)
        for c in range(y.shape[1]):
            total += g[n, c] * y[n, c]
        for c in range(y.shape[1]):
            gx[n, c] = y[n, c] * (g[n, c] - total)


@jit
def _log_softmax_loop(start, stop, x, y):
    for n in range(start, stop):
        largest, log_total = _row_statistics(x, n)
        for c in range(x.shape[1]):
            y[n, c] = x[n, c] - largest - log_total


@jit(reassociate=True)
def _log_softmax_backward_loop(start, stop, g, y, gx):
    for n in range(start, stop):
        total = y.dtype.type(0)
        for c in range(y.shape[1]):
            total += g[n, c]
        for c in range(y.shape[1]):
            gx[n, c] = g[n, c] - math.exp(y[n, c]) * total


def _by_rows(short_loop, reference, long_row, *arrays):
    """Run a row function of arrays [..., C] of one shape on all threads: compiled, or NumPy for long rows."""
    if not compilable(*arrays) or arrays[0].ndim == 0:
        return NotImplemented
    shape = arrays[0].shape
    out = np.empty(shape, arrays[0].dtype)
    if out.size:
        rows = [dense(a).reshape(-1, shape[-1]) for a in (*arrays, out)]

        def numpy_rows(start, stop, *rows):
            rows[-1][start:stop] = reference(*(row[start:stop] for row in rows[:-1]))

        parallel_for(short_loop if shape[-1] < long_row else numpy_rows, len(rows[0]), 10 * shape[-1], *rows)
    return out


@softmax.cpu
def _softmax_cpu(x):
    return _by_rows(_softmax_loop, softmax.reference, _LONG_ROW, x)


@softmax_backward.cpu
def _softmax_backward_cpu(g, y):
    _check_same_shape("softmax_backward", g, y)
    return _by_rows(_softmax_backward_loop, softmax_backward.reference, math.inf, g, y)


@log_softmax.cpu
def _log_softmax_cpu(x):
    return _by_rows(_log_softmax_loop, log_softmax.reference, _LONG_ROW, x)


@log_softmax_backward.cpu
def _log_softmax_backward_cpu(g, y):
    _check_same_shape("log_softmax_backward", g, y)
    return _by_rows(_log_softmax_backward_loop, log_softmax_backward.reference, _LONG_ROW, g, y)
