"""Cross entropy of logits with class indices: log-softmax and negative log-likelihood in one pass."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.cross_entropy_loops import backward_columns, backward_rows, forward_columns, forward_rows
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.softmax_passes import rows_together

_TILE = 128 * 1024              # logits of a tile, which are read twice: half of a second-level cache
_COLUMNS = 64, 1024             # of a tile, at least and at most

_REDUCTIONS = ("none", "mean", "sum")


@kernel
def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """Negative log-likelihood of classes under softmax(x).

    With p = softmax(x[n]), t = target[n], w = weight and ε = label_smoothing,

        loss[n] = -(1 - ε)·w_t·log p_t - ε/C·Σ_c w_c·log p_c        (0 where t = ignore_index)

    reduction: "none" gives loss, "sum" its sum, "mean" the sum divided by Σ_n w_t over the rows that count.

    Parameters
    ----------
    x : [N, C] or [N, C, L] logits, floating
    target : [N] or [N, L] class indices, integer
    weight : [C] of x's dtype, or None for ones

    Returns
    -------
    loss : of target's shape or [], of x's dtype
    statistics : [N, 2] or [N, 2, L], the largest logit m and log Σ_c exp(x_c - m), for the backward pass; anything where
        the target is ignored
    total : [], Σ_n w_t

    C. Szegedy et al., *Rethinking the Inception Architecture for Computer Vision* (2016), for the smoothing.
    """
    target = _check(x, target, weight, reduction)
    counts = _counts(target, x.shape[1], ignore_index)
    largest = x.max(1, keepdims=True, initial=-np.inf)      # of no class, too
    log_p = x - largest
    log_total = np.log(np.exp(log_p).sum(1, keepdims=True))
    log_p -= log_total
    weight = _weights(x, weight)
    t = np.where(counts, target, 0)
    losses = -weight[t] * np.take_along_axis(log_p, t[:, None], 1)[:, 0]
    if label_smoothing:
        spread = (weight.reshape(-1, *(1,) * (x.ndim - 2)) * log_p).sum(1)
        losses = ((1 - label_smoothing) * losses - label_smoothing / x.shape[1] * spread).astype(x.dtype)
    losses = np.where(counts, losses, x.dtype.type(0))
    return _reduce(losses, np.where(counts, weight[t], 0), reduction, np.concatenate([largest, log_total], 1))


@kernel
def cross_entropy_backward(g, x, target, statistics, total, weight=None, ignore_index=-100, reduction="mean",
                           label_smoothing=0.0):
    """The gradient of cross_entropy to x, from what its forward pass returned.

    gx[n, c] = scale_n·((1 - ε)·w_t·(p_c - [c = t]) + ε/C·(p_c·Σ_k w_k - w_c))

    where scale_n is g[n] ("none"), g ("sum"), or g / Σ_n w_t ("mean"), and 0 where t = ignore_index.

    Parameters
    ----------
    g : of the loss's shape
    """
    target = _check(x, target, weight, reduction)
    counts = _counts(target, x.shape[1], ignore_index)
    scale = np.where(counts, _scale(g, x, target, statistics, total, reduction), 0)[:, None]
    weight = _weights(x, weight)
    t = np.where(counts, target, 0)[:, None]
    sharp, smooth = (1 - label_smoothing) * weight[t], label_smoothing / max(x.shape[1], 1)
    gx = np.exp(x - statistics[:, :1] - statistics[:, 1:]) * (sharp + smooth * weight.sum())
    gx -= smooth * weight.reshape(-1, *(1,) * (x.ndim - 2))
    np.put_along_axis(gx, t, np.take_along_axis(gx, t, 1) - sharp, 1)
    return np.where(counts[:, None], gx * scale, 0).astype(x.dtype)


def _check(x, target, weight, reduction):
    """The targets as int64, after all arguments but their values are found to be right."""
    if x.ndim not in (2, 3) or target.shape != x.shape[:1] + x.shape[2:]:
        raise ValueError(f"cross_entropy: expected logits [N, C] and targets [N], or [N, C, L] and [N, L], got shapes "
                         f"{x.shape} and {target.shape}")
    if target.dtype.kind not in "iu":
        raise RuntimeError(f"cross_entropy: expected targets of an integer dtype, got {target.dtype}")
    if reduction not in _REDUCTIONS:
        raise ValueError(f"cross_entropy: {reduction!r} is not a valid value for reduction; expected one of "
                         f"{', '.join(_REDUCTIONS)}")
    if weight is not None and (weight.shape != x.shape[1:2] or weight.dtype != x.dtype):
        raise RuntimeError(f"cross_entropy: expected a weight of shape {x.shape[1:2]} and dtype {x.dtype}, "
                           f"got {weight.shape} and {weight.dtype}")
    if x.shape[1] == 0 and target.size:
        raise RuntimeError(f"cross_entropy: expected at least one class, got logits of shape {x.shape}")
    return target.astype(np.int64, copy=False)


def _counts(target, classes, ignore_index):
    """Where targets are not ignored; they must be classes there."""
    counts = target != ignore_index
    wrong = ((target < 0) | (target >= classes)) & counts
    if wrong.any():
        raise _out_of_bounds(target[wrong][0], classes)
    return counts


def _out_of_bounds(t, classes):
    return IndexError(f"Target {t} is out of bounds: there are {classes} classes")


def _weights(x, weight):
    return np.ones(x.shape[1], x.dtype) if weight is None else weight


def _reduce(losses, weights, reduction, statistics):
    total = weights.sum(dtype=losses.dtype, keepdims=True).reshape(())
    if reduction == "none":
        return losses, statistics, total
    loss = losses.sum(keepdims=True).reshape(())
    if reduction == "mean":
        with np.errstate(invalid="ignore", divide="ignore"):        # no row counts: 0/0, NaN as in torch
            loss = np.true_divide(loss, total, out=loss)
    return loss, statistics, total


def _scale(g, x, target, statistics, total, reduction):
    """What multiplies the gradients: of target's shape ("none") or []."""
    expected = (x.shape[0], 2, *x.shape[2:])
    if statistics.shape != expected or total.shape or g.shape != (target.shape if reduction == "none" else ()):
        raise RuntimeError(f"cross_entropy_backward: g of shape {g.shape} and statistics of shape "
                           f"{statistics.shape} do not belong to logits of shape {x.shape} with "
                           f"reduction={reduction!r}")
    if reduction != "mean":
        return g
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(g / total)


def _run(rows, columns, x, target, weight, ignore_index, smoothing, *arrays):
    bad = np.full(1, ignore_index, np.int64)
    weight = dense(_weights(x, weight))
    rest = dense(target), weight, int(ignore_index), x.dtype.type(smoothing), *arrays
    if target.size and x.ndim == 2:
        parallel_for(rows, len(x), 2 * x.shape[1], rows_together(x.shape[1]), dense(x).reshape(-1), *rest, bad)
    elif target.size:
        wide = min(max(_TILE // x.shape[1], _COLUMNS[0]), _COLUMNS[1])
        parallel_for(columns, len(x) * -(-x.shape[2] // wide), 2 * x.shape[1] * min(x.shape[2], wide), wide, dense(x),
                     *rest, bad)
    if bad[0] != ignore_index:
        raise _out_of_bounds(bad[0], x.shape[1])


@cross_entropy.cpu
def _cross_entropy_cpu(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    target = _check(x, target, weight, reduction)
    if not compilable(x, *(() if weight is None else (weight,))):
        return NotImplemented
    losses, weights = np.empty((2, *target.shape), x.dtype)
    statistics = np.empty((x.shape[0], 2, *x.shape[2:]), x.dtype)
    _run(forward_rows, forward_columns, x, target, weight, ignore_index, label_smoothing, losses, weights, statistics)
    return _reduce(losses, weights, reduction, statistics)


@cross_entropy_backward.cpu
def _cross_entropy_backward_cpu(g, x, target, statistics, total, weight=None, ignore_index=-100, reduction="mean",
                                label_smoothing=0.0):
    target = _check(x, target, weight, reduction)
    scale = _scale(g, x, target, statistics, total, reduction)
    if not compilable(x, statistics, scale, *(() if weight is None else (weight,))):
        return NotImplemented
    gx = np.empty(x.shape, x.dtype)
    _run(backward_rows, backward_columns, x, target, weight, ignore_index, label_smoothing, dense(statistics),
         dense(scale).reshape(-1), gx.reshape(-1) if x.ndim == 2 else gx)
    return gx
