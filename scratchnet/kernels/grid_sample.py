"""Reading an image at arbitrary points, and the adjoint and derivative of that."""

from __future__ import annotations

import itertools
import math

import numpy as np

from scratchnet.kernels.grid_sample_loops import BLOCK, adjoint_loop, sample_loop, slope_loop
from scratchnet.kernels.grid_sample_taps import MODES, OUTSIDE, PADDINGS, TAPS, axis_taps, polynomials
from scratchnet.kernels.parallel import get_num_threads, parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel

_CHANNELS = 16          # channels that share the work of finding taps when gradients are scattered


def _check(name, shape, grid, mode, padding, orders):
    """The settings as numbers: mode, padding, orders."""
    dims = len(shape) - 2
    if dims not in (2, 3) or grid.ndim != dims + 2 or grid.shape[-1] != dims or grid.shape[0] != shape[0]:
        raise RuntimeError(f"{name}: expected an input [N, C, H, W] and a grid [N, OH, OW, 2], or [N, C, D, H, W] and "
                           f"[N, OD, OH, OW, 3], got shapes {tuple(shape)} and {grid.shape}")
    if mode not in MODES or padding not in PADDINGS:
        raise ValueError(f"{name}: expected mode of {MODES} and padding of {PADDINGS}, got {mode!r} and {padding!r}")
    if 0 in shape[2:]:
        raise RuntimeError(f"{name}: expected an input with pixels, got shape {tuple(shape)}")
    orders = (0,) * dims if orders is None else tuple(orders)
    if len(orders) != dims or min(orders) < 0:
        raise RuntimeError(f"{name}: expected an order for each of the {dims} coordinates, got {orders}")
    return MODES.index(mode), PADDINGS.index(padding), orders


def _same_points(name, g, grid, channels):
    if g.shape != (grid.shape[0], channels, *grid.shape[1:-1]):
        raise RuntimeError(f"{name}: expected g of shape {(grid.shape[0], channels, *grid.shape[1:-1])}, got {g.shape}")


def _taps(grid, sizes, mode, padding, align, orders):
    """Flat positions [N, L], -1 outside, and weights [N, L] of every combination of taps along the axes."""
    points = grid.reshape(grid.shape[0], math.prod(grid.shape[1:-1]), grid.shape[-1])
    axes = [axis_taps(points[..., len(sizes) - 1 - a], n, mode, padding, align, orders[len(sizes) - 1 - a])
            for a, n in enumerate(sizes)]
    for taps in itertools.product(*(range(TAPS[mode]) for _ in sizes)):
        position, weight, inside = 0, 1, True
        for (positions, weights), n, t in zip(axes, sizes, taps):
            position = position * n + positions[t]
            weight, inside = weight * weights[t], inside & (positions[t] != OUTSIDE)
        yield np.where(inside, position, OUTSIDE), weight


@kernel
def grid_sample(x, grid, mode="bilinear", padding="zeros", align_corners=False, orders=None):
    """The image at points between its pixels.

    y[n, c, p] = Σ over taps (i, j) of w_i(v) · w_j(u) · x[n, c, i, j]  at  (u, v) = grid[n, p]

    Parameters
    ----------
    x : [N, C, H, W] or [N, C, D, H, W]
    grid : [N, OH, OW, 2] or [N, OD, OH, OW, 3], points (column, row) or (column, row, slice) from -1 to 1
    mode : "nearest", "bilinear" or "bicubic"
    padding : "zeros", "border" or "reflection"
    orders : of the derivatives of w with respect to each number of a point; all 0 if None

    Returns
    -------
    [N, C, OH, OW] or [N, C, OD, OH, OW]
    """
    mode, padding, orders = _check("grid_sample", x.shape, grid, mode, padding, orders)
    flat = x.reshape(*x.shape[:2], math.prod(x.shape[2:]))
    y = np.zeros((*x.shape[:2], math.prod(grid.shape[1:-1])), x.dtype)
    for position, weight in _taps(grid, x.shape[2:], mode, padding, align_corners, orders):
        seen = np.take_along_axis(flat, np.maximum(position, 0)[:, None], 2)
        y += np.where(position[:, None] == OUTSIDE, 0, seen) * weight[:, None]
    return y.reshape(*x.shape[:2], *grid.shape[1:-1])


@kernel
def grid_sample_adjoint(g, grid, input_shape, mode="bilinear", padding="zeros", align_corners=False, orders=None):
    """The gradient of grid_sample to x: every g is added onto the pixels that were read, times their weights.

    Parameters
    ----------
    g : [N, C, OH, OW] or [N, C, OD, OH, OW]
    input_shape : of x
    """
    mode, padding, orders = _check("grid_sample_adjoint", input_shape, grid, mode, padding, orders)
    _same_points("grid_sample_adjoint", g, grid, input_shape[1])
    gx = np.zeros((*input_shape[:2], math.prod(input_shape[2:])), g.dtype)
    flat = g.reshape(*g.shape[:2], math.prod(g.shape[2:]))
    for position, weight in _taps(grid, input_shape[2:], mode, padding, align_corners, orders):
        n, p = np.nonzero(position != OUTSIDE)
        np.add.at(gx.swapaxes(1, 2), (n, position[n, p]), (flat * weight[:, None]).swapaxes(1, 2)[n, p])
    return gx.reshape(input_shape)


@kernel
def grid_sample_slope(g, x, grid, mode="bilinear", padding="zeros", align_corners=False, orders=None):
    """The gradient of grid_sample to the grid: ggrid[n, p, a] = Σ_c g[n, c, p] · ∂y[n, c, p] / ∂grid[n, p, a].

    Parameters
    ----------
    g : [N, C, OH, OW] or [N, C, OD, OH, OW]

    Returns
    -------
    of the shape of grid
    """
    _, _, orders = _check("grid_sample_slope", x.shape, grid, mode, padding, orders)
    _same_points("grid_sample_slope", g, grid, x.shape[1])
    if mode == "nearest":
        return np.zeros_like(grid)
    slopes = [grid_sample.reference(x, grid, mode, padding, align_corners, next_order(orders, a))
              for a in range(grid.shape[-1])]
    return np.stack([(g * slope).sum(1) for slope in slopes], -1)


def next_order(orders, axis):
    """One more derivative with respect to one of the numbers of a point."""
    return (*orders[:axis], orders[axis] + 1, *orders[axis + 1:])


def _served(*arrays, pixels):
    return compilable(*arrays) and pixels < 2**31


def _settings(shape, settings, align, dtype):
    mode, padding, orders = settings
    sizes = np.array((1,) * (5 - len(shape)) + tuple(shape[2:]), np.int64)
    table = np.zeros((2, 3, TAPS[mode], 4), dtype)
    for a, order in enumerate(orders):
        for more in range(2):
            table[more, a] = polynomials(mode, int(sizes[2 - a]), align, order + more, dtype)
    return sizes, mode, padding, bool(align), np.array((*orders, 0)[:3], np.int64), table


def _flat(array, keep):
    """[N, C, L] or, of a grid, [N, L, numbers]."""
    lead, tail = (array.shape[:2], ()) if keep == "channels" else (array.shape[:1], array.shape[-1:])
    count = math.prod(array.shape[len(lead):array.ndim - len(tail)])
    return dense(array).reshape(*lead, count, *tail)


@grid_sample.cpu
def _grid_sample_cpu(x, grid, mode="bilinear", padding="zeros", align_corners=False, orders=None):
    settings = _check("grid_sample", x.shape, grid, mode, padding, orders)
    if not _served(x, grid, pixels=math.prod(x.shape[2:])):
        return NotImplemented
    y = np.empty((*x.shape[:2], *grid.shape[1:-1]), x.dtype)
    if y.size:
        points, out = _flat(grid, "points"), _flat(y, "channels")
        blocks = -(-points.shape[1] // BLOCK)
        work = BLOCK * TAPS[settings[0]] ** grid.shape[-1] * (x.shape[1] + 8)
        parallel_for(sample_loop, len(x) * blocks, work, _flat(x, "channels"), points,
                     *_settings(x.shape, settings, align_corners, x.dtype), blocks, out)
    return y


@grid_sample_adjoint.cpu
def _grid_sample_adjoint_cpu(g, grid, input_shape, mode="bilinear", padding="zeros", align_corners=False, orders=None):
    settings = _check("grid_sample_adjoint", input_shape, grid, mode, padding, orders)
    _same_points("grid_sample_adjoint", g, grid, input_shape[1])
    if not _served(g, grid, pixels=math.prod(input_shape[2:])):
        return NotImplemented
    gx = np.zeros(input_shape, g.dtype)
    if g.size:
        points = _flat(grid, "points")
        per_group = max(1, min(_CHANNELS, input_shape[1] * len(g) // (2 * get_num_threads())))
        groups = -(-input_shape[1] // per_group)
        work = points.shape[1] * TAPS[settings[0]] ** grid.shape[-1] * (2 * per_group + 8)
        parallel_for(adjoint_loop, len(g) * groups, work, _flat(g, "channels"), points,
                     *_settings(input_shape, settings, align_corners, g.dtype), groups, per_group, _flat(gx, "channels"))
    return gx


@grid_sample_slope.cpu
def _grid_sample_slope_cpu(g, x, grid, mode="bilinear", padding="zeros", align_corners=False, orders=None):
    settings = _check("grid_sample_slope", x.shape, grid, mode, padding, orders)
    _same_points("grid_sample_slope", g, grid, x.shape[1])
    if not _served(g, x, grid, pixels=math.prod(x.shape[2:])):
        return NotImplemented
    ggrid = np.zeros(grid.shape, g.dtype)
    if ggrid.size and mode != "nearest":            # which is constant between its jumps
        points = _flat(grid, "points")
        blocks = -(-points.shape[1] // BLOCK)
        work = BLOCK * TAPS[settings[0]] ** grid.shape[-1] * (x.shape[1] + 8 * grid.shape[-1])
        parallel_for(slope_loop, len(x) * blocks, work, _flat(g, "channels"), _flat(x, "channels"), points,
                     *_settings(x.shape, settings, align_corners, x.dtype), blocks, _flat(ggrid, "points"))
    return ggrid
