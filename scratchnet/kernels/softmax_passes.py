"""What softmax and cross entropy are made of: the exponentials of rows, or columns, shifted by their largest number.

What is left over of a row when it is cut into vectors is computed number by number.  That is cheap except for the
exponentials, so those are computed of a block of rows, or a tile of columns, as one long vector.
"""

from __future__ import annotations

from scratchnet.kernels.instructions import like
from scratchnet.kernels.jit import jit
from scratchnet.kernels.vector_loops import add, copy, fill, largest_of, maximum
from scratchnet.kernels.vector_math import exp_of_negative, log

_BLOCK = 4096               # numbers of which the exponentials are computed together


@jit
def exponentials(x):
    """x = exp(x), of numbers that are at most 0."""
    for i in range(len(x)):
        x[i] = exp_of_negative(x[i])


@jit
def shift(x, first, second, y):
    """y = x - first - second"""
    for i in range(len(x)):
        y[i] = x[i] - first - second


@jit
def take_logarithms(x):
    for i in range(len(x)):
        x[i] = log(x[i])


# ---- rows: flat arrays of rows of `classes` numbers, a block of them at a time

def rows_together(classes):
    """How many rows make a block."""
    return max(1, _BLOCK // classes)


@jit
def shifted_exponentials(first, last, classes, x, largest, y):
    """y = exp(x - m) of the rows first … last, y beginning with the first of them; and the largest number m of each."""
    for r in range(first, last):
        row = x[r * classes:(r + 1) * classes]
        largest[r - first] = largest_of(row)
        shift(row, largest[r - first], like(0, x[0]), y[(r - first) * classes:(r - first + 1) * classes])
    exponentials(y[:(last - first) * classes])


# ---- columns: tiles of T neighbouring ones of [C, L], a row of T numbers at a time

def tile_width(classes):
    """Columns of a tile: few enough that it stays in the cache, whole vectors."""
    return min(max(_BLOCK // classes // 64, 1), 8) * 64


@jit
def column_maxima(x, first, largest):
    """Of the columns first, first + 1, ... of x [C, L]: the largest number."""
    last = first + len(largest)
    copy(largest, x[0, first:last])
    for c in range(1, len(x)):
        _larger(x[c, first:last], largest)


@jit
def column_exponentials(x, first, largest, total, tile):
    """Of the columns first, first + 1, ... of x [C, L]: the largest number m, tile [C·T] = exp(x - m), and its sum."""
    width, last = len(largest), first + len(largest)
    column_maxima(x, first, largest)
    fill(total, 0)
    for c in range(len(x)):
        _subtract(x[c, first:last], largest, tile[c * width:(c + 1) * width])
    exponentials(tile[:len(x) * width])
    for c in range(len(x)):
        add(total, tile[c * width:(c + 1) * width])


@jit
def _larger(x, largest):
    for i in range(len(x)):
        largest[i] = maximum(largest[i], x[i])


@jit
def _subtract(x, y, z):
    for i in range(len(x)):
        z[i] = x[i] - y[i]


@jit
def subtract_both(x, a, b, y):
    """y = x - a - b"""
    for i in range(len(x)):
        y[i] = x[i] - a[i] - b[i]
