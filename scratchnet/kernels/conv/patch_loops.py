"""Filling a patch of padded source (see passes.Layout)."""

from __future__ import annotations

from typing import Any

from scratchnet.kernels.jit import jit
from scratchnet.kernels.vector_loops import fill

L = 1                               # lanes, and rows in vectors of them: `tile.specialised` puts them in
move: Any = None
move_even: Any = None


@jit
def fill_patch(source, depths, z0, y0, steps, layout, patch):
    """The patch whose rows begin with row ``y0`` of the source, less the smallest offset of a tap, and depths with z0.

    source [C, D, H, W];  depths: offsets of the depth taps;  steps: of the rows and columns that are dealt out
    """
    channels, depth, height, width = source.shape
    pitch, plane = layout.pitch, layout.plane
    for c in range(channels):
        for a in range(len(depths)):
            at = (c * len(depths) + a) * layout.channel
            z = z0 + depths[a]
            if z < 0 or z >= depth:
                fill(patch[at:at + layout.channel], 0)
                continue
            for phase in range(steps[0]):
                for r in range(layout.height):
                    y = y0 + r * steps[0] + phase + layout.low_row
                    start = at + phase * steps[1] * plane + r * pitch
                    if steps[1] == 1:
                        target = patch[start:start + pitch]
                        if y < 0 or y >= height:
                            fill(target, 0)
                        else:
                            padded_row(source[c, z, y], layout.low_column, target)
                    else:
                        for column in range(steps[1]):
                            target = patch[start + column * plane:start + column * plane + pitch]
                            if y < 0 or y >= height:
                                fill(target, 0)
                            else:
                                dealt_row(source[c, z, y], layout.low_column + column, steps[1], target)
            fill(patch[at + steps[0] * steps[1] * plane:at + layout.channel], 0)
    fill(patch[channels * len(depths) * layout.channel:], 0)      # zeros to the right of the last row


@jit
def padded_row(source, low, target):
    """target[j] = source[j + low], 0 outside"""
    begin = min(max(-low, 0), len(target))
    end = max(min(len(source) - low, len(target)), begin)
    for j in range(begin):
        target[j] = 0
    if begin < end:
        move(L, source[begin + low:], target[begin:], end - begin)
    for j in range(end, len(target)):
        target[j] = 0


@jit
def dealt_row(source, low, step, target):
    """target[j] = source[j·step + low], 0 outside"""
    begin = min(max((step - 1 - low) // step, 0), len(target))
    end = max(min((len(source) - low + step - 1) // step, len(target)), begin)
    for j in range(begin):
        target[j] = 0
    if begin < end:
        numbers = source[begin * step + low:]
        if step == 2:
            move_even(L, numbers, target[begin:], end - begin)
        else:
            for j in range(begin, end):
                target[j] = numbers[(j - begin) * step]
    for j in range(end, len(target)):
        target[j] = 0
