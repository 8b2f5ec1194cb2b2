"""Max pooling over windows of any kind: the largest pixels, and where they are."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.pool_windows import NO_PIXEL, seen_through, split
from scratchnet.kernels.registry import compilable, kernel
from scratchnet.kernels.vector_loops import largest_of

_LONG = 16                  # numbers from which it pays to look for the largest first, and for its place then


@kernel
def max_pool(x, windows):
    """The largest pixel of every window, and where it is.

    A NaN is larger than any number.  Of equal pixels the first counts, of NaNs the last, as in torch.

    Parameters
    ----------
    x : [N, C, *size], of one to three axes
    windows : Windows

    Returns
    -------
    values : [N, C, *windows.output]; -∞ for a window with no pixel in the image
    indices : the place of the largest pixel among all pixels of the plane, -1 for such a window; int32, or
        int64 for planes of 2³¹ pixels
    """
    windows.check("max_pool", x.shape)
    volumes = x.reshape(x.shape[0] * x.shape[1], *(a.size for a in windows.axes))
    shape = (len(volumes), *(a.windows for a in windows.axes))
    values = np.full(shape, -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
    indices = np.full(shape, NO_PIXEL, _index_dtype(windows))
    for (plane, d, h, w), valid in windows.taps():
        seen = volumes[plane, d, h, w]
        larger = valid & ((seen > values) | (seen != seen) | (indices == NO_PIXEL))
        values = np.where(larger, seen, values)
        place = ((d * windows.axes[1].size + h) * windows.axes[2].size + w).astype(indices.dtype)
        indices = np.where(larger, place, indices)
    shape = (*x.shape[:2], *windows.output)
    return values.reshape(shape), indices.reshape(shape)


def _index_dtype(windows):
    return np.int32 if math.prod(windows.size) < 2**31 else np.int64


@jit
def _max_loop(start, stop, x, y, indices, depths, rows, columns, taps, stride, paired, depth_step, row_step,
              column_step):
    """Planes of x [P, D, H, W] to y, indices [P, OD, OH, OW].

    A row of windows is treated tap by tap, without branches: which of two pixels is larger cannot be predicted,
    and a wrong guess costs more than the arithmetic.  Windows at unequal distances, or few and long ones, are treated
    one by one.
    """
    height, width = x.shape[2:]
    flat = x.reshape(len(x), -1)
    phases = np.empty((max(stride, 1), width // max(stride, 1) + 1), x.dtype)
    for plane in range(start, stop):
        pixels = flat[plane]
        td, th, tw = plane % depths.shape[1], plane % rows.shape[1], plane % columns.shape[1]
        for k in range(y.shape[1]):
            for i in range(y.shape[2]):
                best, winner = y[plane, k, i], indices[plane, k, i]
                d0, d1, h0, h1 = depths[0, td, k], depths[1, td, k], rows[0, th, i], rows[1, th, i]
                left, right, origin = columns[0, tw], columns[1, tw], (d0 * height + h0) * width
                none = d0 >= d1 or h0 >= h1
                for j in range(len(best)):
                    best[j] = -np.inf
                    winner[j] = NO_PIXEL if none | (left[j] >= right[j]) else origin + left[j]
                if len(taps) == 0 and not none:
                    for j in range(len(best)):
                        if left[j] < right[j]:
                            best[j], winner[j] = _largest(pixels, height, width, d0, d1, depth_step, h0, h1, row_step,
                                                          left[j], right[j], column_step)
                    continue
                for d in range(d0, d1, depth_step):
                    for h in range(h0, h1, row_step):
                        row, origin = x[plane, d, h], (d * height + h) * width
                        if paired:
                            j0, j1, _ = taps[0]
                            for t in range(0, len(taps), 2):
                                column = taps[t, 2]
                                _keep_larger_of_pairs(best[j0:j1], winner[j0:j1], row[column:], origin + column)
                        else:
                            split(row, stride, phases)
                            for t in range(len(taps)):
                                j0, j1, column = taps[t]
                                seen = seen_through(row, stride, phases, column, j1 - j0)
                                _keep_larger(best[j0:j1], winner[j0:j1], seen, origin + column, stride)


@jit
def _largest(pixels, height, width, d0, d1, depth_step, h0, h1, row_step, left, right, column_step):
    """The largest pixel of a window of pixels [D·H·W], and its place: of equal ones the first, of NaNs the last."""
    first, length = (d0 * height + h0) * width + left, (h1 - h0) * (right - left)
    gapless = h1 - h0 == 1 or (right - left == width and row_step == 1)         # its rows are one long one
    if d1 - d0 == 1 and gapless and column_step == 1 and length >= _LONG:
        numbers = pixels[first:first + length]
        largest, at = largest_of(numbers), 0
        if largest == largest:
            while numbers[at] != largest:
                at += 1
        else:
            at = length - 1
            while numbers[at] == numbers[at]:
                at -= 1
        return numbers[at], first + at
    best, winner = pixels[first], first
    for d in range(d0, d1, depth_step):
        for h in range(h0, h1, row_step):
            row = (d * height + h) * width
            for place in range(row + left, row + right, column_step):
                x = pixels[place]
                if (x > best) | (x != x):               # rarely: a branch is quicker here
                    best, winner = x, place
    return best, winner


@jit
def _keep_larger(best, winner, seen, place, stride):
    """seen[j], from pixel place + j·stride, takes the place of best[j] if it is larger."""
    for j in range(len(best)):
        larger = (seen[j] > best[j]) | (seen[j] != seen[j])
        best[j] = seen[j] if larger else best[j]
        winner[j] = place + j * stride if larger else winner[j]


@jit
def _keep_larger_of_pairs(best, winner, row, place):
    """`_keep_larger` of row[2j], and then of row[2j + 1]."""
    for j in range(len(best)):
        a, b, top, at = row[2 * j], row[2 * j + 1], best[j], winner[j]
        larger = (a > top) | (a != a)
        top, at = a if larger else top, place + 2 * j if larger else at
        larger = (b > top) | (b != b)
        best[j] = b if larger else top
        winner[j] = place + 2 * j + 1 if larger else at


@max_pool.cpu
def _max_pool_cpu(x, windows):
    windows.check("max_pool", x.shape)
    if not compilable(x) or _index_dtype(windows) is np.int64:
        return NotImplemented
    y = np.empty((*x.shape[:2], *windows.output), x.dtype)
    indices = np.empty(y.shape, np.int32)
    if y.size:
        volumes = windows.volumes(x)
        parallel_for(_max_loop, len(volumes), 2 * volumes[0].size, volumes, windows.outputs(y),
                     windows.outputs(indices), *windows.tables, *windows.steps)
    return y, indices
