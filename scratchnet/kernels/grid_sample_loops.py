"""The loops of grid_sample: points in blocks, then channel by channel."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.grid_sample_taps import tap_block
from scratchnet.kernels.jit import jit
from scratchnet.kernels.vector_loops import fill
from scratchnet.kernels.vector_math import like

BLOCK = 128             # points whose taps are worked out before any channel is read
_NONE = 2**32 - 1       # the offset of a tap outside of the image

# Images are volumes of one slice.  A block of points first, then all channels: offsets and weights are used C times.

@jit
def _block_taps(points, sizes, mode, padding, align, order, table, scratch, positions, weights):
    """Positions [3, 4, B] and weights [1 or 2, 3, 4, B] along all axes of points [B, 2 or 3].

    table : [2, 3, taps, 4], the `polynomials` of the weights, and of their derivatives
    order : of the weights; the second are of one more
    """
    for a in range(points.shape[1]):
        for more in range(len(weights)):
            tap_block(points, a, sizes[2 - a], mode, padding, align, order[a] + more > 0, table[more, a], scratch[0],
                      scratch[1], scratch[2], positions[a], weights[more, a])


@jit
def _flatten(count, dims, taps, sizes, positions, offsets):
    """The taps of all axes combined: offsets [K, B] into a channel, _NONE outside; returns how many are outside."""
    total, outside, none = 0, 0, np.uint32(_NONE)
    for k in range(taps if dims == 3 else 1):
        for j in range(taps):
            for m in range(taps):
                z, y, x, out = positions[2, k], positions[1, j], positions[0, m], offsets[total]
                height, width = np.int32(sizes[1]), np.int32(sizes[2])
                if dims == 3:
                    for i in range(count):
                        o = np.uint32((z[i] * height + y[i]) * width + x[i])
                        out[i] = none if (z[i] < 0) | (y[i] < 0) | (x[i] < 0) else o
                else:
                    for i in range(count):
                        out[i] = none if (y[i] < 0) | (x[i] < 0) else np.uint32(y[i] * width + x[i])
                for i in range(count):
                    outside += out[i] == none
                total += 1
    return outside


@jit
def _multiply(count, dims, taps, axis, weights, factors):
    """The weights of all axes multiplied: factors [K, B]; along one axis, if it is one of them, those of the derivative."""
    total = 0
    for k in range(taps if dims == 3 else 1):
        for j in range(taps):
            for m in range(taps):
                x, y = weights[1 if axis == 0 else 0, 0, m], weights[1 if axis == 1 else 0, 1, j]
                out = factors[total]
                for i in range(count):
                    out[i] = x[i] * y[i]
                if dims == 3:
                    z = weights[1 if axis == 2 else 0, 2, k]
                    for i in range(count):
                        out[i] *= z[i]
                total += 1


@jit
def _read(plane, offsets, weights, outside, out):
    """out[i] = Σ_k weights[k, i] · plane[offsets[k, i]], two taps at a time."""
    zero, none, taps = like(0, plane[0]), np.uint32(_NONE), len(offsets)
    o, w, last = offsets[0], weights[0], np.uint32(len(plane) - 1)
    if taps == 1:
        for i in range(len(out)):
            out[i] = w[i] * (zero if o[i] == none else plane[min(o[i], last)])
        return
    for k in range(0, taps, 2):
        o, w, q, v = offsets[k], weights[k], offsets[k + 1], weights[k + 1]
        if k == 0:
            fill(out, zero)
        if outside:
            for i in range(len(out)):
                a, b = plane[min(o[i], last)], plane[min(q[i], last)]
                out[i] += w[i] * (zero if o[i] == none else a) + v[i] * (zero if q[i] == none else b)
        else:
            for i in range(len(out)):
                out[i] += w[i] * plane[o[i]] + v[i] * plane[q[i]]


@jit
def sample_loop(start, stop, x, grid, sizes, mode, padding, align, order, table, blocks, y):
    """Blocks of points: x [N, C, S], grid [N, L, 2 or 3] to y [N, C, L]."""
    dims, taps, most = grid.shape[2], table.shape[2], table.shape[2] ** grid.shape[2]
    scratch, positions = np.empty((3, BLOCK), x.dtype), np.empty((3, 4, BLOCK), np.int32)
    weights, factors = np.empty((1, 3, 4, BLOCK), x.dtype), np.empty((most, BLOCK), x.dtype)
    offsets = np.empty((most, BLOCK), np.uint32)
    for item in range(start, stop):
        n, first = item // blocks, item % blocks * BLOCK
        last = min(first + BLOCK, y.shape[2])
        _block_taps(grid[n, first:last], sizes, mode, padding, align, order, table, scratch, positions, weights)
        outside = _flatten(last - first, dims, taps, sizes, positions, offsets)
        _multiply(last - first, dims, taps, dims, weights, factors)
        for c in range(x.shape[1]):
            _read(x[n, c], offsets, factors, outside > 0, y[n, c, first:last])


@jit
def adjoint_loop(start, stop, g, grid, sizes, mode, padding, align, order, table, groups, per_group, gx):
    """Groups of channels: g [N, C, L] onto zeroed gx [N, C, S]."""
    dims, taps, most = grid.shape[2], table.shape[2], table.shape[2] ** grid.shape[2]
    scratch, positions = np.empty((3, BLOCK), g.dtype), np.empty((3, 4, BLOCK), np.int32)
    weights, factors = np.empty((1, 3, 4, BLOCK), g.dtype), np.empty((most, BLOCK), g.dtype)
    offsets, none = np.empty((most, BLOCK), np.uint32), np.uint32(_NONE)
    for item in range(start, stop):
        n, begin = item // groups, item % groups * per_group
        for first in range(0, g.shape[2], BLOCK):
            last = min(first + BLOCK, g.shape[2])
            _block_taps(grid[n, first:last], sizes, mode, padding, align, order, table, scratch, positions, weights)
            outside = _flatten(last - first, dims, taps, sizes, positions, offsets)
            _multiply(last - first, dims, taps, dims, weights, factors)
            for c in range(begin, min(begin + per_group, g.shape[1])):
                given, plane = g[n, c, first:last], gx[n, c]
                for k in range(most):
                    o, w = offsets[k], factors[k]
                    for i in range(len(given)):
                        if outside == 0 or o[i] != none:
                            plane[o[i]] += w[i] * given[i]


@jit
def slope_loop(start, stop, g, x, grid, sizes, mode, padding, align, order, table, blocks, ggrid):
    """Blocks of points: g [N, C, L], x [N, C, S] to ggrid [N, L, 2 or 3].

    First Σ_c g · x for each tap, once; then its products with the derivatives of the weights.
    """
    dims, taps, most = grid.shape[2], table.shape[2], table.shape[2] ** grid.shape[2]
    scratch, positions = np.empty((3, BLOCK), x.dtype), np.empty((3, 4, BLOCK), np.int32)
    weights, factors = np.empty((2, 3, 4, BLOCK), x.dtype), np.empty((most, BLOCK), x.dtype)
    offsets, products, zero = np.empty((most, BLOCK), np.uint32), np.empty((most, BLOCK), x.dtype), like(0, grid[0, 0, 0])
    none, final = np.uint32(_NONE), np.uint32(x.shape[2] - 1)
    for item in range(start, stop):
        n, first = item // blocks, item % blocks * BLOCK
        count = min(BLOCK, g.shape[2] - first)
        points, out = grid[n, first:first + count], ggrid[n, first:first + count]
        _block_taps(points, sizes, mode, padding, align, order, table, scratch, positions, weights)
        outside = _flatten(count, dims, taps, sizes, positions, offsets)
        for k in range(most):
            fill(products[k], zero)
        for c in range(x.shape[1]):
            plane, given = x[n, c], g[n, c, first:first + count]
            for k in range(most):
                total, o = products[k], offsets[k]
                if outside == 0:
                    for i in range(len(given)):
                        total[i] += given[i] * plane[o[i]]
                else:
                    for i in range(len(given)):
                        seen = plane[min(o[i], final)]
                        total[i] += given[i] * (zero if o[i] == none else seen)
        for a in range(dims):
            _multiply(count, dims, taps, a, weights, factors)
            total = scratch[0]
            fill(total, zero)
            for k in range(most):
                product, factor = products[k], factors[k]
                for i in range(count):
                    total[i] += factor[i] * product[i]
            for i in range(count):
                out[i, a] = total[i]
