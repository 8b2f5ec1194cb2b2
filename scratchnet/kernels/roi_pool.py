"""RoI max pooling and its gradient."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel

_NO_PIXEL = -1
_LOWEST = np.finfo(np.float32).min


def _check(name, x, image, rows, columns):
    """Borders are checked, because compiled loops check none."""
    if x.ndim != 4 or image.ndim != 1 or any(b.ndim != 2 or len(b) != len(image) for b in (*rows, *columns)):
        raise RuntimeError(f"{name}: expected x of shape [N, C, H, W] and borders of [K, bins], got x {x.shape}")
    if rows[0].shape != rows[1].shape or columns[0].shape != columns[1].shape:
        given = [tuple(border.shape for border in axis) for axis in (rows, columns)]
        raise RuntimeError(f"{name}: every bin must have two borders, got borders of shapes {given[0]} and {given[1]}")
    limits = zip((image, *rows, *columns), (x.shape[0] - 1, *(x.shape[2],) * 2, *(x.shape[3],) * 2))
    if any(b.size and not 0 <= b.min() <= b.max() <= limit for b, limit in limits):
        raise IndexError(f"{name}: a region lies outside of x, of shape {x.shape}")


@kernel
def roi_pool(x, image, rows, columns):
    """The largest pixel of each bin of each region, and where it is.

    The first of equals counts, and a NaN never does.  A bin without pixels gives 0, one without a pixel larger than
    the lowest finite float32 gives that number.

    Parameters
    ----------
    x : [N, C, H, W]
    image : int64 [K], the image of each region
    rows, columns : pairs of int64 [K, P] and [K, Q], first and last (exclusive) row and column of each bin

    Returns
    -------
    values : [K, C, P, Q]
    indices : int64 [K, C, P, Q], h·W + w of the largest pixel; -1 if there is none
    """
    _check("roi_pool", x, image, rows, columns)
    shape = (len(image), x.shape[1], rows[0].shape[1], columns[0].shape[1])
    values, indices = np.zeros(shape, x.dtype), np.full(shape, _NO_PIXEL)
    for k, p, q in np.ndindex(shape[0], *shape[2:]):
        (top, bottom), (left, right) = ([border[k, i] for border in axis] for axis, i in ((rows, p), (columns, q)))
        if top < bottom and left < right:
            seen = x[image[k], :, top:bottom, left:right].reshape(shape[1], -1)
            seen = np.where(seen > _LOWEST, seen, _LOWEST)
            best = seen.argmax(1)
            values[k, :, p, q] = np.take_along_axis(seen, best[:, None], 1)[:, 0]
            place = (top + best // (right - left)) * x.shape[3] + left + best % (right - left)
            indices[k, :, p, q] = np.where(values[k, :, p, q] > _LOWEST, place, _NO_PIXEL)
    return values, indices


@kernel
def roi_pool_backward(g, indices, image, input_shape):
    """The gradient of roi_pool: gx[image[k], c].flat[indices[k, c, p, q]] += g[k, c, p, q].

    Parameters
    ----------
    g, indices : [K, C, P, Q]
    image : int64 [K]
    input_shape : of x, (N, C, H, W)
    """
    _check_backward(g, indices, image, input_shape)
    gx = np.zeros((*input_shape[:2], input_shape[2] * input_shape[3]), g.dtype)
    region, channel, *bin_ = np.nonzero(indices >= 0)
    np.add.at(gx, (image[region], channel, indices[region, channel, *bin_]), g[region, channel, *bin_])
    return gx.reshape(input_shape)


def _check_backward(g, indices, image, input_shape):
    if len(input_shape) != 4 or g.ndim != 4 or g.shape != indices.shape or g.shape[:2] != (len(image), input_shape[1]):
        raise RuntimeError(f"roi_pool_backward: expected g and indices [K, C, P, Q] for {len(image)} regions and input "
                           f"of shape {tuple(input_shape)}, got shapes {g.shape} and {indices.shape}")
    limits = ((indices, _NO_PIXEL, input_shape[2] * input_shape[3]), (image, 0, input_shape[0]))
    if any(a.size and not low <= a.min() <= a.max() < high for a, low, high in limits):
        raise IndexError(f"roi_pool_backward: an index is out of range for input of shape {tuple(input_shape)}")


@jit
def _pool_loop(start, stop, x, image, top, bottom, left, right, lowest, values, indices):
    """Regions of values, indices [K, C, P, Q]."""
    channels, p_count, q_count = values.shape[1:]
    for k in range(start, stop):
        for c in range(channels):
            for p in range(p_count):
                for q in range(q_count):
                    empty = bottom[k, p] <= top[k, p] or right[k, q] <= left[k, q]
                    best, place = x.dtype.type(0) if empty else lowest, _NO_PIXEL
                    for h in range(top[k, p], bottom[k, p]):
                        row = x[image[k], c, h]
                        for w in range(left[k, q], right[k, q]):
                            if row[w] > best:
                                best, place = row[w], h * x.shape[3] + w
                    values[k, c, p, q], indices[k, c, p, q] = best, place


@jit
def _pool_backward_loop(start, stop, g, indices, image, gx):
    """Channels of g, indices [K, C, L] onto zeroed gx [N, C, H·W]."""
    for k in range(len(image)):
        for c in range(start, stop):
            plane = gx[image[k], c]
            for i in range(g.shape[2]):
                if indices[k, c, i] >= 0:
                    plane[indices[k, c, i]] += g[k, c, i]


@roi_pool.cpu
def _roi_pool_cpu(x, image, rows, columns):
    _check("roi_pool", x, image, rows, columns)
    if not compilable(x):
        return NotImplemented
    shape = (len(image), x.shape[1], rows[0].shape[1], columns[0].shape[1])
    values, indices = np.empty(shape, x.dtype), np.empty(shape, np.int64)
    if values.size:
        borders = [dense(b, np.int64) for b in (*rows, *columns)]
        parallel_for(_pool_loop, shape[0], 9 * values[0].size, dense(x), dense(image, np.int64), *borders,
                     x.dtype.type(_LOWEST), values, indices)
    return values, indices


@roi_pool_backward.cpu
def _roi_pool_backward_cpu(g, indices, image, input_shape):
    _check_backward(g, indices, image, input_shape)
    if not compilable(g):
        return NotImplemented
    gx = np.zeros(input_shape, g.dtype)
    if g.size:
        flat = (*g.shape[:2], -1)
        parallel_for(_pool_backward_loop, g.shape[1], g[:, 0].size, dense(g).reshape(flat),
                     dense(indices, np.int64).reshape(flat), dense(image, np.int64), gx.reshape(*gx.shape[:2], -1))
    return gx
