"""Scaled dot-product attention in blocks: the matrix of scores, one number for every pair of a query and a key,
never exists as a whole.

A softmax over a row can be taken piece by piece.  With the largest score m so far, the sum l of exp(s - m) and
the sum o of exp(s - m)·v, a further block of scores, whose largest makes m' of m, changes them to

    l' = l·exp(m - m') + Σ exp(s - m')          o' = o·exp(m - m') + Σ exp(s - m')·v

and at the end y = o / l.  The gradient computes the scores again, from m + log l, which is kept of each row.

M. Milakov and N. Gimelshein, *Online normalizer calculation for softmax* (2018); M. Rabe and C. Staats,
*Self-attention Does Not Need O(n²) Memory* (2021); T. Dao et al., *FlashAttention: Fast and Memory-Efficient
Exact Attention with IO-Awareness* (2022).

Arrays are q [B, H, L, E], k [B, G, S, E], v [B, G, S, F], where G divides H: H/G heads in turn share a head of k
and v (J. Ainslie et al., *GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints*,
2023).
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels import attention_loops as loops
from scratchnet.kernels.matrix_tile import with_tile
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, kernel
from scratchnet.kernels.tile import lanes


@kernel
def attention(q, k, v, mask=None, causal=False, scale=1.0):
    """y = softmax(scale·q kᵀ + mask) v, over the keys.  A row whose keys are all hidden is 0.

    Parameters
    ----------
    q : [B, H, L, E]
    k, v : [B, G, S, E], [B, G, S, F]
    mask : what is added to the scores, of q's dtype, in a shape that broadcasts to [B, H, L, S]; -inf hides a key
    causal : query i sees keys 0 ... i only

    Returns
    -------
    y : [B, H, L, F]
    log_sums : [B, H, L], log Σ exp(score) of each row
    """
    _check("attention", q, k, v, mask)
    scores = _scores(q, k, mask, causal, scale)
    largest = scores.max(-1, keepdims=True, initial=-np.inf)
    largest[largest == -np.inf] = 0
    e = np.exp(scores - largest)
    sums = e.sum(-1, keepdims=True)
    y = (e / np.where(sums == 0, 1, sums)) @ _repeated(v, q)
    return y, (largest + np.log(sums))[..., 0]


@kernel
def attention_backward(g, q, k, v, y, log_sums, mask=None, causal=False, scale=1.0):
    """The gradients of attention to q, k and v, from its results y and log_sums.

    With p = exp(score - log_sum) and d = p·(g vᵀ - Σ g·y):  gq = scale·d k,  gk = scale·dᵀ q,  gv = pᵀ g

    Parameters
    ----------
    g, y : [B, H, L, F]
    log_sums : [B, H, L]

    Returns
    -------
    gq, gk, gv : of the shapes of q, k, v
    """
    _check("attention_backward", q, k, v, mask)
    _check_results(g, q, v, y, log_sums)
    log_sums = np.where(log_sums == -np.inf, np.inf, log_sums)[..., None]
    p = np.exp(_scores(q, k, mask, causal, scale) - log_sums)
    d = p * (g @ _repeated(v, q).mT - (g * y).sum(-1, keepdims=True)) * q.dtype.type(scale)
    return d @ _repeated(k, q), _summed(d.mT @ q, k), _summed(p.mT @ g, v)


def _scores(q, k, mask, causal, scale):
    scores = q.dtype.type(scale) * (q @ _repeated(k, q).mT)
    if mask is not None:
        scores = scores + mask
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf).astype(q.dtype, copy=False)
    return scores


def _repeated(k, q):
    """A head of k for each head of q."""
    times = q.shape[1] // max(k.shape[1], 1)
    return k if times == 1 else np.repeat(k, times, 1)


def _summed(gradient, k):
    """The gradients of the copies `_repeated` made, together."""
    if gradient.shape[1] == k.shape[1]:
        return gradient
    return gradient.reshape(*k.shape[:2], -1, *k.shape[2:]).sum(2)


def _check(name, q, k, v, mask):
    if not q.ndim == k.ndim == v.ndim == 4:
        raise RuntimeError(f"{name}: expected q, k, v of 4 dimensions, got shapes {q.shape}, {k.shape}, {v.shape}")
    batch, heads, queries, features = q.shape
    if k.shape[0] != batch or k.shape[3] != features or v.shape[:3] != k.shape[:3]:
        raise RuntimeError(f"{name}: shapes {q.shape}, {k.shape}, {v.shape} of q, k, v do not fit")
    if heads % max(k.shape[1], 1) or (heads and not k.shape[1]):
        raise RuntimeError(f"{name}: {heads} heads of q cannot share {k.shape[1]} heads of k and v")
    if mask is not None and np.broadcast_shapes(mask.shape, (batch, heads, queries, k.shape[2])) != (
            batch, heads, queries, k.shape[2]):
        raise RuntimeError(f"{name}: mask of shape {mask.shape} does not broadcast to the scores' shape "
                           f"{(batch, heads, queries, k.shape[2])}")


def _check_results(g, q, v, y, log_sums):
    expected = (*q.shape[:3], v.shape[3])
    if g.shape != expected or y.shape != expected or log_sums.shape != q.shape[:3]:
        raise RuntimeError(f"attention_backward: expected g and y of shape {expected} and log_sums of shape "
                           f"{q.shape[:3]}, got {g.shape}, {y.shape} and {log_sums.shape}")


# ---- compiled ------------------------------------------------------------------------------------------------
class _Rows:
    """An array [B, H, rows, columns] as the loops take it: flat, with the place where each head begins and the
    step from row to row.  Any layout will do in which a row's numbers lie side by side."""

    def __init__(self, array, pad=1, any_column=False):
        missing = -array.shape[3] % pad
        if missing:
            array = np.pad(array, ((0, 0),) * 3 + ((0, missing),))
        steps = [stride // array.itemsize for stride in array.strides]
        if (not array.flags.writeable or not array.flags.aligned or min(steps) < 0
                or any(stride % array.itemsize for stride in array.strides)
                or (steps[3] != 1 and not any_column)):
            array = np.array(array, order="C", copy=True)
            steps = [stride // array.itemsize for stride in array.strides]
        span = 1 + sum((n - 1) * step for n, step in zip(array.shape, steps))
        self.array = array
        self.flat = np.lib.stride_tricks.as_strided(array, (span,), (array.itemsize,))
        self.row, self.column = steps[2], steps[3]
        self.starts = (np.arange(array.shape[0])[:, None] * steps[0] + np.arange(array.shape[1]) * steps[1]).ravel()


def _served(q, k, v, *others):
    return compilable(q, k, v, *others) and q.size > 0 and k.size > 0 and v.size > 0


def _operands(q, k, v, mask, causal):
    """The arrays as the loops take them, and their geometry."""
    batch, heads, queries, _ = q.shape
    width = lanes(q.dtype)
    q, k, v = _Rows(q, width), _Rows(k, width), _Rows(v, width)
    shared = heads // k.array.shape[1]
    masked = mask is not None
    if masked:
        mask = np.broadcast_to(np.asarray(mask), (batch, heads, queries, k.array.shape[2]))
        mask = _Rows(mask if mask.base is None else _writeable(mask), any_column=True)
    else:
        mask = _Rows(np.empty((1, 1, 1, 1), q.array.dtype))
    geometry = loops.Geometry(
        queries, k.array.shape[2], q.array.shape[3], v.array.shape[3], shared, bool(causal), masked,
        q.row, k.row, v.row, mask.row, mask.column)
    starts = np.zeros((6, batch * heads), np.int64)
    starts[0], starts[1], starts[2] = q.starts, np.repeat(k.starts, shared), np.repeat(v.starts, shared)
    if masked:
        starts[3] = mask.starts
    return q, k, v, mask, starts, geometry


def _writeable(view):
    """A broadcast view of an array that compiled loops only read, as the kind of array they are compiled for."""
    return np.lib.stride_tricks.as_strided(view, view.shape, view.strides, writeable=True)


def _heads_last(shape, dtype):
    """An empty array [B, H, L, F] that lies in memory as [B, L, H, F]: joining the heads costs nothing."""
    batch, heads, rows, columns = shape
    return np.empty((batch, rows, heads, columns), dtype).transpose(0, 2, 1, 3)


@attention.cpu
def _attention_cpu(q, k, v, mask=None, causal=False, scale=1.0):
    _check("attention", q, k, v, mask)
    if not _served(q, k, v, *(() if mask is None else (mask,))):
        return NotImplemented
    features = v.shape[3]
    rows_q, rows_k, rows_v, rows_m, starts, geometry = _operands(q, k, v, mask, causal)
    y = _Rows(_heads_last((*q.shape[:3], geometry.value_features), q.dtype))
    starts[4] = y.starts
    log_sums = np.empty(q.shape[:3], q.dtype)
    blocks = -(-q.shape[2] // loops.BLOCK)
    work = loops.BLOCK * k.shape[2] * (q.shape[3] + features) / 16
    parallel_for(with_tile(loops.forward, q.dtype), blocks * starts.shape[1], work, rows_q.flat, rows_k.flat,
                 rows_v.flat, rows_m.flat, starts, q.dtype.type(scale), y.flat, y.row, log_sums.reshape(-1), geometry)
    return y.array[..., :features], log_sums


@attention_backward.cpu
def _attention_backward_cpu(g, q, k, v, y, log_sums, mask=None, causal=False, scale=1.0):
    _check("attention_backward", q, k, v, mask)
    _check_results(g, q, v, y, log_sums)
    if not _served(q, k, v, g, y, log_sums, *(() if mask is None else (mask,))):
        return NotImplemented
    delta = np.einsum("bhlf,bhlf->bhl", g, y)
    rows_q, rows_k, rows_v, rows_m, starts, geometry = _operands(q, k, v, mask, causal)
    rows_g = _Rows(g, lanes(g.dtype))
    gq = _Rows(np.empty_like(rows_q.array))
    gk, gv = (_Rows(np.zeros_like(r.array)) for r in (rows_k, rows_v))
    starts[4] = rows_g.starts
    gradient_starts = np.zeros((3, starts.shape[1]), np.int64)
    gradient_starts[0] = gq.starts
    gradient_starts[1:, :len(gk.starts)] = gk.starts, gv.starts
    steps = np.array([rows_g.row, gq.row, gk.row, gv.row])
    log_sums = np.where(log_sums == -np.inf, np.inf, log_sums)
    work = geometry.queries * geometry.keys * geometry.shared * (q.shape[3] + v.shape[3]) / 6
    parallel_for(with_tile(loops.backward, q.dtype), starts.shape[1] // geometry.shared, work, rows_g.flat, rows_q.flat,
                 rows_k.flat, rows_v.flat, rows_m.flat, starts, q.dtype.type(scale), delta.reshape(-1),
                 log_sums.reshape(-1), gq.flat, gk.flat, gv.flat, gradient_starts, steps, geometry)
    return tuple(r.array[..., :x.shape[3]] for r, x in ((gq, q), (gk, k), (gv, v)))
