"""Filling a patch of padded source (see passes.Layout)."""

from __future__ import annotations

from scratchnet.kernels.jit import copy, fill, jit


@jit
def fill_patch(source, depths, od, row, steps, layout, patch):
    """The patch that the block of result rows from ``row`` on, of depth od, reads.

    source [C, D, H, W];  depths: offsets of the depth taps;  steps (depth, height, width)
    """
    channels, depth, height, width = source.shape
    pitch, plane = layout.pitch, layout.plane
    for c in range(channels):
        for a in range(len(depths)):
            at = (c * len(depths) + a) * layout.channel
            z = od * steps[0] + depths[a]
            if z < 0 or z >= depth:
                fill(patch[at:at + layout.channel], 0)
                continue
            for phase in range(steps[1]):
                for r in range(layout.height):
                    y = (row + r) * steps[1] + phase + layout.low_row
                    start = at + phase * steps[2] * plane + r * pitch
                    if steps[2] == 1:
                        target = patch[start:start + pitch]
                        if y < 0 or y >= height:
                            fill(target, 0)
                        else:
                            padded_row(source[c, z, y], layout.low_column, target)
                    else:
                        for column in range(steps[2]):
                            target = patch[start + column * plane:start + column * plane + pitch]
                            if y < 0 or y >= height:
                                fill(target, 0)
                            else:
                                dealt_row(source[c, z, y], layout.low_column + column, steps[2], target)
            fill(patch[at + steps[1] * steps[2] * plane:at + layout.channel], 0)
    fill(patch[channels * len(depths) * layout.channel:], 0)      # zeros to the right of the last row


@jit
def padded_row(source, low, target):
    """target[j] = source[j + low], 0 outside"""
    begin = min(max(-low, 0), len(target))
    end = max(min(len(source) - low, len(target)), begin)
    fill(target[:begin], 0)
    copy(target[begin:end], source[begin + low:end + low])
    fill(target[end:], 0)


@jit
def dealt_row(source, low, step, target):
    """target[j] = source[j·step + low], 0 outside"""
    begin = min(max((step - 1 - low) // step, 0), len(target))
    end = max(min((len(source) - low + step - 1) // step, len(target)), begin)
    fill(target[:begin], 0)
    if begin < end:
        numbers, out = source[begin * step + low:], target[begin:end]
        if step == 2:               # the compiler deals vectors of two out to one
            for j in range(len(out)):
                out[j] = numbers[2 * j]
        else:
            for j in range(len(out)):
                out[j] = numbers[j * step]
    fill(target[end:], 0)
