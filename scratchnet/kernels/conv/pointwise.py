"""1×1 convolution: a matrix product of each image, no window to speak of.

With x [C, pixels] of an image and a group:  y = w·x,  gx = wᵀ·g,  gw = Σ_images g·xᵀ.  A stride reads every s-th pixel.

As in `matrix_panels` a register tile meets panels of columns, here pixels.  A product for each image, by a BLAS, leaves most of
a late layer's tiles idle (a 3×3 map has 9 columns); so the images stand side by side, and one parallel loop takes all.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from scratchnet.kernels import matrix_tile
from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv.geometry import Geometry
from scratchnet.kernels.conv.pointwise_loops import outer_products_loop, products_loop
from scratchnet.kernels.parallel import parallel_for

_JOBS = 8                   # at least, where there is work for them
_WEIGHTS = 120_000          # of a block of rows: half of a second-level cache
_SMALL = 64                 # an image of fewer pixels is small
_COLLIDING = 4096           # bytes: rows that are a multiple of it apart share the few lines of one set of the first cache
_DEPTH = 256                # pixels at a time, for a sum over pixels
_PARTIAL = 1 << 22          # bytes of partial sums


class Plan(NamedTuple):
    """All ints, for the compiled loops."""

    images: int
    groups: int
    rows: int                       # of a result
    inner: int                      # of a product: the channels that are read
    pixels: int
    panels: int
    blocks: int                     # of rows, and their height
    height: int
    part: int = 1                   # images of a partial sum
    depth: int = 1                  # pixels that are turned over at a time


def serves(s: Geometry) -> bool:
    """Whether the windows are single pixels, none of them padding."""
    return math.prod(s.kernel) == 1 and not any(s.padding)


def _strided(s: Geometry) -> bool:
    return any(n > 1 for n in s.stride)


def _seen(s: Geometry) -> tuple:
    """The pixels that windows see."""
    return (..., *(slice(None, None, n) for n in s.stride))


def _pixels_of(s: Geometry, x: np.ndarray) -> np.ndarray:
    """The pixels of x that are seen: a copy if there is a stride."""
    return np.ascontiguousarray(x[_seen(s)]) if _strided(s) else x


def forward(s: Geometry, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """y [N, O, *output]"""
    y = np.empty(s.output_shape, x.dtype)
    _products(*plan_of(s, "forward", x.dtype), w, (s.channels, 1), _pixels_of(s, x), bias, y)
    return y


def grad_input(s: Geometry, g: np.ndarray, w: np.ndarray) -> np.ndarray:
    """gx [N, C, *size]"""
    seen = np.empty((*s.input_shape[:2], *s.output), g.dtype)
    _products(*plan_of(s, "grad_input", g.dtype), w, (1, s.channels), g, None, seen)
    if not _strided(s):
        return seen
    gx = np.zeros(s.input_shape, g.dtype)
    gx[_seen(s)] = seen
    return gx


def _blocks(rows: int, most: int, count: int, tile_rows: int) -> tuple[int, int]:
    """How many blocks of how many rows: at least so many where they are not too small, none of more rows than that."""
    count = max(-(-rows // max(most, 4 * tile_rows)), min(count, rows // (4 * tile_rows)), 1)
    height = -(-rows // count // tile_rows) * tile_rows        # whole tiles
    return -(-rows // height), height


@lru_cache(512)
def plan_of(s: Geometry, what: str, dtype: Any) -> tuple[tiles.Shape, Plan]:
    """The tile and the jobs."""
    if what == "grad_weight":
        return _plan_of_outer_products(s, dtype)
    rows, inner = (s.filters, s.channels) if what == "forward" else (s.channels, s.filters)
    columns = s.batch * s.pixels
    collide = what == "forward" and inner * np.dtype(dtype).itemsize % _COLLIDING == 0
    shape = matrix_tile.shape(dtype) if collide else tiles.tile_shape(dtype, columns)      # the wide one has few rows
    panels = -(-columns // shape.width)
    blocks, height = _blocks(rows, _WEIGHTS // inner, -(-_JOBS // (s.groups * panels)), shape.M)
    return shape, Plan(s.batch, s.groups, rows, inner, s.pixels, panels, blocks, height)


def _products(shape: tiles.Shape, plan: Plan, w: np.ndarray, steps: tuple[int, int], x: np.ndarray, bias: np.ndarray | None,
              out: np.ndarray) -> None:  # fmt: skip
    """out[n, g] = w[g] · x[n, g] + bias, where the weights [rows, inner] of a group lie in these steps."""
    parallel_for(
        tiles.specialised(products_loop, shape), plan.groups * plan.panels * plan.blocks, plan.height * plan.inner * shape.V,
        w.reshape(-1), *steps, x.reshape(-1), np.empty(0, x.dtype) if bias is None else bias, out.reshape(-1), plan,
        scratch=((plan.inner + plan.height) * shape.width, x.dtype),
    )  # fmt: skip


def _plan_of_outer_products(s: Geometry, dtype: Any) -> tuple[tiles.Shape, Plan]:
    images, pixels = (1, s.batch * s.pixels) if _stand_side_by_side(s) else (s.batch, s.pixels)
    shape = tiles.tile_shape(dtype, s.channels)
    panels = -(-s.channels // shape.width)
    weights = math.prod(s.weight_shape) * np.dtype(dtype).itemsize
    parts = max(1, min(-(-_JOBS // (s.groups * panels)), images, _PARTIAL // weights))
    blocks, height = _blocks(s.filters, s.filters, -(-_JOBS // (s.groups * panels * parts)), shape.M)
    return shape, Plan(images, s.groups, s.filters, s.channels, pixels, panels, blocks, height,
                       part=-(-images // parts), depth=min(_DEPTH, pixels))  # fmt: skip


def _stand_side_by_side(s: Geometry) -> bool:
    """Whether images are small: sums stay in registers for as long as there are pixels, so that copies of all images pay."""
    return s.pixels < _SMALL and s.batch > 1


def grad_weight(s: Geometry, g: np.ndarray, x: np.ndarray) -> np.ndarray:
    """gw [O, C/groups, 1, ...]"""
    x = _pixels_of(s, x)
    if _stand_side_by_side(s):
        g, x = (np.ascontiguousarray(a.reshape(*a.shape[:2], -1).swapaxes(0, 1)) for a in (g, x))
    shape, plan = plan_of(s, "grad_weight", g.dtype)
    parts = -(-plan.images // plan.part)
    sums = np.empty((parts, *s.weight_shape), g.dtype)
    parallel_for(
        tiles.specialised(outer_products_loop, shape), parts * s.groups * plan.blocks * plan.panels,
        plan.part * plan.pixels * plan.height * shape.V, g.reshape(-1), x.reshape(-1), sums.reshape(-1), plan,
        scratch=((plan.depth + plan.height) * shape.width, g.dtype),
    )  # fmt: skip
    return sums[0] if parts == 1 else sums.sum(0)
