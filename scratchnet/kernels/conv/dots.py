"""The gradient to the weight where a group has few filters, as of depthwise convolutions: dot products over pixels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv.passes import Layout, Pass, layout_of, tap_table
from scratchnet.kernels.conv.patch_loops import fill_patch
from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for

M = V = L = 1                       # of the tile, and the tile: `tile.specialised` puts them in
dots: Any = None

_PATCH = 64 * 1024                  # numbers of a patch
_PARTIAL = 1 << 22                  # bytes of partial sums


class Plan(NamedTuple):
    """All ints, for the compiled loop."""

    filter_tiles: int
    tap_tiles: int
    part: int                       # images of a partial sum


@jit
def dots_loop(start, stop, source, g, depths, taps, sums, steps, layout, plan, scratch):
    """sums [parts, G, filter tiles, tap tiles, M·V], 0 at first; a job is one (part, group)"""
    _, groups, filters, depth, height, width = g.shape
    for job in range(start, stop):
        part, group = job // groups, job % groups
        for n in range(part * plan.part, min((part + 1) * plan.part, len(source))):
            for od in range(depth):
                for i0 in range(0, height, layout.rows):
                    rows = min(layout.rows, height - i0)
                    fill_patch(source[n, group], depths, od * steps[0], i0 * steps[1], steps[1:], layout, scratch)
                    for o in range(plan.filter_tiles):
                        first = (min(o * M, filters - M) * depth + od) * height + i0
                        pixels = g[n, group].reshape(-1)[first * width:]        # of M filters: to the end of the last
                        for t in range(plan.tap_tiles):
                            dots(M, V, L, pixels, depth * height * width, scratch, taps[t * V:], rows, width, width, layout.pitch,
                                 sums[part, group, o, t])


@lru_cache(512)
def plan_of(p: Pass, dtype: Any) -> tuple[tiles.Shape, Layout, Plan]:
    """The tile, the patch and the jobs."""
    filters = min(p.results, 4)
    shape = tiles.Shape(filters, {1: 8, 2: 4, 3: 4, 4: 4}[filters], tiles.lanes(dtype))
    height = p.output[1]
    rows = height
    if layout_of(p, height).length > _PATCH:
        rows = max(1, height * _PATCH // layout_of(p, height).length)
    size = p.groups * (p.results + shape.M) * (p.reduction + shape.V) * np.dtype(dtype).itemsize
    parts = max(1, min(16, p.batch, _PARTIAL // size))
    return shape, layout_of(p, rows), Plan(-(-p.results // shape.M), -(-p.reduction // shape.V), -(-p.batch // parts))


def grad_weight(p: Pass, g: np.ndarray, source: np.ndarray) -> np.ndarray:
    """[G, O, K] from g [N, G, O, D', H', W'] and source [N, G, C, D, H, W]: contiguous, one dtype."""
    shape, layout, plan = plan_of(p, g.dtype)
    parts = -(-p.batch // plan.part)
    sums = np.zeros((parts, p.groups, plan.filter_tiles, plan.tap_tiles, shape.M * shape.V), g.dtype)
    parallel_for(
        tiles.specialised(dots_loop, shape), parts * p.groups,
        plan.part * p.pixels * plan.filter_tiles * plan.tap_tiles * shape.M * shape.V / shape.L,
        source, g, np.array(p.offsets[0]), tap_table(p, layout, shape.V), sums, p.step, layout, plan,
        scratch=(layout.length, g.dtype),
    )  # fmt: skip
    tiled = sums.sum(0).reshape(p.groups, plan.filter_tiles, plan.tap_tiles, shape.M, shape.V)
    rows = tiled.transpose(0, 1, 3, 2, 4).reshape(p.groups, plan.filter_tiles * shape.M, -1)[:, :, :p.reduction]
    whole = p.results // shape.M * shape.M          # the last tile repeats filters of the one before
    return np.concatenate([rows[:, :whole], rows[:, rows.shape[1] - (p.results - whole):]], axis=1)
