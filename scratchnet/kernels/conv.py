"""Two-dimensional convolution (cross-correlation), its gradient to the input and its gradient to the weight.

The reference is im2col and a matrix product; the compiled twin sums shifted rows (see conv_loops) and has no
column matrix.  With K = C/groups·kh·kw taps:

    forward      y[n]  = w · im2col(x[n])          w [O, K]
    grad_input   gx[n] = col2im(wᵀ · g[n])
    grad_weight  gw    = Σ_n g[n] · im2col(x[n])ᵀ
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from scratchnet.kernels import conv_loops as loops
from scratchnet.kernels.geometry import pair, window_counts
from scratchnet.kernels.im2col import col2im, im2col
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel

_FEW_PIXELS = 16            # an output map of so few pixels is quicker as a matrix product
_PATCH_PIXELS = 1100        # output pixels treated at once: rows of results and of the patch stay in the cache
_ALIAS = 4096               # rows this many bytes apart share a place in the cache and wait for each other
_PARTIAL = 1 << 22          # bytes of partial sums of grad_weight


class _Geometry(NamedTuple):
    """Checked shapes of one convolution."""

    batch: int
    groups: int
    channels: int           # of one group
    filters: int            # of one group
    size: tuple
    kernel: tuple
    stride: tuple
    padding: tuple
    dilation: tuple
    output: tuple

    @property
    def taps(self):
        return self.channels * self.kernel[0] * self.kernel[1]

    @property
    def pixels(self):
        return self.output[0] * self.output[1]

    @property
    def windows(self):
        return self.kernel, self.stride, self.padding, self.dilation

    def check_output_gradient(self, name, g):
        expected = (self.batch, self.groups * self.filters, *self.output)
        if g.shape != expected:
            raise RuntimeError(f"{name}: expected g of shape {expected}, got {g.shape}")


def _geometry(name, input_shape, weight_shape, stride, padding, dilation, groups):
    stride, padding = pair(stride, f"{name}: stride", 1), pair(padding, f"{name}: padding", 0)
    dilation = pair(dilation, f"{name}: dilation", 1)
    if len(input_shape) != 4 or len(weight_shape) != 4:
        raise RuntimeError(f"{name}: expected an input [N, C, H, W] and a weight [O, C/groups, kh, kw], "
                           f"got shapes {tuple(input_shape)} and {tuple(weight_shape)}")
    (batch, channels, *size), (filters, depth, *taps) = input_shape, weight_shape
    if groups < 1 or filters % groups:
        raise RuntimeError(f"{name}: groups={groups} does not divide the {filters} filters of the weight")
    if channels != depth * groups:
        raise RuntimeError(f"{name}: input has {channels} channels, but weight of shape "
                           f"{tuple(weight_shape)} with groups={groups} expects {depth * groups}")
    if min(filters, *taps) < 1:
        raise RuntimeError(f"{name}: weight of shape {tuple(weight_shape)} has no elements")
    output = window_counts(name, size, taps, stride, padding, dilation)
    return _Geometry(batch, groups, depth, filters // groups, tuple(size), tuple(taps), stride, padding,
                     dilation, output)


@kernel
def conv2d_forward(x, w, stride=1, padding=0, dilation=1, groups=1, bias=None):
    """Cross-correlation of images with filters.

    y[n, o, i, j] = bias[o] + Σ_{c, a, b} w[o, c, a, b] · x[n, c', i·sh + a·dh - ph, j·sw + b·dw - pw]

    with c' = c + C/groups · (group of o), and x = 0 outside the image.

    Parameters
    ----------
    x : [N, C, H, W]
    w : [O, C/groups, kh, kw], of x's dtype
    stride, padding, dilation : an int, or (rows, columns)
    bias : [O], or None

    Returns
    -------
    [N, O, OH, OW]
    """
    s = _geometry("conv2d", x.shape, w.shape, stride, padding, dilation, groups)
    cols = im2col(x, *s.windows).reshape(s.batch, s.groups, s.taps, s.pixels)
    y = (w.reshape(s.groups, s.filters, s.taps) @ cols).reshape(s.batch, s.groups * s.filters, *s.output)
    return y if bias is None else y + _checked_bias(bias, s).reshape(-1, 1, 1)


@kernel
def conv2d_grad_input(g, w, input_shape, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv2d_forward to x, given g [N, O, OH, OW]: gx[n] = col2im(wᵀ · g[n]) of
    ``input_shape``."""
    s = _geometry("conv2d_grad_input", input_shape, w.shape, stride, padding, dilation, groups)
    s.check_output_gradient("conv2d_grad_input", g)
    cols = w.reshape(s.groups, s.filters, s.taps).mT @ g.reshape(s.batch, s.groups, s.filters, s.pixels)
    return col2im(cols.reshape(s.batch, s.groups * s.taps, s.pixels), s.size, *s.windows)


@kernel
def conv2d_grad_weight(g, x, weight_shape, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv2d_forward to w, given g [N, O, OH, OW]: gw = Σ_n g[n] · im2col(x[n])ᵀ of
    ``weight_shape``."""
    s = _geometry("conv2d_grad_weight", x.shape, weight_shape, stride, padding, dilation, groups)
    s.check_output_gradient("conv2d_grad_weight", g)
    cols = im2col(x, *s.windows).reshape(s.batch, s.groups, s.taps, s.pixels)
    g = g.reshape(s.batch, s.groups, s.filters, s.pixels)
    # one product over all images and pixels: [G, O, N·L] · [G, N·L, K]
    g, cols = (np.moveaxis(a, 0, 2).reshape(s.groups, a.shape[2], s.batch * s.pixels) for a in (g, cols))
    return (g @ cols.mT).reshape(weight_shape)


@kernel
def conv2d_grad_bias(g):
    """The gradient of conv2d_forward to bias: gb_o = Σ_{n, i, j} g[n, o, i, j], summed in float64.

    Parameters
    ----------
    g : [N, O, ...]
    """
    return g.sum((0, *range(2, g.ndim)), dtype=np.float64).astype(g.dtype)


def _checked_bias(bias, s):
    if bias.shape != (s.groups * s.filters,):
        raise RuntimeError(f"conv2d: expected a bias of shape ({s.groups * s.filters},), got {bias.shape}")
    return bias


def _patch_shape(s, itemsize, whole_images):
    """(images, rows, patch_rows, width, pixels, step) of conv_loops: about a cache's worth of pixels at a
    time."""
    (oh, ow), (sh, sw), (dh, dw), (kh, kw) = s.output, s.stride, s.dilation, s.kernel
    width = ow + (kw - 1) * dw // sw
    blocks = 1 if whole_images else -(-oh * width // _PATCH_PIXELS)
    rows = -(-oh // blocks)
    patch_rows = rows + (kh - 1) * dh // sh
    images = max(1, min(s.batch, _PATCH_PIXELS // (patch_rows * width))) if rows == oh else 1
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


def _served(s, *arrays):
    return compilable(*arrays) and s.pixels > _FEW_PIXELS and s.channels > 0


def _grouped(array, s):
    return dense(array).reshape(array.shape[0], s.groups, array.shape[1] // s.groups, *array.shape[2:])


@conv2d_forward.cpu
def _forward_cpu(x, w, stride=1, padding=0, dilation=1, groups=1, bias=None):
    s = _geometry("conv2d", x.shape, w.shape, stride, padding, dilation, groups)
    if not _served(s, x, w, *(() if bias is None else (bias,))):
        return NotImplemented
    y = np.empty((s.batch, s.groups, s.filters, *s.output), x.dtype)
    bias = np.zeros(s.groups * s.filters, x.dtype) if bias is None else dense(_checked_bias(bias, s))
    shape = _patch_shape(s, x.itemsize, whole_images=False)
    jobs = -(-s.batch // shape[0]) * s.groups * -(-s.output[0] // shape[1]) * -(-s.filters // loops.FILTERS)
    work = min(s.filters, loops.FILTERS) * s.taps * shape[4] / 4
    parallel_for(loops.forward_loop, jobs, work,
                 _grouped(x, s), dense(w).reshape(s.groups, s.filters, s.taps),
                 bias.reshape(s.groups, s.filters), _padded_offsets(s, shape), y, s.stride, s.padding, shape)
    return y.reshape(s.batch, s.groups * s.filters, *s.output)


@conv2d_grad_input.cpu
def _grad_input_cpu(g, w, input_shape, stride=1, padding=0, dilation=1, groups=1):
    s = _geometry("conv2d_grad_input", input_shape, w.shape, stride, padding, dilation, groups)
    s.check_output_gradient("conv2d_grad_input", g)
    if not _served(s, g, w):
        return NotImplemented
    gx = np.empty((s.batch, s.groups, s.channels, *s.size), g.dtype)
    shape = _patch_shape(s, g.itemsize, whole_images=True)
    offsets, channel = _tap_offsets(s, shape, 1)
    jobs = -(-s.batch // shape[0]) * s.groups * -(-s.channels // loops.CHANNELS)
    work = s.filters * min(s.channels, loops.CHANNELS) * len(offsets) * shape[4] / 4
    parallel_for(loops.grad_input_loop, jobs, work,
                 _grouped(g, s), dense(w).reshape(s.groups, s.filters, s.taps),
                 np.append(offsets, _spread(channel, g.itemsize)), gx, s.stride, s.padding, shape)
    return gx.reshape(input_shape)


@conv2d_grad_weight.cpu
def _grad_weight_cpu(g, x, weight_shape, stride=1, padding=0, dilation=1, groups=1):
    s = _geometry("conv2d_grad_weight", x.shape, weight_shape, stride, padding, dilation, groups)
    s.check_output_gradient("conv2d_grad_weight", g)
    if not _served(s, g, x):
        return NotImplemented
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
                     _grouped(g, s), _grouped(x, s), _padded_offsets(s, shape), gw,
                     chunk, s.stride, s.padding, shape)
    return gw.sum(0).reshape(weight_shape)


@conv2d_grad_bias.cpu
def _grad_bias_cpu(g):
    if not compilable(g) or g.size == 0:
        return NotImplemented
    gb = np.empty(g.shape[1], g.dtype)
    parallel_for(loops.grad_bias_loop, g.shape[1], g.size // g.shape[1],
                 dense(g).reshape(*g.shape[:2], -1), gb)
    return gb
