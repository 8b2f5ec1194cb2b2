"""Resizing of images: a sparse matrix along each axis."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels import parallel
from scratchnet.kernels.interpolate_tables import Table, table
from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_loops import copy, fill
from scratchnet.kernels.vector_math import like

_BLOCK = 32_768         # numbers of one block of rows between the two axes: they stay in the cache


def _check(x, tables):
    if not 0 < len(tables) <= x.ndim:
        raise RuntimeError(f"resample: expected a table for each of the last dimensions, got {len(tables)} for "
                           f"shape {x.shape}")
    sizes = tuple(t.inputs for t in tables)
    if x.shape[x.ndim - len(tables):] != sizes:
        raise RuntimeError(f"resample: expected x of shape [..., {', '.join(map(str, sizes))}], got {x.shape}")


@kernel
def resample(x, tables):
    """The last dimensions resized: y = M x along each of them.

    Parameters
    ----------
    x : [..., n1, n2, ...]
    tables : a `Table` for each of the last dimensions, the matrices M

    Returns
    -------
    [..., m1, m2, ...]
    """
    _check(x, tables)
    for axis, t in zip(range(x.ndim - len(tables), x.ndim), tables):
        source = np.moveaxis(x, axis, 0)
        y = np.zeros((t.outputs, *source.shape[1:]), x.dtype)
        weight = t.weight.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 1))
        np.add.at(y, t.owner, source[t.position] * weight)
        x = np.moveaxis(y, 0, axis)
    return np.ascontiguousarray(x)


# Along columns (the last axis) every output gathers its taps from a row: all outputs for two taps at a time.  Along
# rows whole rows are added: no gathering.  So columns go first if that leaves fewer rows to gather from.

@jit
def _gather(row, position, weight, out):
    """out = M row, with position and weight [taps, outputs]."""
    p, w = position[0], weight[0]
    if len(position) == 1:
        for j in range(len(out)):
            out[j] = w[j] * row[p[j]]
        return
    p2, w2 = position[1], weight[1]
    for j in range(len(out)):
        out[j] = w[j] * row[p[j]] + w2[j] * row[p2[j]]
    for t in range(2, len(position), 2):
        p, w, p2, w2 = position[t], weight[t], position[t + 1], weight[t + 1]
        for j in range(len(out)):
            out[j] += w[j] * row[p[j]] + w2[j] * row[p2[j]]


@jit
def _add_rows(source, offset, begin, end, position, weight, out):
    """out = Σ weight[t] · source[position[t] - offset], two rows at a time."""
    t = begin
    if (end - begin) % 2:
        a, w = source[position[t] - offset], weight[t]
        for j in range(len(out)):
            out[j] = w * a[j]
        t += 1
    elif end > begin:
        a, b, w, v = source[position[t] - offset], source[position[t + 1] - offset], weight[t], weight[t + 1]
        for j in range(len(out)):
            out[j] = w * a[j] + v * b[j]
        t += 2
    else:
        fill(out, like(0, out[0]))
    while t < end:
        a, b, w, v = source[position[t] - offset], source[position[t + 1] - offset], weight[t], weight[t + 1]
        for j in range(len(out)):
            out[j] += w * a[j] + v * b[j]
        t += 2


@jit
def _resample_loop(start, stop, x, y, begin, position, weight, blocks, column_position, column_weight, ragged,
                   both, columns_first, between_rows):
    """Blocks of rows of planes x [P, H, W] to y [P, OH, OW].

    blocks [B, 4]: first and last row of y, and of the rows of x they are made of.
    both : rows and columns are resized, else columns if columns_first, else rows.
    """
    width, count = x.shape[2], len(blocks)
    line = np.zeros(width + 1, x.dtype)         # its last cell stays zero
    between = np.empty((between_rows, y.shape[2]), x.dtype)
    for item in range(start, stop):
        plane, block = item // count, blocks[item % count]
        source, target = x[plane], y[plane]
        if columns_first:
            for h in range(block[2], block[3]):
                out = between[h - block[2]] if both else target[h]
                if ragged:
                    copy(line[:width], source[h])
                    _gather(line, column_position, column_weight, out)
                else:
                    _gather(source[h], column_position, column_weight, out)
            if both:
                for o in range(block[0], block[1]):
                    _add_rows(between, block[2], begin[o], begin[o + 1], position, weight, target[o])
        else:
            for o in range(block[0], block[1]):
                out = line[:width] if both else target[o]
                _add_rows(source, 0, begin[o], begin[o + 1], position, weight, out)
                if both:
                    _gather(line, column_position, column_weight, target[o])


def _blocks(rows: Table, planes, width, columns_first):
    """Blocks of rows, so many that all threads have work and what lies between the axes fits into the cache."""
    per_block = rows.outputs if planes >= 4 * parallel.get_num_threads() else -(-rows.outputs // 4)
    if columns_first:
        per_block = max(1, min(per_block, _BLOCK * rows.outputs // (rows.inputs * width)))
    result = []
    for first in range(0, rows.outputs, per_block):
        last = min(first + per_block, rows.outputs)
        seen = rows.position[rows.begin[first]:rows.begin[last]]
        result.append((first, last, *((seen.min(), seen.max() + 1) if seen.size else (0, 0))))
    return np.array(result, np.int64)


def _planes(x, rows: Table, columns: Table | None):
    """Planes [P, H, W] to [P, OH, OW]; None leaves the columns as they are."""
    y = np.empty((x.shape[0], rows.outputs, columns.outputs if columns else x.shape[2]), x.dtype)
    if columns is None or columns.identity:
        if rows.identity:
            return x
        columns_first = both = ragged = False
        taps = np.empty((1, 0), np.uint32), np.empty((1, 0), x.dtype)
    else:
        both, taps, ragged = not rows.identity, columns.columns, columns.ragged
        columns_first = not both or rows.inputs <= rows.outputs
    blocks = _blocks(rows, len(x), y.shape[2], columns_first)
    between = int((blocks[:, 3] - blocks[:, 2]).max()) if both and columns_first else 0
    work = y[0].size * (len(rows.position) / rows.outputs + 2 * len(taps[0])) / len(blocks)
    parallel_for(_resample_loop, len(x) * len(blocks), work, x, y, rows.begin, rows.position, rows.weight, blocks,
                 *taps, ragged, both, columns_first, between)
    return y


@resample.cpu
def _resample_cpu(x, tables):
    _check(x, tables)
    if not compilable(x, *(t.weight for t in tables)) or len(tables) > 3:
        return NotImplemented
    lead, sizes = x.shape[:x.ndim - len(tables)], [t.outputs for t in tables]
    if not x.size or not math.prod(sizes):
        return np.zeros((*lead, *sizes), x.dtype)
    depth, rows, columns = [table("nearest", 1, 1, x.dtype)] * (3 - len(tables)) + list(tables)
    volumes, y = math.prod(lead), dense(x)
    shrinks = depth.outputs < depth.inputs              # then first, for there is less to do afterwards
    if shrinks:
        y = _planes(y.reshape(volumes, depth.inputs, -1), depth, None)
    frames = depth.outputs if shrinks else depth.inputs
    y = _planes(y.reshape(volumes * frames, rows.inputs, columns.inputs), rows, columns)
    if not shrinks:
        y = _planes(y.reshape(volumes, depth.inputs, -1), depth, None)
    return (y.copy() if np.may_share_memory(x, y) else y).reshape(*lead, *sizes)
