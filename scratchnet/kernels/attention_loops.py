"""The compiled loops of attention.

Scores of a block lie as [keys, queries]: the lanes of the vectors are queries, so that the largest score, the sum
and the exponentials of all rows of the softmax are taken side by side, and only the queries of a block, and not
all keys, need transposing.  All five products of matrices are one tile, `multiply_add`:

    scores = k·qᵀ      o += pᵀ·v      gp = v·gᵀ      gv += p·g,  gk += d·q      gq += dᵀ·k
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.matrix_tile import multiply_add
from scratchnet.kernels.vector_loops import fill
from scratchnet.kernels.vector_math import exp

BLOCK = 64                  # queries, and keys, of a block: its few arrays of 16 KB stay in the cache


class Geometry(NamedTuple):
    """What the loops must know of the arrays."""

    queries: int
    keys: int
    features: int           # of a query and a key, padded to whole vectors
    value_features: int
    shared: int             # heads of queries to a head of keys
    causal: bool
    masked: bool
    q_row: int              # steps from row to row
    k_row: int
    v_row: int
    mask_row: int
    mask_column: int


L = 1                       # numbers in a vector, as in `matrix_tile`


@jit
def _pack(x, at, row, count, columns, features, scale, rows, lanes):
    """scale·x of some rows, [count, features], and its transpose [features, columns] with 0 in idle lanes."""
    fill(lanes, x.dtype.type(0))
    for i in range(count):
        numbers, packed = x[at + i * row:at + i * row + features], rows[i * features:(i + 1) * features]
        for d in range(features):
            packed[d] = scale * numbers[d]
        for d in range(features):
            lanes[d * columns + i] = packed[d]


@jit
def _scores(k, k_start, key, keys, q_lanes, query, columns, mask, mask_start, s, g):
    """s [keys, columns] = k·qᵀ + mask, -inf where the key is hidden."""
    multiply_add(k[k_start + key * g.k_row:], g.k_row, 1, q_lanes, columns, s, columns, keys, columns, g.features, True)
    count = min(columns, g.queries - query)
    if g.masked:
        start = mask_start + query * g.mask_row + key * g.mask_column
        for j in range(keys):
            for i in range(count):
                s[j * columns + i] += mask[start + i * g.mask_row + j * g.mask_column]
    if g.causal and key + keys - 1 > query:
        for j in range(keys):
            for i in range(min(columns, key + j - query)):
                s[j * columns + i] = -np.inf


@jit
def _seen_keys(query, count, g):
    return min(g.keys, query + count) if g.causal else g.keys


@jit
def _take_in(s, keys, columns, largest, sums, shrink):
    """Scores to exp(score - largest), with `largest` and `sums` brought up to date; what was summed before
    shrinks by `shrink`."""
    for i in range(columns):
        shrink[i] = largest[i]
    for j in range(keys):
        row = s[j * columns:(j + 1) * columns]
        for i in range(len(row)):
            largest[i] = row[i] if row[i] > largest[i] else largest[i]
    for i in range(columns):                # while all is hidden, the largest is -inf, and -inf - -inf no number
        shrink[i] = exp(shrink[i] - (largest[i] if largest[i] > -np.inf else s.dtype.type(0)))
        sums[i] *= shrink[i]
    for j in range(keys):
        row = s[j * columns:(j + 1) * columns]
        for i in range(len(row)):
            row[i] = exp(row[i] - (largest[i] if largest[i] > -np.inf else s.dtype.type(0)))
            sums[i] += row[i]


@jit
def forward(start, stop, q, k, v, mask, starts, scale, y, y_row, log_sums, g):
    """Items are blocks of queries: the blocks of head 0, then those of head 1, ..."""
    blocks = -(-g.queries // BLOCK)
    rows, lanes = np.empty(BLOCK * g.features, q.dtype), np.empty(BLOCK * g.features, q.dtype)
    s, o = np.empty(BLOCK * BLOCK, q.dtype), np.empty(BLOCK * g.value_features, q.dtype)
    largest, sums, shrink = np.empty(BLOCK, q.dtype), np.empty(BLOCK, q.dtype), np.empty(BLOCK, q.dtype)
    for item in range(start, stop):
        head, query = item // blocks, item % blocks * BLOCK
        count = min(BLOCK, g.queries - query)
        columns = -(-count // L) * L
        _pack(q, starts[0, head] + query * g.q_row, g.q_row, count, columns, g.features, scale, rows, lanes)
        fill(largest, q.dtype.type(-np.inf))
        fill(sums, q.dtype.type(0))
        fill(o, q.dtype.type(0))
        seen = _seen_keys(query, count, g)
        for key in range(0, seen, BLOCK):
            keys = min(BLOCK, seen - key)
            _scores(k, starts[1, head], key, keys, lanes, query, columns, mask, starts[3, head], s, g)
            _take_in(s, keys, columns, largest, sums, shrink)
            for i in range(count):
                if shrink[i] != 1:
                    row = o[i * g.value_features:(i + 1) * g.value_features]
                    for d in range(len(row)):
                        row[d] *= shrink[i]
            multiply_add(s, 1, columns, v[starts[2, head] + key * g.v_row:], g.v_row, o, g.value_features,
                         count, g.value_features, keys, False)
        for i in range(count):
            source = o[i * g.value_features:(i + 1) * g.value_features]
            place = starts[4, head] + (query + i) * y_row
            target = y[place:place + g.value_features]
            factor = 1 / sums[i] if sums[i] != 0 else sums[i]
            for d in range(len(target)):
                target[d] = source[d] * factor
            log_sums[head * g.queries + query + i] = (
                largest[i] + math.log(sums[i]) if sums[i] != 0 else -np.inf)


@jit
def _probabilities(s, gp, keys, count, columns, log_sums, delta):
    """Scores to p = exp(score - log_sum), and gp to d = p·(gp - delta); idle lanes to 0."""
    for j in range(keys):
        row, d = s[j * columns:(j + 1) * columns], gp[j * columns:(j + 1) * columns]
        for i in range(len(row)):
            row[i] = exp(row[i] - log_sums[i])
            d[i] = row[i] * (d[i] - delta[i])


@jit
def backward(start, stop, grad, q, k, v, mask, starts, scale, delta, log_sums, gq, gk, gv, places, steps, g):
    """Items are heads of k and v, whose gradients are summed over blocks of queries, and heads that share them."""
    zero = q.dtype.type(0)
    rows, lanes = np.empty(BLOCK * g.features, q.dtype), np.empty(BLOCK * g.features, q.dtype)
    g_rows, g_lanes = np.empty(BLOCK * g.value_features, q.dtype), np.empty(BLOCK * g.value_features, q.dtype)
    s, gp, sums = np.empty(BLOCK * BLOCK, q.dtype), np.empty(BLOCK * BLOCK, q.dtype), np.empty(BLOCK * g.features, q.dtype)
    block_delta, block_sums = np.empty(BLOCK, q.dtype), np.empty(BLOCK, q.dtype)
    for item in range(start, stop):
        for head in range(item * g.shared, (item + 1) * g.shared):
            for query in range(0, g.queries, BLOCK):
                count = min(BLOCK, g.queries - query)
                columns = -(-count // L) * L
                _pack(q, starts[0, head] + query * g.q_row, g.q_row, count, columns, g.features, scale, rows, lanes)
                _pack(grad, starts[4, head] + query * steps[0], steps[0], count, columns, g.value_features,
                      q.dtype.type(1), g_rows, g_lanes)
                fill(sums, zero)
                fill(block_delta, zero)
                fill(block_sums, zero)
                for i in range(count):
                    block_delta[i] = delta[head * g.queries + query + i]
                    block_sums[i] = log_sums[head * g.queries + query + i]
                seen = _seen_keys(query, count, g)
                for key in range(0, seen, BLOCK):
                    keys = min(BLOCK, seen - key)
                    _scores(k, starts[1, head], key, keys, lanes, query, columns, mask, starts[3, head], s, g)
                    multiply_add(v[starts[2, head] + key * g.v_row:], g.v_row, 1, g_lanes, columns, gp, columns,
                                 keys, columns, g.value_features, True)
                    _probabilities(s, gp, keys, count, columns, block_sums, block_delta)
                    multiply_add(s, columns, 1, g_rows, g.value_features, gv[places[2, item] + key * steps[3]:],
                                 steps[3], keys, g.value_features, count, False)
                    multiply_add(gp, columns, 1, rows, g.features, gk[places[1, item] + key * steps[2]:], steps[2],
                                 keys, g.features, count, False)
                    multiply_add(gp, 1, columns, k[starts[1, head] + key * g.k_row:], g.k_row, sums, g.features,
                                 count, g.features, keys, False)
                for i in range(count):
                    place = places[0, head] + (query + i) * steps[1]
                    target, source = gq[place:place + g.features], sums[i * g.features:(i + 1) * g.features]
                    for d in range(len(target)):
                        target[d] = scale * source[d]
