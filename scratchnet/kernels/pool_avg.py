"""Average pooling over windows of any kind, and its gradient."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.pool_windows import seen_through, split
from scratchnet.kernels.registry import compilable, kernel
from scratchnet.kernels.vector_loops import add, fill, sum_of


@kernel
def avg_pool(x, windows):
    """The mean of every window: the sum of its pixels in the image / its divisor.

    Parameters
    ----------
    x : [N, C, *size], of one to three axes
    windows : Windows; the divisors are theirs

    Returns
    -------
    [N, C, *windows.output], of x's dtype; the mean of integers is rounded towards 0
    """
    _check("avg_pool", x.shape, windows)
    total = x.reshape(x.shape[0] * x.shape[1], *(a.size for a in windows.axes)).astype(_sum_dtype(x))
    for number, axis in enumerate(windows.axes, 1):
        total = _sums(total, axis, number)
    mean = total / windows.divisors(total.dtype)
    return mean.astype(x.dtype).reshape(*x.shape[:2], *windows.output)


def _sums(x, axis, number):
    """The sums of windows along one axis."""
    edges = np.stack([axis.start[0], axis.stop[0]], 1).reshape(-1)          # [start₀, stop₀), [stop₀, start₁), ...
    beyond = np.zeros_like(x, shape=(*x.shape[:number], 1, *x.shape[number + 1:]))
    sums = np.add.reduceat(np.concatenate([x, beyond], number), edges, number)
    return np.moveaxis(np.moveaxis(sums, number, 0)[::2], 0, number)


@kernel
def avg_pool_backward(g, windows):
    """The gradient of avg_pool, its adjoint: every window hands g / divisor to each of its pixels.

    Parameters
    ----------
    g : [N, C, *windows.output]

    Returns
    -------
    [N, C, *size]
    """
    _check_backward(g, windows)
    share = g.reshape(g.shape[0] * g.shape[1], *(a.windows for a in windows.axes)).astype(_sum_dtype(g))
    share = share / windows.divisors(share.dtype)
    for number, axis in enumerate(windows.axes, 1):
        share = _spread(share, axis, number)
    return share.astype(g.dtype).reshape(*g.shape[:2], *windows.size)


def _spread(share, axis, number):
    """The adjoint of `_sums`: what windows along one axis give is added to all of their pixels."""
    share = np.moveaxis(share, number, 0)
    total = np.zeros_like(share, shape=(axis.size, *share.shape[1:]))
    for tap in range(axis.longest):
        place = axis.start[0] + tap
        exists = place < axis.stop[0]
        np.add.at(total, place[exists], share[exists])
    return np.moveaxis(total, 0, number)


def _sum_dtype(x):
    """Half-precision numbers are summed in single precision, integers are averaged exactly."""
    return x.dtype if x.dtype.itemsize > 2 and x.dtype.kind == "f" else np.float32 if x.dtype.kind == "f" else np.float64


def _check(name, shape, windows):
    windows.check(name, shape)
    if any(len(a.start) > 1 or a.step > 1 for a in windows.axes):
        raise RuntimeError(f"{name}: expected windows without holes, and the same for all planes")


def _check_backward(g, windows):
    windows.check_output("avg_pool_backward", g.shape)
    _check("avg_pool_backward", (*g.shape[:2], *windows.size), windows)


@jit
def _add_pairs(total, x):
    for i in range(len(total)):
        total[i] += x[2 * i] + x[2 * i + 1]


@jit
def _spread_pairs(share, x):
    """The adjoint of `_add_pairs`."""
    for i in range(len(share)):
        x[2 * i] += share[i]
        x[2 * i + 1] += share[i]


@jit
def _add_number(total, number):
    for i in range(len(total)):
        total[i] += number


@jit
def _avg_loop(start, stop, x, y, depths, rows, columns, taps, stride, paired, by_depth, by_row, by_column):
    """Planes of x [P, D, H, W] to y [P, OD, OH, OW]: first the sum of the rows of a window, for the whole width,
    then that of its columns."""
    total = np.empty(x.shape[3], x.dtype)
    phases = np.empty((max(stride, 1), x.shape[3] // max(stride, 1) + 1), x.dtype)
    for plane in range(start, stop):
        for k in range(y.shape[1]):
            for i in range(y.shape[2]):
                row = x[plane, depths[0, 0, k], rows[0, 0, i]]
                if (depths[1, 0, k] - depths[0, 0, k]) * (rows[1, 0, i] - rows[0, 0, i]) != 1:
                    fill(total, 0)
                    for d in range(depths[0, 0, k], depths[1, 0, k]):
                        for h in range(rows[0, 0, i], rows[1, 0, i]):
                            add(total, x[plane, d, h])
                    row = total
                mean, divisor = y[plane, k, i], by_depth[k] * by_row[i]
                if paired:
                    fill(mean, 0)
                    for t in range(0, len(taps), 2):
                        _add_pairs(mean[taps[0, 0]:taps[0, 1]], row[taps[t, 2]:])
                elif len(taps) > 0:
                    fill(mean, 0)
                    split(row, stride, phases)
                    for t in range(len(taps)):
                        j0, j1, column = taps[t]
                        add(mean[j0:j1], seen_through(row, stride, phases, column, j1 - j0))
                else:
                    for j in range(len(mean)):
                        mean[j] = sum_of(row[columns[0, 0, j]:columns[1, 0, j]])
                for j in range(len(mean)):
                    mean[j] /= divisor * by_column[j]


@jit
def _whole_loop(start, stop, x, y, divisor):
    """The means of whole planes x [P, S]: y [P, 1]."""
    for plane in range(start, stop):
        y[plane, 0] = sum_of(x[plane]) / divisor


@jit
def _whole_backward_loop(start, stop, g, gx, divisor):
    for plane in range(start, stop):
        fill(gx[plane], g[plane, 0] / divisor)


@jit
def _avg_backward_loop(start, stop, g, gx, depths, rows, columns, taps, stride, paired, by_depth, by_row, by_column):
    """g [P, OD, OH, OW] to gx [P, D, H, W]: the shares of a row of windows, spread over its columns, are added to
    each of its rows."""
    share, spread = np.empty(g.shape[3], g.dtype), np.empty(gx.shape[3], g.dtype)
    for plane in range(start, stop):
        for d in range(gx.shape[1]):
            for h in range(gx.shape[2]):
                fill(gx[plane, d, h], 0)
        for k in range(g.shape[1]):
            for i in range(g.shape[2]):
                given, divisor = g[plane, k, i], by_depth[k] * by_row[i]
                for j in range(len(share)):
                    share[j] = given[j] / (divisor * by_column[j])
                if len(taps) > 0:
                    fill(spread, 0)
                if paired:
                    for t in range(0, len(taps), 2):
                        _spread_pairs(share[taps[0, 0]:taps[0, 1]], spread[taps[t, 2]:])
                else:
                    for t in range(len(taps)):
                        j0, j1, column = taps[t]
                        target, shares = spread[column:], share[j0:j1]
                        for j in range(len(shares)):
                            target[j * stride] += shares[j]
                for d in range(depths[0, 0, k], depths[1, 0, k]):
                    for h in range(rows[0, 0, i], rows[1, 0, i]):
                        row = gx[plane, d, h]
                        if len(taps) > 0:
                            add(row, spread)
                        else:
                            for j in range(len(share)):
                                _add_number(row[columns[0, 0, j]:columns[1, 0, j]], share[j])


@avg_pool.cpu
def _avg_pool_cpu(x, windows):
    _check("avg_pool", x.shape, windows)
    if not compilable(x):
        return NotImplemented
    y = np.empty((*x.shape[:2], *windows.output), x.dtype)
    if y.size:
        _run(_avg_loop, _whole_loop, windows, windows.volumes(x), windows.outputs(y))
    return y


@avg_pool_backward.cpu
def _avg_pool_backward_cpu(g, windows):
    _check_backward(g, windows)
    if not compilable(g):
        return NotImplemented
    gx = np.empty((*g.shape[:2], *windows.size), g.dtype)
    if gx.size:
        _run(_avg_backward_loop, _whole_backward_loop, windows, windows.outputs(g), windows.volumes(gx))
    return gx


def _run(loop, whole_loop, windows, source, target):
    """One of the loops over planes: that for a single window, of everything, is simpler."""
    planes, divisors, work = len(source), windows.divisor_tables(source.dtype), max(source[0].size, target[0].size)
    if windows.whole:
        parallel_for(whole_loop, planes, work / 4, source.reshape(planes, -1), target.reshape(planes, -1),
                     divisors[0][0] * divisors[1][0] * divisors[2][0])
    else:
        parallel_for(loop, planes, work, source, target, *windows.tables, *divisors)
