"""Softmax and log-softmax along any axis, shifted by the largest number so that exp never overflows.

An array is seen as [outer, C, inner].  With inner = 1 a row of C numbers is contiguous, and the loops run along
it.  Otherwise they run along the inner axis, on a tile of columns at a time: nothing is transposed.
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import fill, jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_math import Intrinsic, exp, like, log

TILE = 128                  # columns treated together


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


def _maximum(a, b):
    """The larger number; NaN if one is NaN."""
    return a if a > b or a != a else b


def _emit_maximum(typingctx, a, b):
    """One instruction whose reduction the compiler may reorder: that of a comparison it must not, for NaN's sake."""
    from llvmlite import ir

    def codegen(context, builder, signature, args):
        number = args[0].type
        function = builder.module.declare_intrinsic("llvm.maximum", [number], ir.FunctionType(number, [number] * 2))
        return builder.call(function, args)
    return a(a, b), codegen


maximum = Intrinsic(_maximum, _emit_maximum)


# ---- rows: vectors x [C]

@jit
def largest_of(x):
    largest = x[0]
    for i in range(len(x)):
        largest = maximum(largest, x[i])
    return largest


@jit(reassociate=True)
def sum_of_exponentials(x, largest):
    """Σ exp(x - largest)"""
    total = like(0, largest)
    for i in range(len(x)):
        total += exp(x[i] - largest)
    return total


@jit(reassociate=True)
def _exponentials(x, largest, y):
    """y = exp(x - largest), and the sum."""
    total = like(0, largest)
    for i in range(len(x)):
        e = exp(x[i] - largest)
        y[i] = e
        total += e
    return total


@jit
def _scale(y, factor):
    for i in range(len(y)):
        y[i] *= factor


@jit
def _shift(x, first, second, y):
    """y = x - first - second"""
    for i in range(len(x)):
        y[i] = x[i] - first - second


@jit(reassociate=True)
def _dot(g, y):
    total = like(0, y[0])
    for i in range(len(y)):
        total += g[i] * y[i]
    return total


@jit(reassociate=True)
def _sum(g):
    total = like(0, g[0])
    for i in range(len(g)):
        total += g[i]
    return total


@jit
def _softmax_gradient(g, y, total, gx):
    for i in range(len(y)):
        gx[i] = y[i] * (g[i] - total)


@jit
def _log_softmax_gradient(g, y, total, gx):
    for i in range(len(y)):
        gx[i] = g[i] - exp(y[i]) * total


@jit
def _forward_rows(start, stop, logarithm, x, y):
    """x, y [rows, C]"""
    for r in range(start, stop):
        largest = largest_of(x[r])
        if logarithm:
            _shift(x[r], largest, log(sum_of_exponentials(x[r], largest)), y[r])
        else:
            _scale(y[r], like(1, largest) / _exponentials(x[r], largest, y[r]))


@jit
def _backward_rows(start, stop, logarithm, g, y, gx):
    for r in range(start, stop):
        if logarithm:
            _log_softmax_gradient(g[r], y[r], _sum(g[r]), gx[r])
        else:
            _softmax_gradient(g[r], y[r], _dot(g[r], y[r]), gx[r])


# ---- columns: T neighbouring ones of x [C, L], a row of T numbers at a time

@jit
def column_statistics(x, first, largest, total):
    """The largest number m and Σ exp(x - m) of the columns first, first + 1, ... of x [C, L]."""
    last = first + len(largest)
    fill(largest, -np.inf)
    fill(total, 0)
    for c in range(len(x)):
        _larger(x[c, first:last], largest)
    for c in range(len(x)):
        _add_exponentials(x[c, first:last], largest, total)


@jit
def _larger(x, largest):
    for i in range(len(x)):
        largest[i] = maximum(largest[i], x[i])


@jit
def _add_exponentials(x, largest, total):
    for i in range(len(x)):
        total[i] += exp(x[i] - largest[i])


@jit
def _finish(x, largest, total, logarithm, y):
    """y from the statistics; total holds Σ exp or, with logarithm, its logarithm."""
    if logarithm:
        for i in range(len(x)):
            y[i] = x[i] - largest[i] - total[i]
    else:
        for i in range(len(x)):
            y[i] = exp(x[i] - largest[i]) / total[i]


@jit
def take_logarithms(x):
    for i in range(len(x)):
        x[i] = log(x[i])


@jit
def _add_products(g, y, logarithm, total):
    if logarithm:
        for i in range(len(g)):
            total[i] += g[i]
    else:
        for i in range(len(g)):
            total[i] += g[i] * y[i]


@jit
def _gradient(g, y, total, logarithm, gx):
    if logarithm:
        for i in range(len(g)):
            gx[i] = g[i] - exp(y[i]) * total[i]
    else:
        for i in range(len(g)):
            gx[i] = y[i] * (g[i] - total[i])


@jit
def _forward_columns(start, stop, tiles, logarithm, x, y):
    """Tiles of x, y [outer, C, L]."""
    for item in range(start, stop):
        n, first = item // tiles, item % tiles * TILE
        last = min(first + TILE, x.shape[2])
        largest, total = np.empty(last - first, x.dtype), np.empty(last - first, x.dtype)
        column_statistics(x[n], first, largest, total)
        if logarithm:
            take_logarithms(total)
        for c in range(x.shape[1]):
            _finish(x[n, c, first:last], largest, total, logarithm, y[n, c, first:last])


@jit
def _backward_columns(start, stop, tiles, logarithm, g, y, gx):
    for item in range(start, stop):
        n, first = item // tiles, item % tiles * TILE
        last = min(first + TILE, y.shape[2])
        total = np.zeros(last - first, y.dtype)
        for c in range(y.shape[1]):
            _add_products(g[n, c, first:last], y[n, c, first:last], logarithm, total)
        for c in range(y.shape[1]):
            _gradient(g[n, c, first:last], y[n, c, first:last], total, logarithm, gx[n, c, first:last])


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
    if inner == 1:
        parallel_for(rows, outer, 3 * classes, logarithm, *(dense(a).reshape(outer, classes) for a in (*arrays, out)))
    else:
        tiles = -(-inner // TILE)
        parallel_for(columns, outer * tiles, 3 * classes * min(inner, TILE), tiles, logarithm,
                     *(dense(a).reshape(outer, classes, inner) for a in (*arrays, out)))
    return out


@softmax.cpu
def _softmax_cpu(x, axis=-1):
    return _run(_forward_rows, _forward_columns, False, axis, x)


@softmax_backward.cpu
def _softmax_backward_cpu(g, y, axis=-1):
    _check_same_shape("softmax_backward", g, y)
    return _run(_backward_rows, _backward_columns, False, axis, g, y)


@log_softmax.cpu
def _log_softmax_cpu(x, axis=-1):
    return _run(_forward_rows, _forward_columns, True, axis, x)


@log_softmax_backward.cpu
def _log_softmax_backward_cpu(g, y, axis=-1):
    _check_same_shape("log_softmax_backward", g, y)
    return _run(_backward_rows, _backward_columns, True, axis, g, y)
