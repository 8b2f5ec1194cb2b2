"""Gated recurrent units: all steps of one direction of a layer, and backpropagation through them."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.blas import matmul
from scratchnet.kernels.jit import jit
from scratchnet.kernels.recurrent import (
    InputGradient,
    InputShare,
    Product,
    add_product,
    check,
    flat,
    padded,
    row_before,
    run,
    steps,
    turn,
)
from scratchnet.kernels.recurrent_lstm import logistic, sigmoid_gate_row
from scratchnet.kernels.registry import compilable, kernel
from scratchnet.kernels.vector_loops import add, copy
from scratchnet.kernels.vector_math import like, sigmoid, tanh


@kernel
def gru_forward(x, w_ih, w_hh, b_ih, b_hh, h, batch_sizes, reverse=False):
    """r, u = σ(z + v),  n = tanh(z_n + r·v_n),  h_t = n + u·(h_{t-1} - n),  where z_t = W_ih x_t + b_ih and
    v_t = W_hh h_{t-1} + b_hh, for all steps.

    K. Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation*
    (2014), with the reset gate behind the product, as in cuDNN.

    Parameters
    ----------
    x : [S, I];  w_ih : [3H, I];  w_hh : [3H, H];  b_ih, b_hh : [3H] or None
    h : [N, H], the initial state
    batch_sizes : [T], the number of sequences at every step, S in all

    Returns
    -------
    y : [S, H], every h_t;  h : [N, H], the last one of every sequence
    gates : [S, 3H], every r, u, n;  candidates : [S, H], every v_n
    """
    check("gru_forward", batch_sizes, len(x), h, 3, w_ih, w_hh, x, (b_ih, b_hh))
    gates, h = x @ w_ih.T + (0 if b_ih is None else b_ih), h.copy()
    y, candidates = (np.empty_like(gates, shape=(len(x), h.shape[1])) for _ in range(2))
    for rows in steps(batch_sizes, reverse):
        n = rows.stop - rows.start
        v = h[:n] @ w_hh.T + (0 if b_hh is None else b_hh)
        (z_r, z_u, z_n), (v_r, v_u, v_n) = np.split(gates[rows], 3, 1), np.split(v, 3, 1)
        r, u = logistic(z_r + v_r), logistic(z_u + v_u)
        new = np.tanh(z_n + r * v_n)
        h[:n] = new + u * (h[:n] - new)
        gates[rows], candidates[rows], y[rows] = np.concatenate([r, u, new], 1), v_n, h[:n]
    return y, h, gates, candidates


@kernel
def gru_backward(gy, gh, gates, candidates, y, h, w_ih, w_hh, batch_sizes, reverse=False, need_x=True):
    """The gradient of `gru_forward`, by backpropagation through time; to the weights it is a product with gz and gv.

    With gh_t summed over what reads h_t:  gz_u = gh·(h_{t-1} - n)·u(1 - u),  gz_n = gh·(1 - u)·(1 - n²),
    gv_n = gz_n·r,  gz_r = gz_n·v_n·r(1 - r),  gh_{t-1} = gh·u + W_hhᵀ (gz_r, gz_u, gv_n),  gx_t = W_ihᵀ gz

    Parameters
    ----------
    gy : [S, H], the gradient to every h_t;  gh : [N, H], that to the last one besides
    gates : [S, 3H], r, u, n;  candidates : [S, H], v_n;  y : [S, H], h_t;  h : [N, H], the initial state

    Returns
    -------
    gz : [S, 3H];  gv_n : [S, H];  gx : [S, I], None without need_x;  gh : [N, H], to the initial state
    """
    _check_backward(gy, gh, gates, candidates, y, h, w_ih, w_hh, batch_sizes)
    gz, gv, gh, size = np.empty_like(gates), np.empty_like(y), gh.copy(), h.shape[1]
    order = steps(batch_sizes, reverse)
    for rows, before in zip(order[::-1], [*order[-2::-1], slice(0, 0)]):
        n = rows.stop - rows.start
        r, u, new = np.split(gates[rows], 3, 1)
        g = gh[:n] + gy[rows]
        earlier = np.concatenate([y[before], h[before.stop - before.start:]])[:n]
        gz_n = g * (1 - u) * (1 - new * new)
        gz[rows] = np.concatenate([gz_n * candidates[rows] * r * (1 - r), g * (earlier - new) * u * (1 - u), gz_n], 1)
        gv[rows] = gz_n * r
        gh[:n] = g * u + gz[rows][:, :2 * size] @ w_hh[:2 * size] + gv[rows] @ w_hh[2 * size:]
    return gz, gv, gz @ w_ih if need_x else None, gh


def _check_backward(gy, gh, gates, candidates, y, h, w_ih, w_hh, batch_sizes):
    check("gru_backward", batch_sizes, len(gates), gh, 3, w_ih, w_hh, gy=(gy, 1), gates=(gates, 3),
          candidates=(candidates, 1), y=(y, 1), h=(h, 0))


@jit
def _sigmoid_of_sum_row(y, z, v):
    for j in range(len(y)):
        y[j] = sigmoid(z[j] + v[j])


@jit
def _new_row(n, z, r, v):
    for j in range(len(n)):
        n[j] = tanh(z[j] + r[j] * v[j])


@jit
def _state_row(h, u, n):
    for j in range(len(h)):
        h[j] = n[j] + u[j] * (h[j] - n[j])


@jit
def _update_gate_row(gz, g, earlier, u, n):
    for j in range(len(gz)):
        gz[j] = g[j] * (earlier[j] - n[j]) * u[j] * (like(1, u[j]) - u[j])


@jit
def _new_row_backward(gz, g, u, n):
    for j in range(len(gz)):
        one = like(1, u[j])
        gz[j] = g[j] * (one - u[j]) * (one - n[j] * n[j])


@jit
def _product_row(target, a, b):
    for j in range(len(target)):
        target[j] = a[j] * b[j]


@jit
def _row(gates, z, v, y, candidate, h):
    size = len(y)
    _sigmoid_of_sum_row(gates[:2 * size], z, v)
    _new_row(gates[2 * size:], z[2 * size:], gates, v[2 * size:])
    _state_row(h, gates[size:], gates[2 * size:])
    copy(candidate, v[2 * size:])
    copy(y, h)


@jit
def _row_backward(gz, gv, gates, gy, gh, candidate, earlier):
    """`gh` becomes gh·u; `gv` is (gz_r, gz_u, gv_n)."""
    size = len(gy)
    r, u, n = gates[:size], gates[size:2 * size], gates[2 * size:]
    add(gh, gy)
    _new_row_backward(gz[2 * size:], gh, u, n)
    _update_gate_row(gz[size:2 * size], gh, earlier, u, n)
    sigmoid_gate_row(gz[:size], gz[2 * size:], candidate, r)
    copy(gv[:2 * size], gz)
    _product_row(gv[2 * size:], gz[2 * size:], r)
    _product_row(gh, gh, u)


@jit
def _forward_loop(start, stop, walk, x, features, inputs, first_z, first_z_row, first_v, first_v_row, recurrent, size,
                  z, v, gates, y, candidates, h):
    columns = recurrent[1]
    for share in range(start, stop):
        for i in range(len(walk[2])):
            low, rows, first, _ = turn(share, i, walk, False)
            if rows <= 0:
                continue
            for r in range(rows):
                at, end = (low + r) * columns, (low + r) * columns + 3 * size
                copy(z[at:end], first_z[(first + r) * first_z_row:])
                copy(v[at:end], first_v[(first + r) * first_v_row:])
            add_product(x, first * features, features, z, low * columns, rows, inputs)
            add_product(h, low * size, size, v, low * columns, rows, recurrent)
            for r in range(rows):
                at, state = (first + r) * size, (low + r) * size
                _row(gates[3 * at:3 * (at + size)], z[(low + r) * columns:], v[(low + r) * columns:], y[at:at + size],
                     candidates[at:at + size], h[state:state + size])


@jit
def _backward_loop(start, stop, walk, gy, gates, candidates, y, h, recurrent, size, gz, gv, gv_rows, gh, inputs, gx):
    columns = recurrent[1]
    for share in range(start, stop):
        for i in range(len(walk[2])):
            low, rows, first, t = turn(share, i, walk, True)
            if rows <= 0:
                continue
            for r in range(rows):
                at, state, before = (first + r) * size, (low + r) * size, row_before(t, low + r, walk)
                earlier = y[before * size:(before + 1) * size] if before >= 0 else h[state:state + size]
                gv_row = gv_rows[3 * state:3 * (state + size)]
                _row_backward(gz[3 * at:3 * (at + size)], gv_row, gates[3 * at:3 * (at + size)], gy[at:at + size],
                              gh[(low + r) * columns:(low + r) * columns + size], candidates[at:at + size], earlier)
                copy(gv[at:at + size], gv_row[2 * size:])
            add_product(gv_rows, 3 * low * size, 3 * size, gh, low * columns, rows, recurrent)
            add_product(gz, 3 * first * size, 3 * size, gx, first * inputs[1], rows, inputs)


@gru_forward.cpu
def _forward_cpu(x, w_ih, w_hh, b_ih, b_hh, h, batch_sizes, reverse=False):
    check("gru_forward", batch_sizes, len(x), h, 3, w_ih, w_hh, x, (b_ih, b_hh))
    if not compilable(x, w_ih, w_hh, h, *(b for b in (b_ih, b_hh) if b is not None)):
        return NotImplemented
    (batch, size), once = h.shape, len(batch_sizes) == 1
    recurrent, inputs = Product(w_hh.T, len(batch_sizes), batch), InputShare(x, w_ih, b_ih, batch_sizes, batch)
    first_v = matmul(h[:len(x)], w_hh.T) if once else np.zeros((1, 3 * size), x.dtype)
    if b_hh is not None:
        first_v += b_hh
    y, candidates, gates = (np.empty((len(x), k * size), x.dtype) for k in (1, 1, 3))
    h = np.array(h, order="C")
    run(_forward_loop, batch_sizes, reverse, batch, recurrent.work, *inputs.arguments, first_v.reshape(-1),
        3 * size if once else 0, recurrent.plan, size,
        *(a.reshape(-1) for a in (recurrent.rows(batch), recurrent.rows(batch), gates, y, candidates, h)))
    return y, h, gates, candidates


@gru_backward.cpu
def _backward_cpu(gy, gh, gates, candidates, y, h, w_ih, w_hh, batch_sizes, reverse=False, need_x=True):
    _check_backward(gy, gh, gates, candidates, y, h, w_ih, w_hh, batch_sizes)
    if not compilable(gates, gy, gh, candidates, y, h, w_ih, w_hh):
        return NotImplemented
    (batch, size), once = gh.shape, len(batch_sizes) == 1
    recurrent = Product(w_hh, len(batch_sizes))
    gz, gv, gv_rows = (np.empty(s, gates.dtype) for s in (gates.shape, y.shape, (batch, 3 * size)))
    wide_gh, inputs = padded(gh, recurrent.columns), InputGradient(gz, w_ih, need_x, batch_sizes, batch)
    run(_backward_loop, batch_sizes, reverse, batch, recurrent.work, *map(flat, (gy, gates, candidates, y, h)),
        recurrent.plan, size, *(a.reshape(-1) for a in (gz, gv, gv_rows, wide_gh)), *inputs.arguments)
    gh = wide_gh[:, :size].copy()
    if once:
        gh[:len(gz)] += matmul(gv_rows[:len(gz)], w_hh)
    return gz, gv, inputs.result(), gh
