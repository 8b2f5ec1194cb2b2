"""Depthwise convolution: each channel has one small filter of its own (see `plane_instructions`)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv.geometry import Geometry
from scratchnet.kernels.jit import Loop, jit
from scratchnet.kernels.parallel import parallel_for

L = KH = KW = DOWN = UP = ROWS_UP = 1         # of the instructions, and the instructions: `_specialised` puts them in
correlate: Any = None
dots_of_plane: Any = None

_LARGEST = 25                       # taps of a filter: their factors, or sums, stay in registers


def serves(s: Geometry) -> bool:
    """Whether the filters are small, and the planes are rows of vectors."""
    return (s.dims <= 2 and s.channels == s.filters == 1 and math.prod(s.kernel) <= _LARGEST and s.stride[-1] <= 2
            and tiles.has_instructions())  # fmt: skip


@jit
def correlate_loop(start, stop, x, w, bias, y, plane):
    """x [N·C, H·W], w [C, kh·kw], bias [C], y [N·C, OH·OW]"""
    for job in range(start, stop):
        channel = job % len(w)
        correlate(L, KH, KW, DOWN, UP, ROWS_UP, x[job], w[channel], bias[channel], y[job], plane)


@jit
def dots_loop(start, stop, x, g, gw, plane):
    """x [N, C, H·W], g [N, C, OH·OW], gw [C, kh·kw], 0 at first; a job is a channel"""
    for channel in range(start, stop):
        for n in range(len(x)):
            dots_of_plane(L, KH, KW, DOWN, x[n, channel], g[n, channel], gw[channel], plane)


@lru_cache(256)
def _specialised(loop: Loop, lanes: int, kernel: tuple, down: int, up: int, rows_up: int) -> Loop:
    from scratchnet.kernels import plane_instructions as instructions  # late: it needs Numba

    return loop.specialised(L=lanes, KH=kernel[0], KW=kernel[1], DOWN=down, UP=up, ROWS_UP=rows_up,
                            correlate=instructions.correlate, dots_of_plane=instructions.dots_of_plane)  # fmt: skip


def _plane(*sizes_and_distances: int) -> Any:
    from scratchnet.kernels.plane_instructions import Plane

    return Plane(*sizes_and_distances)


def _forward_plane(s: Geometry) -> Any:
    return _plane(*s.size, *s.output, s.stride[0], -s.padding[0], -s.padding[1], *s.dilation)


def _work(s: Geometry) -> float:
    """Of a plane, in operations."""
    return s.output[0] * -(-s.output[1] // 8) * math.prod(s.kernel) * 2


def forward(s: Geometry, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """y [N, C, OH, OW]"""
    shape, s = s.output_shape, s.lifted(2)
    y = np.empty((s.batch * s.groups, s.pixels), x.dtype)
    bias = np.zeros(s.groups, x.dtype) if bias is None else bias
    parallel_for(_specialised(correlate_loop, tiles.lanes(x.dtype), s.kernel, s.stride[1], 1, 1), len(y), _work(s),
                 x.reshape(len(y), -1), w.reshape(s.groups, -1), bias, y, _forward_plane(s))
    return y.reshape(shape)


def grad_input(s: Geometry, g: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gx [N, C, H, W]: input pixel i meets output (i + p - a·d) / s"""
    shape, s = s.input_shape, s.lifted(2)
    gx = np.empty((s.batch * s.groups, math.prod(s.size)), g.dtype)
    plane = _plane(*s.output, *s.size, 1, *s.padding, -s.dilation[0], -s.dilation[1])
    parallel_for(_specialised(correlate_loop, tiles.lanes(g.dtype), s.kernel, 1, s.stride[1], s.stride[0]), len(gx),
                 _work(s) * math.prod(s.stride), g.reshape(len(gx), -1), w.reshape(s.groups, -1),
                 np.zeros(s.groups, g.dtype), gx, plane)
    return gx.reshape(shape)


def grad_weight(s: Geometry, g: np.ndarray, x: np.ndarray) -> np.ndarray:
    """gw [C, 1, kh, kw]"""
    shape, s = s.weight_shape, s.lifted(2)
    gw = np.zeros((s.groups, s.taps), g.dtype)
    parallel_for(_specialised(dots_loop, tiles.lanes(g.dtype), s.kernel, s.stride[1], 1, 1), s.groups, _work(s) * s.batch,
                 x.reshape(s.batch, s.groups, -1), g.reshape(s.batch, s.groups, -1), gw, _forward_plane(s))
    return gw.reshape(shape)
