"""Average pooling over sliding windows, and its gradient."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.geometry import inside, tap_slices
from scratchnet.kernels.jit import fill, jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.pooling import check_images, flat_windows, planes_of, pool_windows, strided_windows
from scratchnet.kernels.registry import compilable, kernel


@kernel
def avg_pool2d(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """The mean of every window.

    y[n, c, i, j] = (sum of the window's pixels) / divisor

    divisor: the pixels of the window that lie in the padded image (count_include_pad), or in the image, or
    the number given.

    Parameters
    ----------
    x : [N, C, H, W]
    kernel_size, stride, padding : an int, or (rows, columns); stride None is the kernel size

    Returns
    -------
    [N, C, OH, OW]
    """
    check_images("avg_pool2d", x)
    windows = pool_windows("avg_pool2d", x.shape[2:], kernel_size, stride, padding, 1, ceil_mode)
    total = sum(seen for _, _, seen in strided_windows(x, windows, 0))
    return total / _divisors(x, windows, count_include_pad, divisor_override)


@kernel
def avg_pool2d_backward(g, input_shape, kernel_size, stride=None, padding=0, ceil_mode=False,
                        count_include_pad=True, divisor_override=None):
    """The gradient of avg_pool2d: every window hands g/divisor to each of its pixels.

    Parameters
    ----------
    g : [N, C, OH, OW]
    input_shape : of x, (N, C, H, W)
    """
    windows = _check_avg_backward(g, input_shape, kernel_size, stride, padding, ceil_mode)
    (kh, kw), stride, (ph, pw), dilation, counts = windows
    height, width = input_shape[2:]
    share = g / _divisors(g, windows, count_include_pad, divisor_override, input_shape)
    reach = (max(n + p, (o - 1) * s + k) for n, k, s, p, _, o in zip((height + ph, width + pw), *windows))
    padded = np.zeros((*input_shape[:2], *reach), g.dtype)
    for a in range(kh):
        for b in range(kw):
            padded[:, :, *tap_slices(a, b, stride, dilation, counts)] += share
    return padded[:, :, ph:ph + height, pw:pw + width]


def _check_avg_backward(g, input_shape, kernel_size, stride, padding, ceil_mode):
    if len(input_shape) != 4:
        raise RuntimeError(f"avg_pool2d_backward: expected an input of shape (N, C, H, W), got "
                           f"{tuple(input_shape)}")
    windows = pool_windows("avg_pool2d_backward", input_shape[2:], kernel_size, stride, padding, 1, ceil_mode)
    if g.shape != (*input_shape[:2], *windows[4]):
        raise RuntimeError(f"avg_pool2d_backward: expected g of shape {(*input_shape[:2], *windows[4])}, "
                           f"got {g.shape}")
    return windows


def _divisors(like, windows, count_include_pad, divisor_override, input_shape=None):
    """[OH, OW] of the dtype of ``like``."""
    if divisor_override is not None:
        if divisor_override == 0:
            raise RuntimeError("avg_pool2d: divisor_override must not be zero")
        return np.full(windows[4], divisor_override, like.dtype)
    counts = []
    for size, taps, stride, padding, _, count in zip((input_shape or like.shape)[2:], *windows):
        start = np.arange(count) * stride - padding
        end = np.minimum(start + taps, size + padding)
        counts.append(end - start if count_include_pad else np.minimum(end, size) - np.maximum(start, 0))
    return np.multiply.outer(*counts).astype(like.dtype)


@jit
def _avg_pool_loop(start, stop, x, y, divisors, kh, kw, sh, sw, ph, pw):
    height, width = x.shape[1:]
    oh, ow = y.shape[1:]
    for plane in range(start, stop):
        for i in range(oh):
            total = y[plane, i]
            fill(total, 0)
            for a in range(kh):
                h = i * sh + a - ph
                if h < 0 or h >= height:
                    continue
                row = x[plane, h]
                for b in range(kw):
                    j0, j1 = inside(width, ow, sw, b - pw)
                    for j in range(j0, j1):
                        total[j] += row[j * sw + b - pw]
            for j in range(ow):
                total[j] /= divisors[i, j]


@jit
def _avg_pool_backward_loop(start, stop, share, gx, kh, kw, sh, sw, ph, pw):
    """share [P, OH, OW], what every pixel of a window gets, onto zeroed gx [P, H, W]."""
    height, width = gx.shape[1:]
    oh, ow = share.shape[1:]
    for plane in range(start, stop):
        for i in range(oh):
            for a in range(kh):
                h = i * sh + a - ph
                if h < 0 or h >= height:
                    continue
                row, given = gx[plane, h], share[plane, i]
                for b in range(kw):
                    j0, j1 = inside(width, ow, sw, b - pw)
                    for j in range(j0, j1):
                        row[j * sw + b - pw] += given[j]


@avg_pool2d.cpu
def _avg_pool2d_cpu(x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
                    divisor_override=None):
    check_images("avg_pool2d", x)
    windows = pool_windows("avg_pool2d", x.shape[2:], kernel_size, stride, padding, 1, ceil_mode)
    if not compilable(x):
        return NotImplemented
    divisors = _divisors(x, windows, count_include_pad, divisor_override)
    y = np.empty((*x.shape[:2], *windows[4]), x.dtype)
    if y.size:
        planes, (kh, kw) = planes_of(x), windows[0]
        parallel_for(_avg_pool_loop, len(planes), kh * kw * divisors.size, planes, planes_of(y), divisors,
                     *flat_windows(windows, 3))
    return y


@avg_pool2d_backward.cpu
def _avg_pool2d_backward_cpu(g, input_shape, kernel_size, stride=None, padding=0, ceil_mode=False,
                             count_include_pad=True, divisor_override=None):
    windows = _check_avg_backward(g, input_shape, kernel_size, stride, padding, ceil_mode)
    if not compilable(g):
        return NotImplemented
    share = g / _divisors(g, windows, count_include_pad, divisor_override, input_shape)
    gx = np.zeros(input_shape, g.dtype)
    if g.size:
        planes, (kh, kw) = planes_of(share), windows[0]
        parallel_for(_avg_pool_backward_loop, len(planes), kh * kw * planes[0].size, planes, planes_of(gx),
                     *flat_windows(windows, 3))
    return gx
