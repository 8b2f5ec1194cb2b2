"""1×1 convolution: a matrix product of each image, no window to speak of.

With x [C, pixels] of an image and a group:  y = w·x,  gx = wᵀ·g,  gw = Σ_images g·xᵀ.  A stride reads every s-th pixel.
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.conv.geometry import Geometry
from scratchnet.kernels.parallel import parallel_for

_PIECE = 4_000_000          # multiply-adds of a job
_LEAST = 256                # pixels of a job


def serves(s: Geometry) -> bool:
    """Whether the windows are single pixels, none of them padding."""
    return math.prod(s.kernel) == 1 and not any(s.padding)


def _strided(s: Geometry) -> bool:
    return any(n > 1 for n in s.stride)


def _seen(s: Geometry) -> tuple:
    """The pixels that windows see."""
    return (..., *(slice(None, None, n) for n in s.stride))


def _columns(s: Geometry, x: np.ndarray) -> np.ndarray:
    """x as [N·G, C, pixels]; a copy of the pixels that are seen if there is a stride."""
    if _strided(s):
        x = np.ascontiguousarray(x[_seen(s)])
    return x.reshape(s.batch * s.groups, s.channels, s.pixels)


def forward(s: Geometry, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """y [N, O, *output]"""
    y = np.empty(s.output_shape, x.dtype)
    _products(s, w.reshape(s.groups, s.filters, s.channels), _columns(s, x), y.reshape(-1, s.filters, s.pixels))
    if bias is not None:
        y += bias.reshape(-1, *[1] * s.dims)
    return y


def grad_input(s: Geometry, g: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gx [N, C, *size]"""
    columns = np.empty((s.batch * s.groups, s.channels, s.pixels), g.dtype)
    _products(s, w.reshape(s.groups, s.filters, s.channels).mT, g.reshape(-1, s.filters, s.pixels), columns)
    if not _strided(s):
        return columns.reshape(s.input_shape)
    gx = np.zeros(s.input_shape, g.dtype)
    gx[_seen(s)] = columns.reshape(s.batch, s.groups * s.channels, *s.output)
    return gx


def _products(s: Geometry, w: np.ndarray, columns: np.ndarray, out: np.ndarray) -> None:
    """out[n, g] = w[g] · columns[n, g], in pieces that depend on shapes alone."""
    work = w[0].size
    size = max(_LEAST, -(-_PIECE // max(work, 1)))
    size = -(-s.pixels // -(-s.pixels // size))
    pieces = -(-s.pixels // size)

    def piece(start, stop):
        for job in range(start, stop):
            image, part = job // pieces, slice(job % pieces * size, (job % pieces + 1) * size)
            np.matmul(w[image % s.groups], columns[image, :, part], out=out[image, :, part])

    parallel_for(piece, len(columns) * pieces, work * size / 8)


def grad_weight(s: Geometry, g: np.ndarray, x: np.ndarray) -> np.ndarray:
    """gw [O, C/groups, 1, ...]"""
    columns, g = _columns(s, x), g.reshape(-1, s.filters, s.pixels)
    work = s.filters * s.channels * s.pixels
    # pieces of filters, each summed over all images in order
    size = -(-s.filters // max(1, min(4, s.filters // 64, s.batch * work // _PIECE)))
    pieces = -(-s.filters // size)
    gw = np.zeros((s.groups, s.filters, s.channels), g.dtype)

    def piece(start, stop):
        for job in range(start, stop):
            group, rows = job // pieces, slice(job % pieces * size, (job % pieces + 1) * size)
            product = np.empty_like(gw[group, rows])
            for image in range(group, len(g), s.groups):
                gw[group, rows] += np.matmul(g[image, rows], columns[image].T, out=product)

    parallel_for(piece, s.groups * pieces, s.batch * work / pieces / 8)
    return gw.reshape(s.weight_shape)
