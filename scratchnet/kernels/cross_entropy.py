"""Cross entropy of logits with class indices: log-softmax and negative log-likelihood in one pass."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import fill, jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.softmax import _LONG_ROW, _row_statistics

_REDUCTIONS = ("none", "mean", "sum")


@kernel
def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """Negative log-likelihood of classes under softmax(x).

    With p = softmax(x[n]), t = target[n], w = weight and ε = label_smoothing,

        loss[n] = -(1 - ε)·w_t·log p_t - ε/C·Σ_c w_c·log p_c        (0 where t = ignore_index)

    reduction: "none" gives loss, "sum" its sum, "mean" the sum divided by Σ_n w_t over the rows that count.

    Parameters
    ----------
    x : [N, C] logits, floating
    target : [N] class indices, integer
    weight : [C] of x's dtype, or None for ones

    Returns
    -------
    loss : [N] or [], of x's dtype
    statistics : [N, 2], the largest logit m of each row and log Σ_c exp(x_c - m), for the backward pass

    C. Szegedy et al., *Rethinking the Inception Architecture for Computer Vision* (2016), for the smoothing.
    """
    target = _check(x, target, weight, ignore_index, reduction)
    losses, statistics = np.empty(len(x), x.dtype), np.empty((len(x), 2), x.dtype)
    _forward_rows(
        0, len(x), x, target, _weights(x, weight), ignore_index, label_smoothing, losses, statistics)
    return _reduce(losses, target, weight, ignore_index, reduction), statistics


@kernel
def cross_entropy_backward(g, x, target, statistics, weight=None, ignore_index=-100, reduction="mean",
                           label_smoothing=0.0):
    """The gradient of cross_entropy to x, from what its forward pass returned.

    gx[n, c] = scale_n·((1 - ε)·w_t·(p_c - [c = t]) + ε/C·(p_c·Σ_k w_k - w_c))

    where scale_n is g[n] ("none"), g ("sum"), or g / Σ_n w_t ("mean"), and 0 where t = ignore_index.

    Parameters
    ----------
    g : [N] or []
    """
    target = _check(x, target, weight, ignore_index, reduction)
    gx = np.empty(x.shape, x.dtype)
    scale = _scales(g, x, target, statistics, weight, ignore_index, reduction)
    _backward_rows(
        0, len(x), x, target, _weights(x, weight), ignore_index, label_smoothing, statistics, scale, gx)
    return gx


def _check(x, target, weight, ignore_index, reduction):
    """The targets as int64, after all arguments are found to be right."""
    if x.ndim != 2 or target.shape != x.shape[:1]:
        raise ValueError(f"cross_entropy: expected logits [N, C] and targets [N], got shapes {x.shape} "
                         f"and {target.shape}")
    if target.dtype.kind not in "iu":
        raise RuntimeError(f"cross_entropy: expected targets of an integer dtype, got {target.dtype}")
    if reduction not in _REDUCTIONS:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if weight is not None and (weight.shape != x.shape[1:] or weight.dtype != x.dtype):
        raise RuntimeError(f"cross_entropy: expected a weight of shape {x.shape[1:]} and dtype {x.dtype}, "
                           f"got {weight.shape} and {weight.dtype}")
    if x.shape[1] == 0 and len(x):
        raise RuntimeError("cross_entropy: expected at least one class, got logits of shape " + str(x.shape))
    target = target.astype(np.int64, copy=False)
    if target.size and not 0 <= target.min() <= target.max() < x.shape[1]:
        wrong = ((target < 0) | (target >= x.shape[1])) & (target != ignore_index)
        if wrong.any():
            raise IndexError(f"Target {target[wrong][0]} is out of bounds.")
    return target


def _weights(x, weight):
    return np.ones(x.shape[1], x.dtype) if weight is None else weight


def _total_weight(target, weight, ignore_index):
    counts = target != ignore_index
    return np.count_nonzero(counts) if weight is None else weight[target[counts]].sum()


def _reduce(losses, target, weight, ignore_index, reduction):
    if reduction == "none":
        return losses
    total = losses.sum(keepdims=True).reshape(())
    if reduction == "mean":
        with np.errstate(invalid="ignore"):         # no row counts: 0/0, NaN as in torch
            total = np.asarray(total / np.asarray(_total_weight(target, weight, ignore_index), losses.dtype))
    return total


def _scales(g, x, target, statistics, weight, ignore_index, reduction):
    """What multiplies each row's gradient, [N]."""
    if statistics.shape != (len(x), 2) or g.shape != (x.shape[:1] if reduction == "none" else ()):
        raise RuntimeError(f"cross_entropy_backward: g of shape {g.shape} and statistics of shape "
                           f"{statistics.shape} do not belong to logits of shape {x.shape} with "
                           f"reduction={reduction!r}")
    if reduction == "mean":
        with np.errstate(divide="ignore", invalid="ignore"):
            g = g / np.asarray(_total_weight(target, weight, ignore_index), x.dtype)
    return np.where(target == ignore_index, 0, g).astype(x.dtype)


@np.errstate(all="ignore")
def _forward_rows(start, stop, x, target, weight, ignore_index, smoothing, losses, statistics):
    """losses and statistics of rows start … stop."""
    x, target, losses = x[start:stop], target[start:stop], losses[start:stop]
    largest = x.max(1, keepdims=True)
    log_p = x - largest
    log_total = np.log(np.exp(log_p).sum(1, keepdims=True))
    log_p -= log_total
    statistics[start:stop] = np.concatenate([largest, log_total], 1)
    counts = target != ignore_index
    t = np.where(counts, target, 0)
    losses[:] = -weight[t] * log_p[np.arange(len(t)), t]
    if smoothing:
        losses *= 1 - smoothing
        losses -= smoothing / x.shape[1] * (weight * log_p).sum(1)
    losses[~counts] = 0


@np.errstate(all="ignore")
def _backward_rows(start, stop, x, target, weight, ignore_index, smoothing, statistics, scale, gx):
    x, target, scale, gx = x[start:stop], target[start:stop], scale[start:stop], gx[start:stop]
    np.exp(x - statistics[start:stop, :1] - statistics[start:stop, 1:], out=gx)
    counts = target != ignore_index
    t, row = np.where(counts, target, 0), np.arange(len(target))
    sharp, smooth = (1 - smoothing) * weight[t], smoothing / x.shape[1]
    gx *= (sharp + smooth * weight.sum())[:, None]
    gx[row, t] -= sharp
    if smoothing:
        gx -= smooth * weight
    gx *= scale[:, None]
    gx[~counts] = 0


@jit
def _forward_loop(start, stop, x, target, weight, ignore_index, smoothing, losses, statistics):
    classes = x.shape[1]
    for n in range(start, stop):
        largest, log_total = _row_statistics(x, n)
        statistics[n, 0], statistics[n, 1] = largest, log_total
        t = target[n]
        if t == ignore_index:
            losses[n] = 0
            continue
        loss = weight[t] * (log_total - (x[n, t] - largest))
        if smoothing != 0:
            spread = x.dtype.type(0)
            for c in range(classes):
                spread += weight[c] * (log_total - (x[n, c] - largest))
            loss = (1 - smoothing) * loss + smoothing / classes * spread
        losses[n] = loss


@jit
def _backward_loop(start, stop, x, target, weight, ignore_index, smoothing, statistics, scale, gx):
    classes, total = x.shape[1], x.dtype.type(0)
    for c in range(classes):
        total += weight[c]
    for n in range(start, stop):
        t = target[n]
        if t == ignore_index:
            fill(gx[n], 0)
            continue
        sharp, smooth = (1 - smoothing) * weight[t], smoothing / classes
        for c in range(classes):
            p = math.exp(x[n, c] - statistics[n, 0] - statistics[n, 1])
            gx[n, c] = p * (sharp + smooth * total) - smooth * weight[c]
        gx[n, t] -= sharp
        for c in range(classes):
            gx[n, c] *= scale[n]


@cross_entropy.cpu
def _cross_entropy_cpu(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    target = _check(x, target, weight, ignore_index, reduction)
    if not compilable(x, *(() if weight is None else (weight,))):
        return NotImplemented
    losses, statistics = np.empty(len(x), x.dtype), np.empty((len(x), 2), x.dtype)
    loop = _forward_loop if x.shape[1] < _LONG_ROW else _forward_rows
    parallel_for(loop, len(x), 10 * x.shape[1],
                 dense(x), dense(target), dense(_weights(x, weight)), ignore_index,
                 x.dtype.type(label_smoothing), losses, statistics)
    return _reduce(losses, target, weight, ignore_index, reduction), statistics


@cross_entropy_backward.cpu
def _cross_entropy_backward_cpu(g, x, target, statistics, weight=None, ignore_index=-100, reduction="mean",
                                label_smoothing=0.0):
    target = _check(x, target, weight, ignore_index, reduction)
    if not compilable(x, statistics, *(() if weight is None else (weight,))):
        return NotImplemented
    gx = np.empty(x.shape, x.dtype)
    scale = _scales(g, x, target, statistics, weight, ignore_index, reduction)
    loop = _backward_loop if x.shape[1] < _LONG_ROW else _backward_rows
    parallel_for(loop, len(x), 10 * x.shape[1],
                 dense(x), dense(target), dense(_weights(x, weight)), ignore_index,
                 x.dtype.type(label_smoothing), dense(statistics), scale, gx)
    return gx
