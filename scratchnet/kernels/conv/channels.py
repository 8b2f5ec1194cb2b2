"""Convolution by tiles whose lanes are filters (see `tile`).

A tile is M pixels times V·L filters, so that no lane idles on a small map, at the price of weights that are packed and results
that are transposed.  The gradient to the weight is the same tile with taps in the place of pixels: it sums over pixels.

    forward      y[pixel, filter] = Σ_tap   x[pixel + tap] · w[tap, filter]
    grad_weight  gw[tap, filter]  = Σ_pixel x[tap + pixel] · g[pixel, filter]
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv import channels_loops as loops
from scratchnet.kernels.conv.passes import Layout, Pass, Weight, layout_of, tap_table, weight_table
from scratchnet.kernels.jit import Loop
from scratchnet.kernels.parallel import get_num_threads, parallel_for

_PATCH = 64 * 1024                  # numbers of a patch: half of a second-level cache, the rest is for the other factor
_PIXELS = 384                       # at least so many are treated at once, where the map has them
_TAPS = 512                         # of the packed weights, so many are used for all pixels before the next
_PARTIAL = 1 << 23                  # bytes of partial sums of grad_weight


class Plan(NamedTuple):
    """All ints, for the compiled loops."""

    reduction: int                  # taps of all channels
    results: int                    # filters of a group
    panels: int                     # of V·L filters
    images: int                     # whose patches lie side by side
    image_blocks: int
    blocks: int                     # of rows, in a map
    pixels: int                     # of an image in a full block
    patch: int                      # distance of the images' patches
    rows: int                       # of results, in a block
    taps: int                       # used at once
    area: int                       # taps of one channel
    chunk: int                      # channels of a job
    chunks: int
    chunk_rows: int                 # rows of sums of a chunk: whole tiles
    parts: int                      # partial sums of grad_weight
    part: int                       # blocks of images in each


@lru_cache(512)
def plan_of(p: Pass, dtype: Any, sums_over_pixels: bool) -> tuple[tiles.Shape, Layout, Plan]:
    """The tile, the patch and the jobs, of the forward or of grad_weight; the same for any number of threads."""
    shape = tiles.tile_shape(dtype, p.results)
    panels = -(-p.results // shape.width)
    area = p.reduction // p.sources
    height, width = p.output[1:]
    blocks = -(-height // min(height, max(1, -(-_PIXELS // width))))
    rows = -(-height // blocks)                     # blocks of equal size
    patch_rows = (rows - 1) * p.step[1] + 1
    layout = layout_of(p.undealt(), patch_rows)
    channel = layout.channel * len(p.offsets[0])
    images, chunk = 1, p.sources
    if blocks == 1:
        images = max(1, min(p.batch, _PIXELS // (rows * width)))
    if sums_over_pixels:                            # as many channels as leave patches and sums in the cache
        chunk = max(1, min(p.sources, _PATCH // (images * channel), _PATCH // (area * shape.width)))
        chunk = -(-p.sources // -(-p.sources // chunk))
        layout = layout_of(p._replace(sources=chunk).undealt(), patch_rows)
    else:
        images = max(1, min(images, 4 * _PATCH // layout.length))
    images = -(-p.batch // -(-p.batch // images)) if p.batch else 1     # blocks of equal size
    chunks, image_blocks = -(-p.sources // chunk), -(-p.batch // images)
    chunk_rows = -(-chunk * area // shape.M) * shape.M
    size = p.groups * panels * chunks * chunk_rows * shape.width * np.dtype(dtype).itemsize
    part = -(-image_blocks // max(1, min(16, image_blocks, _PARTIAL // size)))
    return shape, layout, Plan(
        p.reduction, p.results, panels, images, image_blocks, -(-height // rows), rows * width, layout.length, rows, _TAPS, area,
        chunk, chunks, chunk_rows, -(-image_blocks // part), part)


@lru_cache(256)
def pixel_table(p: Pass, layout: Layout, plan: Plan, multiple: int) -> np.ndarray:
    """The distance in the patches of every pixel of a full block; the last is repeated to whole tiles."""
    rows = np.arange(plan.rows)[:, None] * (p.step[1] * layout.pitch)
    columns = np.arange(p.output[2]) * p.step[2]
    images = np.arange(plan.images)[:, None, None] * plan.patch
    return np.pad((images + rows + columns).reshape(-1), (0, multiple), mode="edge")


class Call(NamedTuple):
    """What a pass needs besides its arrays: found once, as small convolutions take no longer than finding it."""

    loop: Loop
    pack: Loop | None               # where the weights are not in order
    steps: np.ndarray               # of the weights
    panel: int                      # numbers of the packed weights of a panel
    parts: int                      # jobs, if filters are not divided
    part_work: float
    tables: tuple                   # arrays
    geometry: tuple                 # of ints
    plan: Plan
    scratch: tuple[int, Any]


@lru_cache(512)
def _call_of(p: Pass, dtype: Any, weight_source: int) -> Call:
    shape, layout, plan = plan_of(p, dtype, False)
    steps, in_order = weight_table(p, weight_source)
    pixels = plan.images * plan.pixels + shape.M
    return Call(
        loop=tiles.specialised(loops.forward_loop, shape),
        pack=None if in_order else tiles.specialised(loops.pack_weights_loop, shape),
        steps=steps,
        panel=p.reduction * shape.width,
        parts=plan.image_blocks * p.groups * p.output[0] * plan.blocks,
        part_work=p.reduction * pixels * shape.V * plan.panels,
        tables=(np.array(p.offsets[0]), tap_table(p.undealt(), layout), pixel_table(p, layout, plan, shape.M)),
        geometry=(p.step, p.spread, p.first, p.output, layout, plan),
        plan=plan,
        scratch=(plan.images * plan.patch + (plan.taps + pixels) * shape.width, dtype),
    )


def forward(p: Pass, source: np.ndarray, weight: Weight, bias: np.ndarray, result: np.ndarray) -> None:
    """Compute one pass.  source [N, G, C, D, H, W], bias [G, O], result [N, G, O, D', H', W']: contiguous, of one dtype."""
    call = _call_of(p, source.dtype, weight.source)
    weights = weight.numbers
    if call.pack is not None:
        panels = p.groups * call.plan.panels
        weights = np.empty(panels * call.panel, source.dtype)
        parallel_for(call.pack, panels, call.panel, weight.numbers, call.steps, weight.group, weight.result, call.plan, weights)
    threads = get_num_threads()
    # filters are divided only where there are too few parts for the threads
    panel_jobs = 1 if call.parts >= 2 * threads else min(call.plan.panels, -(-2 * threads // call.parts))
    parallel_for(call.loop, call.parts * panel_jobs, call.part_work / panel_jobs, source, weights, call.pack is None,
                 weight.group, weight.result, *call.tables, bias, result, *call.geometry, panel_jobs, scratch=call.scratch)


def grad_weight(p: Pass, g: np.ndarray, source: np.ndarray) -> np.ndarray:
    """[G, O, K] from g [N, G, O, D', H', W'] and source [N, G, C, D, H, W]: contiguous, one dtype."""
    shape, layout, plan = plan_of(p, source.dtype, True)
    width = shape.width
    sums = np.empty((plan.parts, p.groups, plan.panels, plan.chunks, plan.chunk_rows, width), g.dtype)
    pixels = plan.images * plan.pixels
    parallel_for(
        tiles.specialised(loops.grad_weight_loop, shape), plan.parts * p.groups * plan.panels * plan.chunks,
        plan.part * pixels * plan.blocks * p.output[0] * plan.chunk_rows * shape.V,
        source, g, np.array(p.offsets[0]), tap_table(p._replace(sources=plan.chunk).undealt(), layout, shape.M),
        pixel_table(p, layout, plan, shape.M), sums, p.step, layout, plan,
        scratch=(plan.images * plan.patch + pixels * width, g.dtype),
    )  # fmt: skip
    gw = np.empty((p.groups, p.results, p.reduction), g.dtype)
    parallel_for(tiles.specialised(loops.gather_sums_loop, shape), p.groups * plan.panels * plan.chunks,
                 plan.parts * plan.chunk_rows * width / 4, sums, gw, plan)
    return gw
