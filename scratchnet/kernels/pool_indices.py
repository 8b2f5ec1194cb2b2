"""Going by the places of maxima: the gradient of max pooling, unpooling, and picking pixels."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.pool_windows import NO_PIXEL
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_loops import fill


@kernel
def max_pool_backward(g, indices, size):
    """The gradient of max_pool: gx = 0, then gx[n, c].flat[indices[n, c, i]] += g[n, c, i].

    Parameters
    ----------
    g, indices : [N, C, ...]; an index of -1 stands for no place
    size : of the planes of gx, a tuple

    Returns
    -------
    [N, C, *size]
    """
    flat, places = _flat_pair("max_pool_backward", g, indices, size)
    gx = np.zeros((len(flat), math.prod(size)), g.dtype)
    plane, window = np.nonzero(places >= 0)
    np.add.at(gx, (plane, places[plane, window]), flat[plane, window])
    return gx.reshape(*g.shape[:2], *size)


@kernel
def max_unpool(x, indices, size):
    """y = 0, then y[n, c].flat[indices[n, c, i]] = x[n, c, i]; of several with one index the last.

    Parameters and result as for `max_pool_backward`.
    """
    flat, places = _flat_pair("max_unpool", x, indices, size)
    y = np.zeros((len(flat), math.prod(size)), x.dtype)
    plane, window = np.nonzero(places >= 0)
    y[plane, places[plane, window]] = flat[plane, window]
    return y.reshape(*x.shape[:2], *size)


@kernel
def pick(x, indices):
    """y[n, c, i] = x[n, c].flat[indices[n, c, i]], 0 where the index is -1.

    Parameters
    ----------
    x : [N, C, *size]
    indices : [N, C, ...]

    Returns
    -------
    [N, C, ...], of the shape of the indices
    """
    _check_pick(x, indices)
    size = x.shape[2:]
    _, places = _flat_pair("pick", indices, indices, size)
    taken = np.take_along_axis(x.reshape(len(places), math.prod(size)), np.maximum(places, 0).astype(np.int64), 1)
    return np.where(places < 0, 0, taken).astype(x.dtype, copy=False).reshape(indices.shape)


def _flat_pair(name, x, indices, size):
    """x and indices as [planes, windows], checked."""
    _check(name, x, indices)
    flat = (x.shape[0] * x.shape[1], math.prod(x.shape[2:]))
    if indices.size and not (indices.min() >= NO_PIXEL and indices.max() < math.prod(size)):
        raise IndexError(_bad_index(name, size))
    return x.reshape(flat), indices.reshape(flat)


def _check(name, x, indices):
    if x.ndim < 2 or x.shape != indices.shape:
        raise RuntimeError(f"{name}: expected values and indices of one shape [N, C, ...], got {x.shape} and "
                           f"{indices.shape}")
    if indices.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: expected indices of an integer dtype, got {indices.dtype}")


def _check_pick(x, indices):
    if x.shape[:2] != indices.shape[:2]:
        raise RuntimeError(f"pick: expected x and indices of equal N and C, got shapes {x.shape} and {indices.shape}")


def _bad_index(name, size):
    return f"{name}: an index is out of range for planes of size {tuple(size)}"


@jit
def _scatter_loop(start, stop, x, indices, y, adding, bad):
    """x, indices [P, L] onto y [P, S], added up or not; bad[0] is set where an index is out of range."""
    for plane in range(start, stop):
        target, size = y[plane], y.shape[1]
        fill(target, 0)
        for i in range(x.shape[1]):
            place = indices[plane, i]
            if 0 <= place < size:
                target[place] = x[plane, i] + target[place] if adding else x[plane, i]
            elif place != NO_PIXEL:
                bad[0] = True


@jit
def _pick_loop(start, stop, x, indices, y, bad):
    """x [P, S] at indices [P, L] to y."""
    for plane in range(start, stop):
        for i in range(y.shape[1]):
            place, y[plane, i] = indices[plane, i], 0
            if 0 <= place < x.shape[1]:
                y[plane, i] = x[plane, place]
            elif place != NO_PIXEL:
                bad[0] = True


def _scatter(name, x, indices, size, adding):
    _check(name, x, indices)
    if not compilable(x) or type(indices) is not np.ndarray:
        return NotImplemented
    planes, count, bad = x.shape[0] * x.shape[1], math.prod(x.shape[2:]), np.zeros(1, np.bool_)
    y = np.empty((planes, math.prod(size)), x.dtype)
    parallel_for(_scatter_loop, planes, count + y.shape[1] / 8, dense(x).reshape(planes, count),
                 _dense_indices(indices).reshape(planes, count), y, adding, bad)
    if bad[0]:
        raise IndexError(_bad_index(name, size))
    return y.reshape(*x.shape[:2], *size)


def _dense_indices(indices):
    return dense(indices, np.int32 if indices.dtype == np.int32 else np.int64)


@max_pool_backward.cpu
def _max_pool_backward_cpu(g, indices, size):
    return _scatter("max_pool_backward", g, indices, size, True)


@max_unpool.cpu
def _max_unpool_cpu(x, indices, size):
    return _scatter("max_unpool", x, indices, size, False)


@pick.cpu
def _pick_cpu(x, indices):
    _check_pick(x, indices)
    _check("pick", indices, indices)
    if not compilable(x) or type(indices) is not np.ndarray:
        return NotImplemented
    planes, bad = x.shape[0] * x.shape[1], np.zeros(1, np.bool_)
    y = np.empty((planes, math.prod(indices.shape[2:])), x.dtype)
    parallel_for(_pick_loop, planes, y.shape[1], dense(x).reshape(planes, math.prod(x.shape[2:])),
                 _dense_indices(indices).reshape(y.shape), y, bad)
    if bad[0]:
        raise IndexError(_bad_index("pick", x.shape[2:]))
    return y.reshape(indices.shape)
