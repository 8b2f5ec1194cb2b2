"""Padding: arrays made larger at their edges, or smaller, and the gradient of that.

Along each axis of size n, element i of the result is element source(i) of the array, or a constant:

    constant    v v v | 0 1 2 3 | v v v
    reflect     3 2 1 | 0 1 2 3 | 2 1 0
    replicate   0 0 0 | 0 1 2 3 | 3 3 3
    circular    1 2 3 | 0 1 2 3 | 0 1 2

Widths are (before, after) for each of the last axes; negative ones cut off.  What is cut off can still be
reflected or repeated, but not wrapped around.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_loops import copy, fill

_CONSTANT = -1              # the source of what is not in the array
LARGE = 1 << 20             # numbers: so many are copied faster by all threads than by NumPy, which copies whole rows
_COPY = 1 / 4               # work of moving a number, in operations: vectors of them move at a time


def _outside(n, before, after):
    i = np.arange(-before, n + after)
    return np.where((i >= 0) & (i < n), i, _CONSTANT)


def _reflected(n, before, after):
    i = np.abs(np.arange(-before, n + after))
    return np.where(i >= n, 2 * (n - 1) - i, i)


def _repeated(n, before, after):
    return np.clip(np.arange(-before, n + after), 0, n - 1)


def _wrapped(n, before, after):
    ring = np.arange(n)[max(-before, 0):n - max(-after, 0)]
    if len(ring) == 0:
        return np.full(max(before, 0) + max(after, 0), _CONSTANT)
    return ring.take(np.arange(-max(before, 0), len(ring) + max(after, 0)), mode="wrap")


_SOURCES = {"constant": _outside, "reflect": _reflected, "replicate": _repeated, "circular": _wrapped}
MODES = tuple(_SOURCES)


@lru_cache(1024)             # a network pads the same shapes again and again
def _sources(n, before, after, mode):
    """The source of each element, int64; nothing may write to it."""
    possible = n + min(before, after) >= 0 if mode == "constant" else n > 0
    sources = _SOURCES[mode](n, before, after) if possible else np.zeros(0)
    if not possible or len(sources) != n + before + after or (
            mode != "constant" and len(sources) and not 0 <= sources.min() <= sources.max() < n):
        raise RuntimeError(f"pad: an axis of size {n} has no padding of widths {(before, after)} in mode {mode!r}")
    return sources


def _check(shape, widths, mode):
    """Sizes and sources of the axes that widths are given for."""
    if mode not in MODES:
        raise ValueError(f"pad: expected a mode of {MODES}, got {mode!r}")
    if len(widths) > len(shape):
        raise RuntimeError(f"pad: {len(widths)} pairs of widths are too many for shape {tuple(shape)}")
    sizes = tuple(shape[len(shape) - len(widths):])
    return sizes, [_sources(n, before, after, mode) for n, (before, after) in zip(sizes, widths)]


@kernel
def pad(x, widths, mode="constant", value=0):
    """y[..., i, j] = x[..., source(i), source(j)], or ``value`` where the source lies outside.

    Parameters
    ----------
    x : [..., *sizes], any dtype
    widths : (before, after) for each of the last axes
    mode : "constant", "reflect", "replicate" or "circular"
    value : for "constant"

    Returns
    -------
    [..., *(size + before + after)]
    """
    sizes, sources = _check(x.shape, widths, mode)
    leading = x.ndim - len(widths)
    if mode != "constant":
        for axis, source in enumerate(sources, leading):
            x = x.take(source, axis)
        return x
    y = np.empty_like(x, shape=(*x.shape[:leading], *map(len, sources)))
    inside = tuple(slice(max(a, 0), n + a + min(b, 0)) for n, (a, b) in zip(sizes, widths))
    kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(sizes, widths))
    y[..., *inside] = x[..., *kept]
    for axis, (before, after) in enumerate(widths, leading):
        edge = (slice(None),) * axis
        if before > 0:
            y[*edge, :before] = value
        if after > 0:
            y[*edge, -after:] = value
    return y


@kernel
def pad_backward(g, sizes, widths, mode):
    """The gradient of pad: gx[..., source(i), source(j)] += g[..., i, j].

    Parameters
    ----------
    g : [..., *(size + before + after)]
    sizes : of x, along the axes that have widths
    widths, mode : as in pad

    Returns
    -------
    [..., *sizes]
    """
    _, sources = _check(sizes, widths, mode)
    _check_gradient(g, sources)
    for axis, (n, source) in enumerate(zip(sizes, sources), g.ndim - len(sizes)):
        g = np.moveaxis(g, axis, 0)
        gx = np.zeros_like(g, shape=(n, *g.shape[1:]))
        within = source != _CONSTANT
        np.add.at(gx, source[within], g[within])
        g = np.moveaxis(gx, 0, axis)
    return g


def _check_gradient(g, sources):
    expected = tuple(map(len, sources))
    if g.ndim < len(expected) or g.shape[g.ndim - len(expected):] != expected:
        raise RuntimeError(f"pad_backward: expected g of shape [..., {', '.join(map(str, expected))}], got {g.shape}")


@jit
def _pad_loop(start, stop, x, y, fronts, rows, columns, inner, value):
    """x [P, D, H, W] to y [P, OD, OH, OW]; an item is a plane of y.

    ``inner`` = (j0, j1, first): columns j0 to j1 are those of x from ``first`` on, in one piece.
    """
    j0, j1, first = inner
    depth = y.shape[1]
    for item in range(start, stop):
        p, k = item // depth, item % depth
        for i in range(y.shape[2]):
            target = y[p, k, i]
            if fronts[k] < 0 or rows[i] < 0:
                fill(target, value)
                continue
            source = x[p, fronts[k], rows[i]]
            for j in range(j0):
                target[j] = source[columns[j]] if columns[j] >= 0 else value
            copy(target[j0:j1], source[first:first + j1 - j0])
            for j in range(j1, len(target)):
                target[j] = source[columns[j]] if columns[j] >= 0 else value


@jit
def _pad_backward_loop(start, stop, g, gx, fronts, rows, columns, inner):
    """g [P, OD, OH, OW] onto gx [P, D, H, W]; every element of g has a source."""
    j0, j1, first = inner
    for p in range(start, stop):
        for d in range(gx.shape[1]):
            for h in range(gx.shape[2]):
                fill(gx[p, d, h], 0)
        for k in range(g.shape[1]):
            for i in range(g.shape[2]):
                source, target = g[p, k, i], gx[p, fronts[k], rows[i]]
                for j in range(j0):
                    target[columns[j]] += source[j]
                middle, seen = target[first:first + j1 - j0], source[j0:j1]
                for j in range(len(middle)):
                    middle[j] += seen[j]
                for j in range(j1, len(source)):
                    target[columns[j]] += source[j]


def _volumes(sizes, widths):
    """Sizes and widths of three axes, of which the first is padded if any is; None if more than three would be."""
    padded = [i for i, pair in enumerate(widths) if pair != (0, 0)]
    axes = len(sizes) - padded[0] if padded else min(1, len(sizes))
    if axes > 3:
        return None
    missing, first = 3 - axes, len(sizes) - axes
    return (1,) * missing + tuple(sizes[first:]), ((0, 0),) * missing + tuple(widths[first:])


def _inner(n, before, after):
    """Columns that are copied in one piece: from, to, and where they come from."""
    j0, j1 = max(before, 0), n + before + min(after, 0)
    return (j0, j1, max(-before, 0)) if j1 > j0 else (0, 0, 0)


@pad.cpu
def _pad_cpu(x, widths, mode="constant", value=0):
    sizes, sources = _check(x.shape, widths, mode)
    volumes = _volumes(sizes, widths)
    shape = (*x.shape[:x.ndim - len(sizes)], *map(len, sources))
    if not compilable(x) or volumes is None or 0 in shape or 0 in x.shape:
        return NotImplemented
    if mode == "constant" and x.size < LARGE:
        return NotImplemented
    sizes, widths = volumes
    fronts, rows, columns = (_sources(n, *pair, mode) for n, pair in zip(sizes, widths))
    planes = x.size // math.prod(sizes)
    y = np.empty((planes, len(fronts), len(rows), len(columns)), x.dtype)
    parallel_for(_pad_loop, planes * len(fronts), _COPY * len(rows) * len(columns), dense(x).reshape(planes, *sizes), y,
                 fronts, rows, columns, _inner(sizes[2], *widths[2]), x.dtype.type(value))
    return y.reshape(shape)


@pad_backward.cpu
def _pad_backward_cpu(g, sizes, widths, mode):
    _, sources = _check(sizes, widths, mode)
    _check_gradient(g, sources)
    shape = (*g.shape[:g.ndim - len(sizes)], *sizes)
    if mode == "constant":              # the middle of g
        return pad(g, tuple((-a, -b) for a, b in widths))
    volumes = _volumes(sizes, widths)
    if not compilable(g) or volumes is None or 0 in shape or g.size == 0:
        return NotImplemented
    sizes, widths = volumes
    fronts, rows, columns = (_sources(n, *pair, mode) for n, pair in zip(sizes, widths))
    planes, outer = math.prod(shape) // math.prod(sizes), (len(fronts), len(rows), len(columns))
    gx = np.empty((planes, *sizes), g.dtype)
    parallel_for(_pad_backward_loop, planes, _COPY * math.prod(outer), dense(g).reshape(planes, *outer), gx,
                 fronts, rows, columns, _inner(sizes[2], *widths[2]))
    return gx.reshape(shape)
