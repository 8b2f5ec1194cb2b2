"""Convolution of images as sums of shifted rows: no column matrix, for images with two spatial dimensions.

See `shifted_rows_loops` for the method.  Arrays are those of `reference`, the geometry has two dimensions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from scratchnet.kernels.conv import shifted_rows_loops as loops
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import dense

FEW_PIXELS = 16             # an output map of so few pixels is quicker as a matrix product
PATCH_PIXELS = 1100         # output pixels treated at once: rows of results and of the patch stay in the cache
_ALIAS = 4096               # rows this many bytes apart share a place in the cache and wait for each other
_PARTIAL = 1 << 22          # bytes of partial sums of grad_weight


def serves(s):
    """Whether this is a quick way for the geometry."""
    return s.pixels > FEW_PIXELS and s.channels > 0


def _patch_shape(s, itemsize, whole_images):
    """(images, rows, patch_rows, width, pixels, step) of conv_loops: about a cache's worth of pixels at a
    time."""
    (oh, ow), (sh, sw), (dh, dw), (kh, kw) = s.output, s.stride, s.dilation, s.kernel
    width = ow + (kw - 1) * dw // sw
    blocks = 1 if whole_images else -(-oh * width // PATCH_PIXELS)
    rows = -(-oh // blocks)
    patch_rows = rows + (kh - 1) * dh // sh
    images = max(1, min(s.batch, PATCH_PIXELS // (patch_rows * width))) if rows == oh else 1
    pixels = _round_up(((images - 1) * patch_rows + rows) * width, 32)     # the vector loop takes all
    return images, rows, patch_rows, width, pixels, _spread(pixels, itemsize)


def _round_up(n, multiple):
    return -(-n // multiple) * multiple


def _spread(length, itemsize):
    """At least ``length``, so that rows this far apart do not fall on the same place in the cache."""
    return (_round_up(length * itemsize, _ALIAS) + _ALIAS // 4) // itemsize


@lru_cache(256)              # a network convolves the same shapes again and again
def _tap_offsets(s, shape, channels):
    """The distance from an output pixel to the patch pixel each tap reads, and the distance of channels."""
    (sh, sw), (dh, dw), (images, _, patch_rows, width, _, _) = s.stride, s.dilation, shape
    phase = images * patch_rows * width
    rows, columns = np.arange(s.kernel[0]) * dh, np.arange(s.kernel[1]) * dw
    rows = (rows % sh) * sw * phase + rows // sh * width
    columns = (columns % sw) * phase + columns // sw
    channel = sh * sw * phase
    taps = (np.arange(channels) * channel)[:, None, None] + rows[:, None] + columns
    return taps.reshape(-1), channel


@lru_cache(256)
def _padded_offsets(s, shape):
    """Offsets of all taps, then of absent ones that fill the last four, which read zeros behind the patch."""
    offsets, channel = _tap_offsets(s, shape, s.channels)
    return np.append(offsets, [s.channels * channel] * (-len(offsets) % 4 + 1))


def _grouped(array, groups, plane):
    """[N, C, ...] as [N, G, C/G, *plane]"""
    return dense(array).reshape(array.shape[0], groups, array.shape[1] // groups, *plane)


def forward(s, x, w, bias=None):
    """y [N, G, O, OH, OW] of conv_forward."""
    y = np.empty((s.batch, s.groups, s.filters, *s.output), x.dtype)
    bias = np.zeros(s.groups * s.filters, x.dtype) if bias is None else dense(bias)
    shape = _patch_shape(s, x.itemsize, whole_images=False)
    jobs = -(-s.batch // shape[0]) * s.groups * -(-s.output[0] // shape[1]) * -(-s.filters // loops.FILTERS)
    work = min(s.filters, loops.FILTERS) * s.taps * shape[4] / 4
    parallel_for(loops.forward_loop, jobs, work,
                 _grouped(x, s.groups, s.size), dense(w).reshape(s.groups, s.filters, s.taps),
                 bias.reshape(s.groups, s.filters), _padded_offsets(s, shape), y, s.stride, s.padding, shape)
    return y


def grad_input(s, g, w):
    """gx [N, G, C, H, W] of conv_grad_input."""
    gx = np.empty((s.batch, s.groups, s.channels, *s.size), g.dtype)
    shape = _patch_shape(s, g.itemsize, whole_images=True)
    offsets, channel = _tap_offsets(s, shape, 1)
    jobs = -(-s.batch // shape[0]) * s.groups * -(-s.channels // loops.CHANNELS)
    work = s.filters * min(s.channels, loops.CHANNELS) * len(offsets) * shape[4] / 4
    parallel_for(loops.grad_input_loop, jobs, work,
                 _grouped(g, s.groups, s.output), dense(w).reshape(s.groups, s.filters, s.taps),
                 np.append(offsets, _spread(channel, g.itemsize)), gx, s.stride, s.padding, shape)
    return gx


def grad_weight(s, g, x):
    """gw [G, O, C·kh·kw] of conv_grad_weight."""
    shape = _patch_shape(s, g.itemsize, whole_images=False)
    # the number of partial sums depends on shapes alone, so that the result does not depend on the threads
    size = s.groups * s.filters * s.taps
    parts = max(1, min(16, s.batch, _PARTIAL // (size * g.itemsize)))
    chunk = _round_up(-(-s.batch // parts), shape[0])
    gw = np.zeros((-(-s.batch // chunk) if chunk else 1, s.groups, s.filters, s.taps), g.dtype)
    if s.batch:
        jobs = len(gw) * s.groups * -(-s.filters // loops.FILTERS)
        work = min(s.filters, loops.FILTERS) * s.taps * s.pixels * chunk / 4
        parallel_for(loops.grad_weight_loop, jobs, work,
                     _grouped(g, s.groups, s.output), _grouped(x, s.groups, s.size), _padded_offsets(s, shape), gw,
                     chunk, s.stride, s.padding, shape)
    return gw.sum(0)
