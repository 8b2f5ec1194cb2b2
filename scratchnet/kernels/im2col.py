"""im2col and col2im: a convolution becomes a matrix product, and each is the other's adjoint.

K. Chellapilla, S. Puri, P. Simard, *High Performance Convolutional Neural Networks for Document Processing*
(2006). """

from __future__ import annotations

import numpy as np

from scratchnet.kernels.geometry import inside, pair, tap_slices, window_counts
from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel


def _windows(name, kernel_size, stride, padding, dilation):
    return (pair(kernel_size, f"{name}: kernel_size", 1), pair(stride, f"{name}: stride", 1),
            pair(padding, f"{name}: padding", 0), pair(dilation, f"{name}: dilation", 1))


def _check_images(name, x):
    if x.ndim != 4:
        raise RuntimeError(f"{name}: expected x of shape [N, C, H, W], got {x.shape}")


def _check_columns(cols, output_size, windows):
    """Height and width of the image and of the grid of windows, and the number of channels."""
    (kh, kw), height_width = windows[0], pair(output_size, "col2im: output_size", 1)
    oh, ow = window_counts("col2im", height_width, *windows)
    if cols.ndim != 3 or cols.shape[1] % (kh * kw) or cols.shape[2] != oh * ow:
        raise RuntimeError(f"col2im: expected cols of shape [N, C*{kh * kw}, {oh * ow}] for output_size "
                           f"{height_width} and kernel_size {windows[0]}, got {cols.shape}")
    return height_width, (oh, ow), cols.shape[1] // (kh * kw)


@kernel
def im2col(x, kernel_size, stride=1, padding=0, dilation=1):
    """Every window of the zero-padded images as a column.

    cols[n, (c·kh + a)·kw + b, i·OW + j] = x[n, c, i·sh + a·dh - ph, j·sw + b·dw - pw], 0 outside the image

    Parameters
    ----------
    x : [N, C, H, W], any dtype
    kernel_size, stride, padding, dilation : an int, or (rows, columns)

    Returns
    -------
    [N, C·kh·kw, OH·OW], the layout of torch's ``unfold``
    """
    _check_images("im2col", x)
    windows = _windows("im2col", kernel_size, stride, padding, dilation)
    (kh, kw), stride, (ph, pw), dilation = windows
    oh, ow = window_counts("im2col", x.shape[2:], *windows)
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    taps = [padded[:, :, *tap_slices(a, b, stride, dilation, (oh, ow))] for a in range(kh) for b in range(kw)]
    return np.stack(taps, axis=2).reshape(x.shape[0], x.shape[1] * kh * kw, oh * ow)


@kernel
def col2im(cols, output_size, kernel_size, stride=1, padding=0, dilation=1):
    """The adjoint of im2col: every column is added onto the place of its window.

    y[n, c, h, w] = sum of cols[n, (c·kh + a)·kw + b, i·OW + j] over all windows and taps that see pixel (h,
    w)

    Parameters
    ----------
    cols : [N, C·kh·kw, OH·OW]
    output_size : height and width of the images
    kernel_size, stride, padding, dilation : an int, or (rows, columns)

    Returns
    -------
    [N, C, H, W], the layout of torch's ``fold``
    """
    windows = _windows("col2im", kernel_size, stride, padding, dilation)
    (height, width), (oh, ow), channels = _check_columns(cols, output_size, windows)
    (kh, kw), stride, (ph, pw), dilation = windows
    taps = cols.reshape(len(cols), channels, kh, kw, oh, ow)
    padded = np.zeros((len(cols), channels, height + 2 * ph, width + 2 * pw), cols.dtype)
    for a in range(kh):
        for b in range(kw):
            padded[:, :, *tap_slices(a, b, stride, dilation, (oh, ow))] += taps[:, :, a, b]
    return padded[:, :, ph:ph + height, pw:pw + width]


@jit
def _im2col_loop(start, stop, x, cols, kh, kw, sh, sw, ph, pw, dh, dw, oh, ow):
    """x [N·C, H, W] to zeroed cols [N·C, kh, kw, OH, OW]."""
    for image in range(start, stop):
        for a in range(kh):
            i0, i1 = inside(x.shape[1], oh, sh, a * dh - ph)
            for b in range(kw):
                left = b * dw - pw
                j0, j1 = inside(x.shape[2], ow, sw, left)
                for i in range(i0, i1):
                    row, out = x[image, i * sh + a * dh - ph], cols[image, a, b, i]
                    for j in range(j0, j1):
                        out[j] = row[j * sw + left]


@jit
def _col2im_loop(start, stop, cols, y, kh, kw, sh, sw, ph, pw, dh, dw, oh, ow):
    """cols [N·C, kh, kw, OH, OW] onto zeroed y [N·C, H, W]."""
    for image in range(start, stop):
        for a in range(kh):
            i0, i1 = inside(y.shape[1], oh, sh, a * dh - ph)
            for b in range(kw):
                left = b * dw - pw
                j0, j1 = inside(y.shape[2], ow, sw, left)
                for i in range(i0, i1):
                    row, seen = cols[image, a, b, i], y[image, i * sh + a * dh - ph]
                    for j in range(j0, j1):
                        seen[j * sw + left] += row[j]


@im2col.cpu
def _im2col_cpu(x, kernel_size, stride=1, padding=0, dilation=1):
    _check_images("im2col", x)
    windows = _windows("im2col", kernel_size, stride, padding, dilation)
    oh, ow = window_counts("im2col", x.shape[2:], *windows)
    if not compilable(x):
        return NotImplemented
    (n, c, height, width), (kh, kw) = x.shape, windows[0]
    cols = np.zeros((n * c, kh, kw, oh, ow), x.dtype)
    if cols.size:
        parallel_for(_im2col_loop, n * c, kh * kw * oh * ow, dense(x).reshape(n * c, height, width), cols,
                     *(v for axes in windows for v in axes), oh, ow)
    return cols.reshape(n, c * kh * kw, oh * ow)


@col2im.cpu
def _col2im_cpu(cols, output_size, kernel_size, stride=1, padding=0, dilation=1):
    windows = _windows("col2im", kernel_size, stride, padding, dilation)
    (height, width), (oh, ow), channels = _check_columns(cols, output_size, windows)
    if not compilable(cols):
        return NotImplemented
    images, (kh, kw) = len(cols) * channels, windows[0]
    y = np.zeros((images, height, width), cols.dtype)
    if cols.size:
        parallel_for(_col2im_loop, images, kh * kw * oh * ow, dense(cols).reshape(images, kh, kw, oh, ow), y,
                     *(v for axes in windows for v in axes), oh, ow)
    return y.reshape(len(cols), channels, height, width)
