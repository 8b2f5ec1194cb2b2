"""im2col and col2im: a convolution becomes a matrix product, and each is the other's adjoint.

K. Chellapilla, S. Puri, P. Simard, *High Performance Convolutional Neural Networks for Document Processing*
(2006).  Images have any number d of spatial dimensions; the compiled loops see all of them as volumes."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from scratchnet.kernels.geometry import inside, per_axis, seen_through, window_counts
from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_loops import add, copy, fill


class Windows(NamedTuple):
    """Checked windows over an image: tuples of d ints."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    output: tuple[int, ...]

    @property
    def taps(self):
        return math.prod(self.kernel)

    def volumes(self):
        """The same windows over volumes: every setting of three axes."""
        neutral = (1, 1, 1, 0, 1, 1)
        return Windows(*((value,) * (3 - len(axes)) + axes for value, axes in zip(neutral, self)))


def windows_over(name, size, kernel_size, stride, padding, dilation):
    axes = len(size)
    windows = (per_axis(kernel_size, axes, f"{name}: kernel_size", 1),
               per_axis(stride, axes, f"{name}: stride", 1),
               per_axis(padding, axes, f"{name}: padding", 0),
               per_axis(dilation, axes, f"{name}: dilation", 1))
    return Windows(tuple(size), *windows, window_counts(name, size, *windows))


def check_images(x):
    if x.ndim < 3:
        raise RuntimeError(f"im2col: expected x of shape [N, C, *size], got {x.shape}")


def check_columns(cols, output_size, *settings):
    """The windows and the number of channels."""
    size = tuple(output_size)
    if min(size, default=0) < 1:
        raise RuntimeError(f"col2im: expected a positive output_size, got {size}")
    windows = windows_over("col2im", size, *settings)
    count = math.prod(windows.output)
    if cols.ndim != 3 or cols.shape[1] % windows.taps or cols.shape[2] != count:
        raise RuntimeError(f"col2im: expected cols of shape [N, C*{windows.taps}, {count}] for output_size "
                           f"{size} and kernel_size {windows.kernel}, got {cols.shape}")
    return windows, cols.shape[1] // windows.taps


def _taps(windows):
    """Every tap, and the slices of the padded image that the windows see through it."""
    for tap in itertools.product(*map(range, windows.kernel)):
        yield tap, seen_through(tap, windows.stride, windows.dilation, windows.output)


@kernel
def im2col(x, kernel_size, stride=1, padding=0, dilation=1):
    """Every window of the zero-padded images as a column.

    cols[n, (c·kh + a)·kw + b, i·OW + j] = x[n, c, i·sh + a·dh - ph, j·sw + b·dw - pw], 0 outside the image,

    and likewise for any number d of spatial dimensions.

    Parameters
    ----------
    x : [N, C, *size], any dtype
    kernel_size, stride, padding, dilation : an int, or d

    Returns
    -------
    [N, C·taps, number of windows], the layout of torch's ``unfold``
    """
    check_images(x)
    windows = windows_over("im2col", x.shape[2:], kernel_size, stride, padding, dilation)
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in windows.padding)))
    seen = [padded[:, :, *slices] for _, slices in _taps(windows)]
    return np.stack(seen, axis=2).reshape(len(x), x.shape[1] * windows.taps, math.prod(windows.output))


@kernel
def col2im(cols, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """The adjoint of im2col: every column is added onto the place of its window.

    y[n, c, h, w] = sum of cols[n, (c·kh + a)·kw + b, i·OW + j] over all windows and taps that see pixel (h,
    w), and likewise for any number d of spatial dimensions.

    Parameters
    ----------
    cols : [N, C·taps, number of windows]
    output_size : d sizes, of the images
    kernel_size, stride, padding, dilation : an int, or d

    Returns
    -------
    [N, C, *output_size], the layout of torch's ``fold``
    """
    windows, channels = check_columns(cols, output_size, kernel_size, stride, padding, dilation)
    taps = cols.reshape(len(cols), channels, *windows.kernel, *windows.output)
    padded = np.zeros((len(cols), channels, *(n + 2 * p for n, p in zip(windows.size, windows.padding))),
                      cols.dtype)
    for tap, slices in _taps(windows):
        padded[:, :, *slices] += taps[:, :, *tap]
    return padded[:, :, *(slice(p, p + n) for n, p in zip(windows.size, windows.padding))]


@jit
def _im2col_loop(start, stop, x, cols, kernel, stride, padding, dilation, output):
    """x [N·C, D, H, W] to cols [N·C·taps, OD, OH, OW]; an item is one row of the column matrix."""
    (kd, kh, kw), (sd, sh, sw), (od, oh, ow) = kernel, stride, output
    taps = kd * kh * kw
    for item in range(start, stop):
        image, tap = item // taps, item % taps
        front = tap // (kh * kw) * dilation[0] - padding[0]
        top = tap // kw % kh * dilation[1] - padding[1]
        left = tap % kw * dilation[2] - padding[2]
        j0, j1 = inside(x.shape[3], ow, sw, left)
        for k in range(od):
            d = k * sd + front
            for i in range(oh):
                h, out = i * sh + top, cols[item, k, i]
                if d < 0 or d >= x.shape[1] or h < 0 or h >= x.shape[2]:
                    fill(out, 0)
                    continue
                row = x[image, d, h]
                fill(out[:j0], 0)
                fill(out[j1:], 0)
                if sw == 1:
                    copy(out[j0:j1], row[j0 + left:j1 + left])
                else:
                    for j in range(j0, j1):
                        out[j] = row[j * sw + left]


@jit
def _col2im_loop(start, stop, cols, y, kernel, stride, padding, dilation, output):
    """cols [N·C, kd·kh·kw, OD, OH, OW] onto y [N·C, D, H, W]; an item is one image of one channel.

    Windows outside, taps inside: the rows that a row of windows covers stay in the cache.
    """
    (kd, kh, kw), (sd, sh, sw), (od, oh, ow) = kernel, stride, output
    for image in range(start, stop):
        for d in range(y.shape[1]):
            for h in range(y.shape[2]):
                fill(y[image, d, h], 0)
        for k in range(od):
            for i in range(oh):
                for tap in range(kd * kh):
                    d = k * sd + tap // kh * dilation[0] - padding[0]
                    h = i * sh + tap % kh * dilation[1] - padding[1]
                    if d < 0 or d >= y.shape[1] or h < 0 or h >= y.shape[2]:
                        continue
                    seen = y[image, d, h]
                    for b in range(kw):
                        left, row = b * dilation[2] - padding[2], cols[image, tap * kw + b, k, i]
                        j0, j1 = inside(y.shape[3], ow, sw, left)
                        if sw == 1:
                            add(seen[j0 + left:j1 + left], row[j0:j1])
                        else:
                            for j in range(j0, j1):
                                seen[j * sw + left] += row[j]


def _served(array, windows):
    return compilable(array) and array.size > 0 and len(windows.size) <= 3


@im2col.cpu
def _im2col_cpu(x, kernel_size, stride=1, padding=0, dilation=1):
    check_images(x)
    windows = windows_over("im2col", x.shape[2:], kernel_size, stride, padding, dilation)
    if not _served(x, windows):
        return NotImplemented
    images, count = x.shape[0] * x.shape[1], math.prod(windows.output)
    size, *settings, output = windows.volumes()
    cols = np.empty((images * windows.taps, *output), x.dtype)
    parallel_for(_im2col_loop, len(cols), count / 4, dense(x).reshape(images, *size), cols, *settings, output)
    return cols.reshape(len(x), x.shape[1] * windows.taps, count)


@col2im.cpu
def _col2im_cpu(cols, output_size, kernel_size, stride=1, padding=0, dilation=1):
    windows, channels = check_columns(cols, output_size, kernel_size, stride, padding, dilation)
    if not _served(cols, windows):
        return NotImplemented
    images = len(cols) * channels
    size, *settings, output = windows.volumes()
    y = np.empty((images, *size), cols.dtype)
    parallel_for(_col2im_loop, images, windows.taps * math.prod(windows.output) / 4,
                 dense(cols).reshape(images, windows.taps, *output), y, *settings, output)
    return y.reshape(len(cols), channels, *windows.size)
