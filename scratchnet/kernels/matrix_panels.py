"""C = A·B panel by panel: the register tile (see `tile`) with all that it needs in the caches.

A panel is as many columns of B as the tile is wide, laid out one row after another; a linear layer's B is a transposed weight,
which is turned over on the way.  A block of a panel, and of A's rows, stays in the second-level cache while they meet:

    panel[k, n] = B[k, first + n]                         _DEPTH × WIDTH numbers
    C[m, first + n] += Σ_k A[m, k] · panel[k, n]          _ROWS rows at a time

A number of the panel is used for every row of the block, so that laying it out pays from a few rows on.  A BLAS packs A as
well, for strides of any kind and in blocks for far larger matrices, which the products of networks do not repay.
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv.channels_loops import transpose
from scratchnet.kernels.jit import jit
from scratchnet.kernels.matrix_tile import multiply_add_wide, shape
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import dense
from scratchnet.kernels.vector_loops import add, copy

WIDTH = 1                           # of the tile: `tile.specialised` puts it in

_DEPTH = 512                        # of a panel: with 64 columns an eighth of a second-level cache
_ROWS = 240                         # of A, of which each block lays the panels out anew
_FEWEST = 4                         # rows: for fewer, a panel is not worth laying out
_LEAST = 1_000_000                  # multiply-adds: of less the product takes some 20 µs either way


def serves(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether `product` takes a [M, K] and b [K, N]: a's rows lie in order, and b's or its columns."""
    return (len(a) >= _FEWEST and a.size * b.shape[1] >= _LEAST and a.flags.carray and (b.T.flags.carray or b.flags.carray)
            and tiles.has_instructions())  # fmt: skip


@jit
def product_loop(start, stop, a, b, b_is_turned, bias, out, height, depth, scratch):
    """out [M, N] = a [M, K] · b + bias; b lies as [N, K] if it is turned, or as [K, N]; a bias of no numbers is none.

    A job is a panel for a block of rows.
    """
    rows, columns = out.shape
    inner = len(a) // rows
    panels = (columns + WIDTH - 1) // WIDTH
    flat = out.reshape(-1)
    panel, sums = scratch[:depth * WIDTH], scratch[depth * WIDTH:]
    for job in range(start, stop):
        top, first = job // panels * height, job % panels * WIDTH
        count, width = min(height, rows - top), min(WIDTH, columns - first)
        for k in range(0, inner, depth):
            some = min(depth, inner - k)
            if b_is_turned:
                transpose(b[first * inner + k:], inner, width, panel, WIDTH, some)
            else:
                for i in range(some):
                    copy(panel[i * WIDTH:i * WIDTH + width], b[(k + i) * columns + first:])
            left = a[top * inner + k:]
            if width == WIDTH:
                multiply_add_wide(left, inner, 1, panel, WIDTH, flat[top * columns + first:], columns, count, some, k == 0)
            else:                   # lanes without a column hold anything
                multiply_add_wide(left, inner, 1, panel, WIDTH, sums, WIDTH, count, some, k == 0)
        for m in range(count):      # now, while the block lies in the cache
            line = out[top + m, first:first + width]
            if width < WIDTH:
                copy(line, sums[m * WIDTH:])
            if len(bias):
                add(line, bias[first:])


def product(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """a [M, K] · b [K, N] + bias [N] or [1], all of one dtype, as `serves` says."""
    (rows, inner), columns, form = a.shape, b.shape[1], shape(a.dtype)
    turned = not b.flags.c_contiguous
    out = np.empty((rows, columns), a.dtype)
    depth, height = min(inner, _DEPTH), -(-rows // -(-rows // _ROWS))
    height = -(-height // form.M) * form.M          # whole tiles
    bias = np.empty(0, a.dtype) if bias is None else dense(bias if len(bias) == columns else np.full(columns, bias[0]))
    parallel_for(
        tiles.specialised(product_loop, form), -(-rows // height) * -(-columns // form.width), height * inner * form.V,
        a.reshape(-1), (b.T if turned else b).reshape(-1), turned, bias, out, height, depth,
        scratch=((depth + height) * form.width, a.dtype),
    )  # fmt: skip
    return out
