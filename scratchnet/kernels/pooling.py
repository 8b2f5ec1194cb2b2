"""Max pooling over sliding windows, and its gradient; what all pooling shares."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.geometry import inside, pair, tap_slices, window_counts
from scratchnet.kernels.jit import copy, fill, jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel

_NO_PIXEL = -1


def pool_windows(name, size, kernel_size, stride, padding, dilation, ceil_mode):
    kernel_size = pair(kernel_size, f"{name}: kernel_size", 1)
    stride = kernel_size if stride is None else pair(stride, f"{name}: stride", 1)
    padding, dilation = pair(padding, f"{name}: padding", 0), pair(dilation, f"{name}: dilation", 1)
    for p, k in zip(padding, kernel_size):
        if p > k // 2:
            raise RuntimeError(f"{name}: padding should be at most half of kernel_size, but got padding={p} and "
                               f"kernel_size={k}")
    return kernel_size, stride, padding, dilation, window_counts(
        name, size, kernel_size, stride, padding, dilation, ceil_mode)


def check_images(name, x):
    if x.ndim != 4:
        raise RuntimeError(f"{name}: expected x of shape [N, C, H, W], got {x.shape}")


def strided_windows(x, windows, fill):
    """The pixels each window sees through tap (a, b), for all taps: yields a, b and an array [N, C, OH,
    OW]."""
    (kh, kw), stride, (ph, pw), dilation, counts = windows
    bottom, right = (max(0, (o - 1) * s + d * (k - 1) + 1 - p - n)
                     for n, k, s, p, d, o in zip(x.shape[2:], *windows))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, bottom), (pw, right)), constant_values=fill)
    for a in range(kh):
        for b in range(kw):
            yield a, b, padded[:, :, *tap_slices(a, b, stride, dilation, counts)]


def _first_taps(size, windows):
    """The number a·kw + b of the first tap of every window that lies inside the image, int32 [OH, OW]; -1 if
    none does."""
    first = []
    for n, taps, stride, padding, dilation, count in zip(size, *windows):
        position = np.arange(count)[:, None] * stride - padding + np.arange(taps) * dilation
        valid = (position >= 0) & (position < n)
        first.append(np.where(valid.any(1), valid.argmax(1), _NO_PIXEL))
    rows, columns = first[0][:, None], first[1]
    return np.where((rows < 0) | (columns < 0), _NO_PIXEL, rows * windows[0][1] + columns).astype(np.int32)


def _pixel_tables(width, windows):
    """Window (i, j) sees pixel origin[i, j] + offset[a·kw + b] of the flattened image through tap (a, b)."""
    (kh, kw), (sh, sw), (ph, pw), (dh, dw), (oh, ow) = windows
    origin = (np.arange(oh)[:, None] * sh - ph) * width + np.arange(ow) * sw - pw
    offset = np.arange(kh)[:, None] * dh * width + np.arange(kw) * dw
    return origin, offset.reshape(-1)


@kernel
def max_pool2d(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """The largest pixel of every window, and where it is.

    y[n, c, i, j] = max over taps (a, b) of x[n, c, i·sh + a·dh - ph, j·sw + b·dw - pw], -∞ outside the image

    A NaN is larger than any number.  Of equal pixels the first counts, of NaNs the last, as in torch.

    Parameters
    ----------
    x : [N, C, H, W]
    kernel_size, stride, padding, dilation : an int, or (rows, columns); stride None is the kernel size
    ceil_mode : also windows that start inside the image but end beyond it

    Returns
    -------
    values : [N, C, OH, OW]
    indices : int64 [N, C, OH, OW], h·W + w of the largest pixel; -1 for a window with no pixel in the image
    """
    check_images("max_pool2d", x)
    windows = pool_windows("max_pool2d", x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    values = np.full((*x.shape[:2], *windows[4]), least, x.dtype)
    winner = np.broadcast_to(_first_taps(x.shape[2:], windows), values.shape).copy()
    for a, b, seen in strided_windows(x, windows, least):
        larger = (seen > values) | (seen != seen)
        np.copyto(values, seen, where=larger)
        winner[larger] = a * windows[0][1] + b
    origin, offset = _pixel_tables(x.shape[3], windows)
    return values, np.where(winner < 0, _NO_PIXEL, origin + offset[winner])


@kernel
def max_pool2d_backward(g, indices, input_shape):
    """The gradient of max_pool2d: gx[n, c].flat[indices[n, c, i, j]] += g[n, c, i, j].

    Parameters
    ----------
    g, indices : [N, C, OH, OW]
    input_shape : of x, (N, C, H, W)
    """
    _check_backward(g, indices, input_shape)
    planes, size = input_shape[0] * input_shape[1], input_shape[2] * input_shape[3]
    gx, flat = np.zeros((planes, size), g.dtype), indices.reshape(planes, indices.shape[2] * indices.shape[3])
    if flat.size and not (flat.min() >= _NO_PIXEL and flat.max() < size):
        raise IndexError(_bad_index(input_shape))
    plane, window = np.nonzero(flat >= 0)
    np.add.at(gx, (plane, flat[plane, window]), g.reshape(flat.shape)[plane, window])
    return gx.reshape(input_shape)


def _check_backward(g, indices, input_shape):
    if len(input_shape) != 4 or g.ndim != 4 or g.shape != indices.shape or g.shape[:2] != (*input_shape[:2],):
        raise RuntimeError(f"max_pool2d_backward: expected g and indices [N, C, OH, OW] for an input of "
                           f"shape {tuple(input_shape)}, got shapes {g.shape} and {indices.shape}")
    if indices.dtype.kind not in "iu":
        raise RuntimeError(f"max_pool2d_backward: expected indices of an integer dtype, got {indices.dtype}")


def _bad_index(input_shape):
    return f"max_pool2d_backward: an index is out of range for an input of shape {tuple(input_shape)}"


@jit
def _max_pool_loop(start, stop, x, y, indices, first_taps, origin, offset, oh, ow, kh, kw, sh, sw, ph, pw,
                   dh, dw):
    """Planes x [P, H, W] to y, indices [P, OH·OW]: tap by tap, all windows of a plane at a time.

    One pass gathers what the windows see through the tap; a second, without branches, keeps the larger: which
    of two pixels is larger cannot be predicted, and a wrong guess costs more than the arithmetic.
    """
    height, width = x.shape[1:]
    best, seen = np.empty(oh * ow, x.dtype), np.empty(oh * ow, x.dtype)
    winner = np.empty(oh * ow, np.int32)
    for plane in range(start, stop):
        fill(best, -np.inf)
        copy(winner, first_taps)
        for a in range(kh):
            for b in range(kw):
                left = b * dw - pw
                j0, j1 = inside(width, ow, sw, left)
                for i in range(oh):
                    h = i * sh + a * dh - ph
                    within = 0 <= h < height
                    if not within or j1 - j0 < ow:
                        fill(seen[i * ow:i * ow + ow], -np.inf)
                    if within:
                        for j in range(j0, j1):
                            seen[i * ow + j] = x[plane, h, j * sw + left]
                for p in range(len(best)):
                    larger = (seen[p] > best[p]) | (seen[p] != seen[p])
                    best[p] = seen[p] if larger else best[p]
                    winner[p] = a * kw + b if larger else winner[p]
        copy(y[plane], best)
        for p in range(len(best)):
            indices[plane, p] = origin[p] + offset[winner[p]] if winner[p] >= 0 else _NO_PIXEL


@jit
def _max_pool_backward_loop(start, stop, g, indices, gx, bad):
    """g, indices [P, L] onto zeroed gx [P, H·W]; bad[0] is set where an index is out of range."""
    for plane in range(start, stop):
        target, size = gx[plane], gx.shape[1]
        for window in range(g.shape[1]):
            index = indices[plane, window]
            if 0 <= index < size:
                target[index] += g[plane, window]
            elif index != _NO_PIXEL:
                bad[0] = True


def planes_of(array):
    return dense(array).reshape(array.shape[0] * array.shape[1], *array.shape[2:])


def flat_windows(windows, count):
    return [v for axes in windows[:count] for v in axes]


@max_pool2d.cpu
def _max_pool2d_cpu(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    check_images("max_pool2d", x)
    windows = pool_windows("max_pool2d", x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    if not compilable(x):
        return NotImplemented
    values = np.empty((*x.shape[:2], *windows[4]), x.dtype)
    indices = np.empty(values.shape, np.int64)
    if values.size:
        planes = planes_of(x)
        (kh, kw), (oh, ow) = windows[0], windows[4]
        origin, offset = _pixel_tables(x.shape[3], windows)
        parallel_for(_max_pool_loop, len(planes), 2 * kh * kw * oh * ow,
                     planes, values.reshape(len(planes), -1), indices.reshape(len(planes), -1),
                     _first_taps(x.shape[2:], windows).reshape(-1), origin.reshape(-1), offset, oh, ow,
                     *flat_windows(windows, 4))
    return values, indices


@max_pool2d_backward.cpu
def _max_pool2d_backward_cpu(g, indices, input_shape):
    _check_backward(g, indices, input_shape)
    if not compilable(g):
        return NotImplemented
    gx, bad = np.zeros(input_shape, g.dtype), np.zeros(1, np.bool_)
    if g.size:
        planes = g.shape[0] * g.shape[1]
        parallel_for(_max_pool_backward_loop, planes, g.size // planes, dense(g).reshape(planes, -1),
                     dense(indices, np.int64).reshape(planes, -1), gx.reshape(planes, -1), bad)
    if bad[0]:
        raise IndexError(_bad_index(input_shape))
    return gx
