"""c += a·b for blocks that lie in the cache: the register tile (see `tile`) over any number of rows, and of columns
that are whole vectors.

Loops that call these functions run as `with_tile(loop, dtype)`.
"""

from __future__ import annotations

from typing import Any

from scratchnet.kernels import tile as tiles
from scratchnet.kernels.jit import Loop, jit

M = V = L = WIDTH = 1           # of the tile, and the tile: `tile.specialised` puts them in
tile: Any = None


def shape(dtype: Any) -> tiles.Shape:
    """The tile for many columns; rows of b and c must be a multiple of its L numbers long."""
    return tiles.tile_shape(dtype, 4 * tiles.lanes(dtype))


def with_tile(loop: Loop, dtype: Any) -> Loop:
    """The loop for arrays of this dtype."""
    return tiles.specialised(loop, shape(dtype))


@jit
def multiply_add_wide(a, a_row, a_column, b, b_row, c, c_row, rows, depth, fresh):
    """`multiply_add` of WIDTH columns."""
    row = 0
    while row + M <= rows:
        tile(M, V, L, a[row * a_row:], a_row, a_column, b, b_row, depth, c[row * c_row:], c_row, fresh)
        row += M
    while row + 4 <= rows:              # once, or up to three times with a tile of 14 rows
        tile(4, V, L, a[row * a_row:], a_row, a_column, b, b_row, depth, c[row * c_row:], c_row, fresh)
        row += 4
    if row + 2 <= rows:
        tile(2, V, L, a[row * a_row:], a_row, a_column, b, b_row, depth, c[row * c_row:], c_row, fresh)
        row += 2
    if row < rows:
        tile(1, V, L, a[row * a_row:], a_row, a_column, b, b_row, depth, c[row * c_row:], c_row, fresh)


@jit
def multiply_add_narrow(a, a_row, a_column, b, b_row, c, c_row, rows, depth, fresh):
    """`multiply_add` of L columns."""
    row = 0
    while row + 4 <= rows:
        tile(4, 1, L, a[row * a_row:], a_row, a_column, b, b_row, depth, c[row * c_row:], c_row, fresh)
        row += 4
    while row < rows:
        tile(1, 1, L, a[row * a_row:], a_row, a_column, b, b_row, depth, c[row * c_row:], c_row, fresh)
        row += 1


@jit
def multiply_add(a, a_row, a_column, b, b_row, c, c_row, rows, columns, depth, fresh):
    """c += a·b, or c = a·b where fresh, of blocks that begin where flat arrays do: a [rows, depth], b [depth, columns],
    c [rows, columns].

    Parameters
    ----------
    a_row, a_column : steps from row to row and column to column; b, c alike
    columns : a multiple of L
    """
    whole = columns // WIDTH * WIDTH
    for column in range(0, whole, WIDTH):
        multiply_add_wide(a, a_row, a_column, b[column:], b_row, c[column:], c_row, rows, depth, fresh)
    for column in range(whole, columns, L):
        multiply_add_narrow(a, a_row, a_column, b[column:], b_row, c[column:], c_row, rows, depth, fresh)
