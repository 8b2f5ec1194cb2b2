"""Connectionist temporal classification: the probability of a sequence of labels, over all its alignments.

A. Graves, S. Fernández, F. Gomez and J. Schmidhuber, *Connectionist Temporal Classification: Labelling Unsegmented
Sequence Data with Recurrent Neural Networks* (2006).

The labels l₁ … l_S are written with blanks around them, z = (-, l₁, -, l₂, …, l_S, -), of length 2S + 1.  An alignment
visits positions of z: at every step it stays, goes on by one, or by two if that skips a blank between different labels.
``log_alpha[n, t, s]`` is the logarithm of the probability of all ways to be at position s after step t.
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel


def _extended(labels, blank):
    """z for padded labels [N, S], and where a step of two is allowed: [N, 2S + 1] each."""
    z = np.full((len(labels), 2 * labels.shape[1] + 1), blank, np.int64)
    z[:, 1::2] = labels
    skips = np.zeros(z.shape, np.bool_)
    skips[:, 2:] = (z[:, 2:] != blank) & (z[:, 2:] != z[:, :-2])
    return z, skips


def _check(log_probs, labels, input_lengths, label_lengths, blank):
    steps, n, classes = log_probs.shape
    fits = labels.ndim == 2 and len(labels) == n and input_lengths.shape == label_lengths.shape == (n,)
    if not fits:
        raise RuntimeError(f"ctc: expected labels [{n}, S] and {n} lengths, got shapes {labels.shape}, "
                           f"{input_lengths.shape} and {label_lengths.shape}")
    for name, values, most in (("labels", labels, classes - 1), ("blank", np.array([blank]), classes - 1),
                               ("input lengths", input_lengths, steps), ("label lengths", label_lengths, labels.shape[1])):
        if values.size and not 0 <= values.min() <= values.max() <= most:
            raise RuntimeError(f"ctc: expected {name} from 0 to {most}, got {values.min()} to {values.max()}")


def _check_backward(g, log_probs, log_alpha, loss, labels, *lengths_and_blank):
    _check(log_probs, labels, *lengths_and_blank)
    steps, n, _ = log_probs.shape
    expected = n, steps, 2 * labels.shape[1] + 1
    if log_alpha.shape != expected or g.shape != (n,) or loss.shape != (n,):
        raise RuntimeError(f"ctc_backward: expected log_alpha {expected}, and g and loss of {n} numbers, got shapes "
                           f"{log_alpha.shape}, {g.shape} and {loss.shape}")


def _sum_of_logs(a, b):
    """ln(e^a + e^b)"""
    return np.logaddexp(a, b)


def _moved(a, by):
    """a[n, s - by], and -∞ for what comes from outside."""
    result = np.full_like(a, -np.inf)
    if by > 0:
        result[:, by:] = a[:, :-by]
    else:
        result[:, :by] = a[:, -by:]
    return result


def _advance(state, skips, direction):
    """What flows into every position in one step: from itself, from the one before, and from the one before that."""
    state = [_moved(state, direction * by) if by else state for by in range(3)]
    return _sum_of_logs(_sum_of_logs(state[0], state[1]), np.where(skips, state[2], -np.inf))


@kernel
def ctc_forward(log_probs, labels, input_lengths, label_lengths, blank=0):
    """Negative log-likelihood of each sequence: -ln(α_T(2S) + α_T(2S - 1)).

    α_t(s) = p_t(z_s) · (α_{t-1}(s) + α_{t-1}(s - 1) + [a step of two is allowed] · α_{t-1}(s - 2))

    Parameters
    ----------
    log_probs : [T, N, C]
    labels : int64 [N, S], what is behind the lengths filled with any class
    input_lengths, label_lengths : int64 [N], at most T and S

    Returns
    -------
    loss : [N], ∞ where there is no alignment
    log_alpha : [N, T, 2S + 1]; -∞ behind the lengths
    """
    _check(log_probs, labels, input_lengths, label_lengths, blank)
    steps, n, _ = log_probs.shape
    z, skips = _extended(labels, blank)
    inside = np.arange(z.shape[1]) <= 2 * label_lengths[:, None]
    log_alpha = np.full((n, steps, z.shape[1]), -np.inf, log_probs.dtype)
    arriving = np.where(np.arange(z.shape[1]) < 2, log_probs.dtype.type(0), -np.inf) * np.ones((n, 1))
    for t in range(steps):
        if t:
            arriving = _advance(log_alpha[:, t - 1], skips, 1)
        here = inside & (t < input_lengths)[:, None]
        log_alpha[:, t] = np.where(here, arriving + np.take_along_axis(log_probs[t], z, 1), -np.inf)
    return _losses(log_alpha, input_lengths, label_lengths), log_alpha


def _losses(log_alpha, input_lengths, label_lengths):
    rows = np.arange(len(log_alpha))
    if not log_alpha.shape[1]:
        return np.where(label_lengths == 0, 0, np.inf).astype(log_alpha.dtype)
    last = log_alpha[rows, input_lengths - 1]
    ends = last[rows, 2 * label_lengths], np.where(label_lengths > 0, last[rows, 2 * label_lengths - 1], -np.inf)
    loss = np.where(input_lengths > 0, -_sum_of_logs(*ends), np.where(label_lengths == 0, 0, np.inf))
    return loss.astype(log_alpha.dtype)


@kernel
def ctc_backward(g, log_probs, log_alpha, loss, labels, input_lengths, label_lengths, blank=0, zero_infinity=False):
    """The gradient to the logits whose log_softmax log_probs is: g·(p_t(c) - the probability to emit c at step t).

    The latter is Σ α_t(s)·β_t(s) / p_t(c) / likelihood over the positions s with z_s = c, and β_t(s), as α_t(s) for the
    way to the end, is p_t(z_s) · (β_{t+1}(s) + β_{t+1}(s + 1) + [a step of two is allowed] · β_{t+1}(s + 2)).

    Parameters
    ----------
    g, loss : [N]
    zero_infinity : sequences without an alignment have no gradient; else theirs is NaN

    Returns
    -------
    [T, N, C]
    """
    _check_backward(g, log_probs, log_alpha, loss, labels, input_lengths, label_lengths, blank)
    steps, n, _ = log_probs.shape
    z, skips = _extended(labels, blank)
    places = np.arange(z.shape[1])
    inside = places <= 2 * label_lengths[:, None]
    ends = inside & (places >= 2 * label_lengths[:, None] - 1)
    skips = np.concatenate([skips[:, 2:], np.zeros_like(skips[:, :2])], 1)[:, : z.shape[1]]
    grad, log_beta = np.zeros_like(log_probs), np.full(z.shape, -np.inf, log_probs.dtype)
    for t in range(steps - 1, -1, -1):
        leaving = np.where((t == input_lengths - 1)[:, None], np.where(ends, 0, -np.inf), _advance(log_beta, skips, -1))
        emitted = np.take_along_axis(log_probs[t], z, 1)
        active = t < input_lengths
        log_beta = np.where(inside & active[:, None], leaving + emitted, -np.inf)
        posterior = np.zeros_like(log_probs[t])
        np.add.at(posterior, (np.arange(n)[:, None], z), np.exp(log_alpha[:, t] + leaving + loss[:, None]))
        grad[t, active] = ((np.exp(log_probs[t]) - posterior) * g[:, None])[active]
        grad[t, active & np.isinf(loss)] = 0 if zero_infinity else np.nan
    return grad


@jit
def _add(a, b):
    most = max(a, b)
    return most if most == -math.inf else most + math.log1p(math.exp(-abs(a - b)))


@jit
def _forward_loop(start, stop, log_probs, z, skips, input_lengths, label_lengths, log_alpha):
    for n in range(start, stop):
        for t in range(input_lengths[n]):
            for s in range(2 * label_lengths[n] + 1):
                if t == 0:
                    arriving = 0.0 if s < 2 else -math.inf
                else:
                    arriving = float(log_alpha[n, t - 1, s])
                    if s > 0:
                        arriving = _add(arriving, float(log_alpha[n, t - 1, s - 1]))
                    if skips[n, s]:
                        arriving = _add(arriving, float(log_alpha[n, t - 1, s - 2]))
                log_alpha[n, t, s] = arriving + log_probs[t, n, z[n, s]]


@jit
def _backward_loop(start, stop, g, log_probs, log_alpha, loss, z, skips, input_lengths, label_lengths, log_beta, grad):
    """log_beta [N, 2, 2S + 1], for the step and the one after it; grad [T, N, C] of zeros."""
    for n in range(start, stop):
        size = 2 * label_lengths[n] + 1
        for t in range(input_lengths[n] - 1, -1, -1):
            now, after = t % 2, (t + 1) % 2
            for s in range(size):
                if t == input_lengths[n] - 1:
                    leaving = 0.0 if s >= size - 2 else -math.inf
                else:
                    leaving = float(log_beta[n, after, s])
                    if s + 1 < size:
                        leaving = _add(leaving, float(log_beta[n, after, s + 1]))
                    if s + 2 < size and skips[n, s + 2]:
                        leaving = _add(leaving, float(log_beta[n, after, s + 2]))
                log_beta[n, now, s] = leaving + log_probs[t, n, z[n, s]]
                grad[t, n, z[n, s]] += math.exp(log_alpha[n, t, s] + leaving + loss[n])
            for c in range(log_probs.shape[2]):
                grad[t, n, c] = g[n] * (math.exp(log_probs[t, n, c]) - grad[t, n, c])


_WORK = 30.0            # of a position at a step: two logarithms and three exponentials


@ctc_forward.cpu
def _forward_cpu(log_probs, labels, input_lengths, label_lengths, blank=0):
    _check(log_probs, labels, input_lengths, label_lengths, blank)
    if not compilable(log_probs):
        return NotImplemented
    steps, n, _ = log_probs.shape
    z, skips = _extended(labels, blank)
    log_alpha = np.full((n, steps, z.shape[1]), -np.inf, log_probs.dtype)
    parallel_for(_forward_loop, n, steps * z.shape[1] * _WORK, dense(log_probs), z, skips,
                 dense(input_lengths), dense(label_lengths), log_alpha)
    return _losses(log_alpha, input_lengths, label_lengths), log_alpha


@ctc_backward.cpu
def _backward_cpu(g, log_probs, log_alpha, loss, labels, input_lengths, label_lengths, blank=0, zero_infinity=False):
    _check_backward(g, log_probs, log_alpha, loss, labels, input_lengths, label_lengths, blank)
    if not compilable(log_probs, g, log_alpha, loss):
        return NotImplemented
    steps, n, _ = log_probs.shape
    z, skips = _extended(labels, blank)
    grad, log_beta = np.zeros(log_probs.shape, log_probs.dtype), np.empty((n, 2, z.shape[1]), log_probs.dtype)
    parallel_for(_backward_loop, n, steps * z.shape[1] * _WORK, dense(g), dense(log_probs), dense(log_alpha), dense(loss),
                 z, skips, dense(input_lengths), dense(label_lengths), log_beta, grad)
    for i in np.flatnonzero(np.isinf(loss)):
        grad[: input_lengths[i], i] = 0 if zero_infinity else np.nan
    return grad
