"""Which way computes which convolution: the one that costs least, counted in vectors multiplied.

What else is done is counted as the vectors that could be multiplied meanwhile; the rates were measured once, on a processor
with AVX-512, and need only be right enough to tell ways apart.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv import channels, depthwise, dots, pixels, pointwise
from scratchnet.kernels.conv.geometry import Geometry
from scratchnet.kernels.conv.passes import Layout, Pass, forward_pass, grad_input_passes

_TILE = 40                  # beginning and end of a tile, besides its sums' way from and to memory
_SUM = 2                    # for every vector of sums
_FILL, _FILL_ROW = 0.10, 40                 # a number, a row of a patch
_STORE, _STORE_ROW = 0.10, 25               # a number, a row of a result
_TRANSPOSE, _GATHER = 0.20, 2.0             # a number transposed in vectors; gathered one by one
_FETCH, _CACHE = 0.5, 200_000               # a weight that the second-level cache, of so many numbers, does not hold
_MASKED = 2.0               # a masked vector of a plane
_DOT = 2.0                  # a masked vector that is loaded and multiplied


def _fill(p: Pass, layout: Layout, channels_: int) -> float:
    """Filling a patch once."""
    rows = channels_ * len(p.offsets[0]) * layout.channel // layout.pitch
    return rows * (_FILL_ROW + layout.pitch * _FILL)


def of_pixels(p: Pass, dtype: Any) -> float:
    """A pass by `pixels`."""
    shape, layout, plan = pixels.plan_of(p, dtype, 1)
    parts = p.batch * p.groups * p.output[0] * plan.blocks
    tile = shape.M * shape.V * (p.reduction + _SUM) + _TILE
    filter_tiles = -(-p.results // shape.M)
    computed = filter_tiles * (plan.row // shape.width) * tile
    stored = p.results * layout.rows * (_STORE_ROW + p.output[2] * (_STORE if p.spread[2] == 1 else 1))
    weights = p.groups * p.results * p.reduction        # where they do not fit in the cache, each row of tiles fetches them
    fetched = weights * _FETCH * plan.row / shape.width if weights > _CACHE else 0
    return parts * (computed + stored + fetched / p.groups + _fill(p, layout, p.sources))


def of_channels(p: Pass, dtype: Any, in_order: bool) -> float:
    """A pass by `channels`."""
    shape, layout, plan = channels.plan_of(p, dtype, False)
    parts = plan.image_blocks * p.groups * p.output[0] * plan.blocks
    pixels_ = plan.images * plan.pixels
    tile = shape.M * shape.V * (p.reduction + _SUM * -(-p.reduction // plan.taps)) + _TILE
    computed = plan.panels * -(-pixels_ // shape.M) * tile
    straight = p.spread == (1, 1, 1)
    stored = pixels_ * p.results * (_TRANSPOSE + _STORE if straight else _GATHER)
    weights = p.results * p.reduction       # packed by each part, or once for all
    packed_here, packed_before = (weights * _TRANSPOSE, 0) if in_order else (0, p.groups * weights * _GATHER)
    return parts * (computed + stored + packed_here + plan.images * _fill(p, layout, p.sources)) + packed_before


def of_grad_weight_channels(p: Pass, dtype: Any) -> float:
    """The gradient to the weight by `channels`."""
    shape, layout, plan = channels.plan_of(p, dtype, True)
    blocks = plan.image_blocks * p.output[0] * plan.blocks
    pixels_ = plan.images * plan.pixels
    tile = shape.M * shape.V * (pixels_ + 2 * _SUM) + _TILE
    packed = pixels_ * min(p.results, shape.width) * _TRANSPOSE
    filled = plan.images * _fill(p, layout, plan.chunk)
    job = plan.chunk_rows // shape.M * tile + packed + filled
    return p.groups * plan.panels * plan.chunks * blocks * job


def of_dots(p: Pass, dtype: Any) -> float:
    """The gradient to the weight by `dots`."""
    shape, layout, plan = dots.plan_of(p, dtype)
    blocks = p.batch * p.groups * p.output[0] * -(-p.output[1] // layout.rows)
    vectors = layout.rows * -(-p.output[2] // shape.L)
    tiles_ = plan.filter_tiles * plan.tap_tiles
    return blocks * (tiles_ * (shape.M * shape.V * (vectors * _DOT + 12) + _TILE) + _fill(p, layout, p.sources))


def of_products(s: Geometry, what: str, dtype: Any) -> float:
    """A 1×1 convolution, or a gradient of one, by `pointwise`."""
    shape, plan = pointwise.plan_of(s, what, dtype)
    tiles_ = plan.groups * plan.panels * -(-plan.rows // shape.M)
    if what == "grad_weight":
        pixels_ = plan.images * plan.pixels
        turned = plan.groups * plan.panels * plan.blocks * pixels_ * min(plan.inner, shape.width)
        pieces = plan.images * -(-plan.pixels // plan.depth)
        return tiles_ * (shape.M * shape.V * (pixels_ + 2 * _SUM * pieces) + _TILE * pieces) + turned * _TRANSPOSE
    across = plan.panels if plan.pixels < shape.width else min(plan.panels, plan.images * (plan.pixels % shape.width > 0))
    laid_out = plan.groups * across * shape.width * (plan.blocks * plan.inner * _FILL + plan.rows * _STORE)
    return tiles_ * (shape.M * shape.V * (plan.inner + _SUM) + _TILE) + laid_out


@lru_cache(1024)
def ways(s: Geometry, what: str, dtype: Any) -> dict[str, float]:
    """The ways that serve, and their costs.  ``what`` is forward, grad_input or grad_weight."""
    forward = forward_pass(s)
    if forward.work == 0 or forward.pixels == 0:
        return {"reference": 0.0}
    if what == "forward":
        found = {"pixels": of_pixels(forward, dtype), "channels": of_channels(forward, dtype, in_order=True)}
    elif what == "grad_input":
        passes = grad_input_passes(s)
        found = {"pixels": sum(of_pixels(p, dtype) for p in passes),
                 "channels": sum(of_channels(p, dtype, in_order=False) for p in passes)}
    else:
        found = {"channels": of_grad_weight_channels(forward, dtype), "dots": of_dots(forward, dtype)}
    if pointwise.serves(s):
        found["matrix product"] = of_products(s, what, dtype)
    if depthwise.serves(s):
        vectors = s.batch * s.groups * s.output[0] * -(-s.output[-1] // tiles.lanes(dtype)) * math.prod(s.stride)
        found["depthwise"] = vectors * math.prod(s.kernel) * _MASKED + s.batch * s.groups * _TILE
    return found


def cheapest(s: Geometry, what: str, dtype: Any) -> str:
    """The way to go."""
    found = ways(s, what, dtype)
    return min(found, key=found.__getitem__)
