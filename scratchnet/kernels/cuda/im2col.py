"""im2col and col2im on the device. Neither needs atomic operations: each thread makes one element of the result.

One body serves both machines: `im2col_item` and `col2im_item` are compiled for the CPU by `jit`, and into the kernels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy import float32, uint32

from scratchnet.kernels.cuda import target
from scratchnet.kernels.cuda.arrays import check_size, checked, flat, new
from scratchnet.kernels.cuda.target import cuda
from scratchnet.kernels.cuda.windows import PIXELS, TAPS, WINDOWS, constants, seen, window_that_sees
from scratchnet.kernels.im2col import check_columns, check_images, col2im, im2col, windows_over
from scratchnet.kernels.jit import jit

THREADS = 256


@jit
def im2col_item(i, x, cols):
    """Element i of cols [N·C, taps, windows], from x [N·C, pixels]; both flat."""
    row = i // WINDOWS
    cols[i] = seen(x, row // TAPS, row % TAPS, i % WINDOWS)


@jit
def col2im_item(i, cols, y):
    """Element i of y [N·C, pixels], from cols [N·C, taps, windows]: what all windows that see the pixel say, tap by tap,
    always in this order."""
    plane, pixel, total = i // PIXELS, i % PIXELS, float32(0)
    for tap in range(TAPS):
        window = window_that_sees(pixel, tap)
        if window >= 0:
            total += cols[(plane * TAPS + tap) * WINDOWS + window]
    y[i] = total


@target.kernel(threads=THREADS, registers=32)
def im2col_kernel(count, x, cols):
    """A thread an element of the columns: neighbours write neighbours, and read neighbours where the stride is 1."""
    i = uint32(cuda.grid(1))
    if i < count:
        im2col_item(i, x, cols)


@target.kernel(threads=THREADS, registers=40)
def col2im_kernel(count, cols, y):
    """A thread a pixel: it gathers, so nothing is added by two threads, and the sum is the same every time."""
    i = uint32(cuda.grid(1))
    if i < count:
        col2im_item(i, cols, y)


@im2col.cuda
def _im2col_cuda(x, kernel_size, stride=1, padding=0, dilation=1):
    check_images(x)
    windows = windows_over("im2col", x.shape[2:], kernel_size, stride, padding, dilation)
    if len(windows.size) > 3:
        return NotImplemented
    x = checked("im2col", x)
    cols = new((len(x), x.shape[1] * windows.taps, math.prod(windows.output)), x)
    _start(im2col_kernel, windows, x, cols)
    return cols


@col2im.cuda
def _col2im_cuda(cols, output_size, kernel_size, stride=1, padding=0, dilation=1):
    windows, channels = check_columns(cols, output_size, kernel_size, stride, padding, dilation)
    if len(windows.size) > 3:
        return NotImplemented
    cols = checked("col2im", cols)
    y = new((len(cols), channels, *windows.size), cols)
    _start(col2im_kernel, windows, cols, y)
    return y


def _start(kernel, windows, source, result):
    count = check_size(kernel.__name__, result.shape)
    target.start(kernel.specialised(**constants(*windows.volumes())), target.blocks(count, THREADS), np.uint32(count),
                 flat(source), flat(result))
