"""A convolution pass: which source pixels, times which weights, make which result pixels.

The forward convolution is one pass.  The gradient to the input of a convolution with stride s is one pass for each of the s
positions (along each axis) that an input pixel can have relative to the stride: with i = s·q + r,

    gx[i] = Σ_{o, a: o·s + a·d - p = i} g[o]·w[a] = Σ_{a ∈ A_r} g[q + (r + p - a·d)/s]·w[a],    A_r = {a: s divides r + p - a·d}

so each is a plain correlation of g with some of the taps, at offsets of their own.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from scratchnet.kernels.conv.geometry import Axes, Geometry

Triple = Axes                       # three: depth, height, width


class Pass(NamedTuple):
    """result[c, first + o·spread] = Σ_{k, taps} weight[c, k, tap] · source[k, o·step + offset of the tap], of an image and a
    group."""

    batch: int
    groups: int
    sources: int                    # channels of the source, per group
    results: int                    # channels of the result, per group
    size: Triple                    # of the source
    output: Triple                  # pixels that this pass makes
    step: Triple
    offsets: tuple[tuple[int, ...], ...]            # of the taps, along each axis
    spread: Triple = (1, 1, 1)
    first: Triple = (0, 0, 0)
    kernel: Triple = (1, 1, 1)
    taps: tuple[tuple[int, ...], ...] = ((0,), (0,), (0,))      # which taps of the kernel, along each axis

    @property
    def reduction(self) -> int:
        """Products that make one number of the result."""
        return self.sources * math.prod(len(o) for o in self.offsets)

    @property
    def pixels(self) -> int:
        return math.prod(self.output)

    @property
    def work(self) -> int:
        """Multiply-adds in all."""
        return self.batch * self.groups * self.results * self.reduction * self.pixels

    def undealt(self) -> Pass:
        """Every pixel between those that this pass makes, too: for patches whose pixels lie as in the image."""
        (depth, height, width), (_, sh, sw) = self.output, self.step
        return self._replace(output=(depth, (height - 1) * sh + 1, (width - 1) * sw + 1), step=(self.step[0], 1, 1))


class Weight(NamedTuple):
    """A weight as a pass reads it: flat, and how far apart in it things are."""

    numbers: np.ndarray
    group: int                      # from one group to the next
    result: int                     # from one result channel to the next
    source: int                     # from one source channel to the next; taps lie as in the kernel


@lru_cache(256)
def forward_pass(s: Geometry) -> Pass:
    """The convolution itself."""
    s = s.lifted(3)
    offsets = tuple(tuple(a * d - p for a in range(k)) for k, d, p in zip(s.kernel, s.dilation, s.padding))
    taps = tuple(tuple(range(k)) for k in s.kernel)
    return Pass(s.batch, s.groups, s.channels, s.filters, s.size, s.output, s.stride, offsets, kernel=s.kernel, taps=taps)


@lru_cache(256)
def grad_input_passes(s: Geometry) -> tuple[Pass, ...]:
    """The gradient to the input; input pixels that no window saw are in none of the passes."""
    s = s.lifted(3)
    axes = [list(_phases(*axis)) for axis in zip(s.size, s.kernel, s.stride, s.padding, s.dilation)]
    passes = []
    for phases in itertools.product(*axes):
        first, counts, taps, offsets = zip(*phases)
        passes.append(Pass(s.batch, s.groups, s.filters, s.channels, s.output, counts, (1, 1, 1), offsets,
                           s.stride, first, s.kernel, taps))
    return tuple(passes)


def _phases(size, kernel, stride, padding, dilation):
    for r in range(min(stride, size)):
        taps = tuple(a for a in range(kernel) if (r + padding - a * dilation) % stride == 0)
        if taps:
            offsets = tuple((r + padding - a * dilation) // stride for a in taps)
            yield r, -(-(size - r) // stride), taps, offsets


class Layout(NamedTuple):
    """A patch of the source, padded, such that every tap is a constant distance: all of it ints, for compiled loops.

    A block of result rows reads the patch [channels, depth taps, phases, rows, pitch]: along a stride of s, the source is dealt
    out to s phases, so that what neighbouring result pixels read through one tap are neighbours.  Where the zeros on the right
    of a row and those on the left of the next are the same, they are stored once.
    """

    rows: int                       # result rows of a block
    pitch: int                      # distance of patch rows, and of result rows in the sums
    height: int                     # patch rows
    plane: int                      # distance of phases
    channel: int                    # distance of channels (times depth taps)
    length: int                     # numbers in the patch
    low_row: int                    # the smallest offsets of taps
    low_column: int


_ALIAS, _NEAR = 1024, 16            # numbers 4096 bytes apart, and near to it, share a place in the cache
_SLACK = 256                        # numbers behind the last row that a tile may read (and never use)


@lru_cache(1024)
def layout_of(p: Pass, rows: int) -> Layout:
    """The patch that blocks of so many result rows read."""
    (_, height_step, width_step), (_, oh_, ow_) = p.step, p.offsets
    low_row, low_column = min(oh_), min(ow_)
    extent = max(ow_) - low_column
    height = rows + (max(oh_) - low_row) // height_step
    if width_step == 1:
        left = max(-low_column, 0)
        data = min(p.size[2] - low_column, p.output[2] + extent)
        pitch = max(p.output[2], data, p.output[2] + extent - left)
    else:
        pitch = p.output[2] + extent // width_step
    plane = height * pitch
    channel = height_step * width_step * plane
    if channel > _ALIAS // 2 and min(channel % _ALIAS, -channel % _ALIAS) < _NEAR:
        channel += 3 * _NEAR
    length = p.sources * len(p.offsets[0]) * channel + extent + pitch + _SLACK
    return Layout(rows, pitch, height, plane, channel, length, low_row, low_column)


@lru_cache(256)
def tap_table(p: Pass, layout: Layout, extra: int = 0) -> np.ndarray:
    """The distance in the patch of every (channel, tap) of the reduction, in the order of the weight's dimensions.

    The last one is repeated ``extra`` times, for tiles that reach beyond the last tap.
    """
    (_, sh, sw), (depths, heights, widths) = p.step, p.offsets
    rows = np.array(heights) - layout.low_row
    columns = np.array(widths) - layout.low_column
    rows = rows % sh * sw * layout.plane + rows // sh * layout.pitch
    columns = columns % sw * layout.plane + columns // sw
    channels = np.arange(p.sources * len(depths)) * layout.channel
    return np.pad((channels[:, None, None] + rows[:, None] + columns).reshape(-1), (0, extra), mode="edge")


@lru_cache(256)
def weight_table(p: Pass, distance: int) -> tuple[np.ndarray, bool]:
    """Where in the weight the reduction finds its factors, if source channels are ``distance`` apart; and whether that is simply
    one after the other."""
    depths, heights, widths = (np.array(t) for t in p.taps)
    taps = (depths[:, None, None] * p.kernel[1] + heights[:, None]) * p.kernel[2] + widths
    table = (np.arange(p.sources)[:, None] * distance + taps.reshape(-1)).reshape(-1)
    return table, bool((table == np.arange(len(table))).all())
