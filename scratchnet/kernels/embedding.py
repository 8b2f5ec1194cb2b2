"""Sums of rows that are named by indices: lookup in a table, its gradient, and bags of rows."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel


@kernel
def sum_rows(x, source, target, rows, scale=None):
    """y_r = Σ_i scale_i · x[source_i] over the i with target_i = r, in their order.

    Lookup is the case target_i = i, its gradient the case source_i = i; a sum over bags needs both.

    Parameters
    ----------
    x : [M, F]
    source, target : int64 [N], rows of x and of y; None is 0 ... N-1, a negative index leaves i out
    rows : of y
    scale : [N], of x's dtype, or None for ones

    Returns
    -------
    y : [rows, F]
    """
    _check("sum_rows", x, source, target, rows, scale)
    count = len(x) if source is None else len(source)
    source, target = (np.arange(count) if i is None else i for i in (source, target))
    taken = (source >= 0) & (target >= 0)
    terms = x[source[taken]]
    if scale is not None:
        terms = terms * scale[taken, None]
    y = np.zeros((rows, x.shape[1]), x.dtype, like=x)
    np.add.at(y, target[taken], terms)
    return y


@kernel
def max_rows(x, source, starts):
    """y_bf = max of x[source_i, f] over starts_b <= i < starts_{b+1}; 0 for an empty bag.

    Parameters
    ----------
    x : [M, F]
    source : int64 [N], negative indices are left out
    starts : int64 [B + 1], from 0 to N, not decreasing

    Returns
    -------
    y : [B, F]
    chosen : int64 [B, F], the row of x each number comes from, the first of several; -1 for an empty bag

    Nothing is larger than NaN, nor is NaN larger than anything: it counts where it comes first, as in torch.
    """
    _check("max_rows", x, source, None, len(source), None)
    if starts[0] != 0 or starts[-1] != len(source) or (np.diff(starts) < 0).any():
        raise RuntimeError(f"max_rows: expected starts from 0 to {len(source)}, not decreasing")
    y = np.zeros((len(starts) - 1, x.shape[1]), x.dtype)
    chosen = np.full(y.shape, -1)
    for b in range(len(y)):
        for i in source[starts[b]:starts[b + 1]]:
            if i >= 0:
                larger = (x[i] > y[b]) | (chosen[b] < 0)
                y[b][larger], chosen[b][larger] = x[i][larger], i
    return y, chosen


def _check(name, x, source, target, rows, scale):
    if x.ndim != 2:
        raise RuntimeError(f"{name}: expected x of shape [M, F], got {x.shape}")
    counts = {len(i) for i in (source, target, scale) if i is not None}
    if source is None:
        counts.add(len(x))
    if target is None:
        counts.add(rows)
    if len(counts) > 1 or any(i is not None and i.ndim != 1 for i in (source, target, scale)):
        raise RuntimeError(f"{name}: expected vectors source, target and scale of one length")
    for label, indices, size in (("source", source, len(x)), ("target", target, rows)):
        if indices is not None and len(indices) and indices.max() >= size:
            raise IndexError(f"{name}: {label} {indices.max()} is out of range for {size} rows")


@jit
def _gather_loop(start, stop, x, source, scale, y):
    """Rows of y, each from one row of x."""
    for i in range(start, stop):
        target = y[i]
        if source[i] < 0:
            for f in range(len(target)):
                target[f] = 0
        else:
            row = x[source[i]]
            if len(scale):
                for f in range(len(target)):
                    target[f] = scale[i] * row[f]
            else:
                for f in range(len(target)):
                    target[f] = row[f]


@jit
def _sort_loop(source, target, starts, order):
    """Places i sorted by target_i, those of target r at order[starts[r]:starts[r+1]]: a counting sort."""
    for i in range(len(target)):
        if target[i] >= 0 and (len(source) == 0 or source[i] >= 0):
            starts[target[i] + 1] += 1
    for r in range(1, len(starts)):
        starts[r] += starts[r - 1]
    for i in range(len(target)):
        if target[i] >= 0 and (len(source) == 0 or source[i] >= 0):
            order[starts[target[i]]] = i
            starts[target[i]] += 1
    for r in range(len(starts) - 1, 0, -1):         # where each ended, the next begins
        starts[r] = starts[r - 1]
    starts[0] = 0


@jit
def _sum_loop(start, stop, x, source, starts, order, scale, y):
    """Rows of y, each a sum of rows of x."""
    for r in range(start, stop):
        total = y[r]
        for f in range(len(total)):
            total[f] = 0
        for place in range(starts[r], starts[r + 1]):
            i = order[place]
            row = x[source[i] if len(source) else i]
            if len(scale):
                for f in range(len(total)):
                    total[f] += scale[i] * row[f]
            else:
                for f in range(len(total)):
                    total[f] += row[f]


@jit
def _max_loop(start, stop, x, source, starts, y, chosen):
    for b in range(start, stop):
        for f in range(x.shape[1]):
            y[b, f], chosen[b, f] = 0, -1
        for i in range(starts[b], starts[b + 1]):
            if source[i] >= 0:
                row = x[source[i]]
                for f in range(len(row)):
                    if chosen[b, f] < 0 or row[f] > y[b, f]:
                        y[b, f], chosen[b, f] = row[f], source[i]


def _indices(indices):
    return np.empty(0, np.int64) if indices is None else dense(indices, np.int64)


@sum_rows.cpu
def _sum_rows_cpu(x, source, target, rows, scale=None):
    _check("sum_rows", x, source, target, rows, scale)
    if not compilable(x, *(() if scale is None else (scale,))) or (source is None and target is None):
        return NotImplemented
    y = np.empty((rows, x.shape[1]), x.dtype)
    x, scale = dense(x), np.empty(0, x.dtype) if scale is None else dense(scale)
    if target is None:
        parallel_for(_gather_loop, rows, x.shape[1], x, _indices(source), scale, y)
        return y
    source, target = _indices(source), _indices(target)
    starts, order = np.zeros(rows + 1, np.int64), np.empty(len(target), np.int64)
    _sort_loop(source, target, starts, order)
    work = x.shape[1] * (1 + len(target) / max(rows, 1))
    parallel_for(_sum_loop, rows, work, x, source, starts, order, scale, y)
    return y


@max_rows.cpu
def _max_rows_cpu(x, source, starts):
    _check("max_rows", x, source, None, len(source), None)
    if not compilable(x) or starts[0] != 0 or starts[-1] != len(source) or (np.diff(starts) < 0).any():
        return NotImplemented
    y = np.empty((len(starts) - 1, x.shape[1]), x.dtype)
    chosen = np.empty(y.shape, np.int64)
    work = 2 * x.shape[1] * len(source) / max(len(y), 1)
    parallel_for(_max_loop, len(y), work, dense(x), _indices(source), dense(starts, np.int64), y, chosen)
    return y, chosen
