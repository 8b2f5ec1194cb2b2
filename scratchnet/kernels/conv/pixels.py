"""Convolution by tiles whose lanes are neighbouring pixels (see `tile`): weights as they are, results as they are to be.

The patch of padded source is one long row of pixels, and every tap a constant distance in it; so the sums of a filter are one
long row too, of which the few columns between the rows of the image are computed and dropped.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv.passes import Layout, Pass, Weight, layout_of, tap_table, weight_table
from scratchnet.kernels.conv.patch_loops import fill_patch
from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import get_num_threads, parallel_for

M = V = L = 1                       # of the tile, and the tile: `tile.specialised` puts them in
tile: Any = None
move_plus: Any = None

_PATCH = 96 * 1024                  # numbers of a patch that share the second-level cache with the weights


class Plan(NamedTuple):
    """All ints, for the compiled loop."""

    reduction: int
    results: int
    chunk: int                      # filters of a job
    chunks: int
    blocks: int                     # of rows, in a map
    row: int                        # room for a row of sums: whole tiles


@jit
def pixel_loop(start, stop, source, w, w_group, w_row, w_steps, depths, taps, bias, result, steps, spread, first, output, layout,
               plan, scratch):
    """source [N, G, C, D, H, W]; result [N, G, O, D', H', W']; bias [G, O]; a job is an (image, group, depth, block, chunk)"""
    patch, sums = scratch[:layout.length], scratch[layout.length:]
    filled, groups = -1, len(bias)
    for job in range(start, stop):
        part, chunk = job // plan.chunks, job % plan.chunks
        image, od, block = part // (plan.blocks * output[0]), part // plan.blocks % output[0], part % plan.blocks
        i0 = block * layout.rows
        rows = min(layout.rows, output[1] - i0)
        group = image % groups
        if filled != part:
            fill_patch(source[image // groups, group], depths, od * steps[0], i0 * steps[1], steps[1:], layout, patch)
            filled = part
        end = min((chunk + 1) * plan.chunk, plan.results)
        for o in range(chunk * plan.chunk, end, M):
            base = min(o, plan.results - M)     # the last tile does again what fills it up, and drops it
            weights = w[group * w_group + base * w_row:]
            for q in range(0, rows * layout.pitch, V * L):
                tile(M, V, L, weights, w_row, w_steps, patch[q:], taps, plan.reduction, sums[q:], plan.row, True)
            for m in range(o - base, min(M, end - base)):
                target = result[image // groups, group, base + m, first[0] + od * spread[0]]
                add = bias[group, base + m]
                for i in range(rows):
                    line = sums[m * plan.row + i * layout.pitch:]
                    out = target[first[1] + (i0 + i) * spread[1], first[2]:]
                    if spread[2] == 1:
                        move_plus(L, line, out, output[2], add)
                    else:
                        for j in range(output[2]):
                            out[j * spread[2]] = line[j] + add


@lru_cache(512)
def plan_of(p: Pass, dtype: Any, threads: int) -> tuple[tiles.Shape, Layout, Plan]:
    """The tile, the patch and the jobs."""
    shape = min(_tiles(p, dtype), key=lambda s: _cost(p, s))
    rows = _rows(p, shape)
    layout = layout_of(p, rows)
    blocks = -(-p.output[1] // rows)
    parts = p.batch * p.groups * p.output[0] * blocks
    tiles_of_filters = -(-p.results // shape.M)
    # filters are divided only where there are too few parts for the threads: each chunk fills the patch for itself
    chunks = min(tiles_of_filters, -(-2 * threads // max(parts, 1))) if parts < 2 * threads else 1
    chunk = -(-tiles_of_filters // chunks) * shape.M
    row = -(-rows * layout.pitch // shape.width) * shape.width
    return shape, layout, Plan(p.reduction, p.results, chunk, -(-p.results // chunk), blocks, row)


# (rows, vectors) of tiles, by number of registers: few, because each is compiled by itself.
_TILES = {
    32: ((1, 4), (2, 4), (4, 4), (6, 4), (4, 3), (7, 3)),
    16: ((1, 4), (2, 4), (4, 2), (6, 2), (4, 3)),
}


def _tiles(p: Pass, dtype: Any) -> list[tiles.Shape]:
    """Tiles of no more rows than there are filters."""
    return [tiles.Shape(m, v, tiles.lanes(dtype)) for m, v in _TILES[tiles.registers()] if m <= p.results]


def _cost(p: Pass, shape: tiles.Shape) -> float:
    """Vectors that are multiplied for a map, and a share for what is loaded: half a multiply-add for each number that is spread
    over a vector's lanes, a third of one for each vector."""
    rows = _rows(p, shape)
    layout = layout_of(p, rows)
    blocks, rest = divmod(p.output[1], rows)
    vectors = sum(-(-r * layout.pitch // shape.width) * n for r, n in ((rows, blocks), (rest, 1))) * shape.V
    return vectors * -(-p.results // shape.M) * (shape.M + 0.35 + 0.5 * shape.M / shape.V)


def _rows(p: Pass, shape: tiles.Shape) -> int:
    """Result rows of a block: all of them, if the patch fits; of the numbers that fit, the one that idles least."""
    height = p.output[1]
    layout = layout_of(p, height)
    if layout.length <= _PATCH or height == 1:
        return height
    per_row = p.sources * len(p.offsets[0]) * p.step[1] * p.step[2] * layout.pitch
    halo = layout.height - height
    most = min(max(_PATCH // per_row - halo, 2), height)

    def idle(rows: int) -> float:
        blocks, rest = divmod(height, rows)
        whole = sum(-(-r * layout.pitch // shape.width) * n for r, n in ((rows, blocks), (rest, 1) if rest else (0, 0)))
        return whole * shape.width / (height * layout.pitch) + 0.15 * halo / rows

    return min(range(max(most // 2, 1), most + 1), key=idle)


def run(p: Pass, source: np.ndarray, weight: Weight, bias: np.ndarray, result: np.ndarray) -> None:
    """Compute one pass.  source [N, G, C, D, H, W], bias [G, O], result [N, G, O, D', H', W']: contiguous, of one dtype."""
    shape, layout, plan = plan_of(p, source.dtype, get_num_threads())
    jobs = p.batch * p.groups * p.output[0] * plan.blocks * plan.chunks
    parallel_for(
        tiles.specialised(pixel_loop, shape), jobs, plan.chunk * p.reduction * layout.rows * layout.pitch / shape.L,
        source, weight.numbers, weight.group, weight.result, weight_table(p, weight.source)[0], np.array(p.offsets[0]),
        tap_table(p, layout), bias, result, p.step, p.spread, p.first, p.output, layout, plan,
        scratch=(layout.length + shape.M * plan.row, source.dtype),
    )  # fmt: skip
