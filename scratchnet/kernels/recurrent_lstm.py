"""Long short-term memory: all steps of one direction of a layer, and backpropagation through them."""

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
from scratchnet.kernels.registry import compilable, kernel
from scratchnet.kernels.vector_loops import add, copy, fill
from scratchnet.kernels.vector_math import like, sigmoid, tanh


@kernel
def lstm_forward(x, w_ih, w_hh, bias, h, c, batch_sizes, reverse=False):
    """i, f, o = σ(z), g = tanh(z),  c_t = f·c_{t-1} + i·g,  h_t = o·tanh(c_t),  where z_t = W_ih x_t + W_hh h_{t-1} + b,
    for all steps.

    S. Hochreiter and J. Schmidhuber, *Long Short-Term Memory* (1997); F. Gers, J. Schmidhuber and F. Cummins,
    *Learning to Forget: Continual Prediction with LSTM* (2000).

    Parameters
    ----------
    x : [S, I];  w_ih : [4H, I];  w_hh : [4H, H];  bias : [4H] or None
    h, c : [N, H], the initial states
    batch_sizes : [T], the number of sequences at every step, S in all

    Returns
    -------
    y : [S, H], every h_t;  h, c : [N, H], the last ones of every sequence
    gates : [S, 4H], every i, f, g, o;  cells : [S, H], every c_t
    """
    check("lstm_forward", batch_sizes, len(x), h, 4, w_ih, w_hh, x, (bias,), c=(c, 0))
    gates, h, c = x @ w_ih.T + (0 if bias is None else bias), h.copy(), c.copy()
    y, cells = (np.empty_like(gates, shape=(len(x), h.shape[1])) for _ in range(2))
    for rows in steps(batch_sizes, reverse):
        n = rows.stop - rows.start
        i, f, g, o = np.split(gates[rows] + h[:n] @ w_hh.T, 4, 1)
        i, f, g, o = logistic(i), logistic(f), np.tanh(g), logistic(o)
        c[:n] = f * c[:n] + i * g
        h[:n] = o * np.tanh(c[:n])
        gates[rows], cells[rows], y[rows] = np.concatenate([i, f, g, o], 1), c[:n], h[:n]
    return y, h, c, gates, cells


def logistic(x):
    """σ(x) = 1 / (1 + exp(-x)), where nothing overflows."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


@kernel
def lstm_backward(gy, gh, gc, gates, cells, c, w_ih, w_hh, batch_sizes, reverse=False, need_x=True):
    """The gradient of `lstm_forward`, by backpropagation through time; to the weights it is a product with gz.

    With gh_t summed over what reads h_t, and gc_t += gh_t·o·(1 - tanh²c_t):
    gz_i = gc·g·i(1 - i),  gz_f = gc·c_{t-1}·f(1 - f),  gz_g = gc·i·(1 - g²),  gz_o = gh·tanh(c)·o(1 - o),
    gc_{t-1} = gc·f,  gh_{t-1} = W_hhᵀ gz,  gx_t = W_ihᵀ gz

    Parameters
    ----------
    gy : [S, H], the gradient to every h_t;  gh, gc : [N, H], those to the last h and c besides
    gates : [S, 4H], i, f, g, o;  cells : [S, H], c_t;  c : [N, H], the initial one

    Returns
    -------
    gz : [S, 4H];  gx : [S, I], None without need_x;  gh, gc : [N, H], to the initial states
    """
    _check_backward(gy, gh, gc, gates, cells, c, w_ih, w_hh, batch_sizes)
    gz, gh, gc = np.empty_like(gates), gh.copy(), gc.copy()
    order = steps(batch_sizes, reverse)
    for rows, before in zip(order[::-1], [*order[-2::-1], slice(0, 0)]):
        n = rows.stop - rows.start
        i, f, g, o = np.split(gates[rows], 4, 1)
        tanh_c, g_h = np.tanh(cells[rows]), gh[:n] + gy[rows]
        g_c = gc[:n] + g_h * o * (1 - tanh_c * tanh_c)
        earlier = np.concatenate([cells[before], c[before.stop - before.start:]])[:n]
        gz[rows] = np.concatenate([g_c * g * i * (1 - i), g_c * earlier * f * (1 - f), g_c * i * (1 - g * g),
                                   g_h * tanh_c * o * (1 - o)], 1)
        gh[:n], gc[:n] = gz[rows] @ w_hh, g_c * f
    return gz, gz @ w_ih if need_x else None, gh, gc


def _check_backward(gy, gh, gc, gates, cells, c, w_ih, w_hh, batch_sizes):
    check("lstm_backward", batch_sizes, len(gates), gh, 4, w_ih, w_hh, gy=(gy, 1), gates=(gates, 4), cells=(cells, 1),
          gc=(gc, 0), c=(c, 0))


# The loops take rows, and few arrays at a time: the compiler vectorises only what it can check not to overlap.

@jit
def sigmoid_row(y, z):
    for j in range(len(y)):
        y[j] = sigmoid(z[j])


@jit
def tanh_row(y, z):
    for j in range(len(y)):
        y[j] = tanh(z[j])


@jit
def _cell_row(c, i, f, g):
    for j in range(len(c)):
        c[j] = f[j] * c[j] + i[j] * g[j]


@jit
def _hidden_row(h, o, c):
    for j in range(len(h)):
        h[j] = o[j] * tanh(c[j])


@jit
def _output_gate_row(gz, gc, gh, o, c):
    """gz_o, and what h_t adds to the gradient to c_t."""
    for j in range(len(gz)):
        t, one = tanh(c[j]), like(1, o[j])
        gz[j] = gh[j] * t * o[j] * (one - o[j])
        gc[j] += gh[j] * o[j] * (one - t * t)


@jit
def sigmoid_gate_row(gz, g, factor, s):
    """The gradient to z of factor·σ(z), where s = σ(z)."""
    for j in range(len(gz)):
        gz[j] = g[j] * factor[j] * s[j] * (like(1, g[j]) - s[j])


@jit
def tanh_gate_row(gz, g, factor, t):
    """The gradient to z of factor·tanh(z), where t = tanh(z)."""
    for j in range(len(gz)):
        gz[j] = g[j] * factor[j] * (like(1, g[j]) - t[j] * t[j])


@jit
def _times_row(target, factor):
    for j in range(len(target)):
        target[j] *= factor[j]


@jit
def _row(gates, z, y, cell, h, c):
    size = len(y)
    sigmoid_row(gates[:2 * size], z)
    tanh_row(gates[2 * size:3 * size], z[2 * size:])
    sigmoid_row(gates[3 * size:], z[3 * size:])
    _cell_row(c, gates, gates[size:], gates[2 * size:])
    _hidden_row(h, gates[3 * size:], c)
    copy(cell, c)
    copy(y, h)


@jit
def _row_backward(gz, gates, gy, gh, gc, cell, earlier):
    size = len(gy)
    add(gh, gy)
    _output_gate_row(gz[3 * size:], gc, gh, gates[3 * size:], cell)
    sigmoid_gate_row(gz[:size], gc, gates[2 * size:], gates)
    sigmoid_gate_row(gz[size:2 * size], gc, earlier, gates[size:])
    tanh_gate_row(gz[2 * size:3 * size], gc, gates, gates[2 * size:])
    _times_row(gc, gates[size:])
    fill(gh, 0)


@jit
def _forward_loop(start, stop, walk, x, features, inputs, first_z, first_z_row, recurrent, size, z, gates, y, cells, h,
                  c):
    columns = recurrent[1]
    for share in range(start, stop):
        for i in range(len(walk[2])):
            low, rows, first, _ = turn(share, i, walk, False)
            if rows <= 0:
                continue
            for r in range(rows):
                copy(z[(low + r) * columns:(low + r) * columns + 4 * size], first_z[(first + r) * first_z_row:])
            add_product(x, first * features, features, z, low * columns, rows, inputs)
            add_product(h, low * size, size, z, low * columns, rows, recurrent)
            for r in range(rows):
                at, state = (first + r) * size, (low + r) * size
                _row(gates[4 * at:4 * (at + size)], z[(low + r) * columns:], y[at:at + size], cells[at:at + size],
                     h[state:state + size], c[state:state + size])


@jit
def _backward_loop(start, stop, walk, gy, gates, cells, c, recurrent, size, gz, gh, gc, inputs, gx):
    columns = recurrent[1]
    for share in range(start, stop):
        for i in range(len(walk[2])):
            low, rows, first, t = turn(share, i, walk, True)
            if rows <= 0:
                continue
            for r in range(rows):
                at, state, before = (first + r) * size, (low + r) * size, row_before(t, low + r, walk)
                earlier = cells[before * size:(before + 1) * size] if before >= 0 else c[state:state + size]
                _row_backward(gz[4 * at:4 * (at + size)], gates[4 * at:4 * (at + size)], gy[at:at + size],
                              gh[(low + r) * columns:(low + r) * columns + size], gc[state:state + size],
                              cells[at:at + size], earlier)
            add_product(gz, 4 * first * size, 4 * size, gh, low * columns, rows, recurrent)
            add_product(gz, 4 * first * size, 4 * size, gx, first * inputs[1], rows, inputs)


@lstm_forward.cpu
def _forward_cpu(x, w_ih, w_hh, bias, h, c, batch_sizes, reverse=False):
    check("lstm_forward", batch_sizes, len(x), h, 4, w_ih, w_hh, x, (bias,), c=(c, 0))
    if not compilable(x, w_ih, w_hh, h, c, *(() if bias is None else (bias,))):
        return NotImplemented
    (batch, size), once = h.shape, len(batch_sizes) == 1
    recurrent, inputs = Product(w_hh.T, len(batch_sizes), batch), InputShare(x, w_ih, bias, batch_sizes, batch)
    if once:
        inputs.share += matmul(h[:len(x)], w_hh.T)
    y, cells, gates = (np.empty((len(x), k * size), x.dtype) for k in (1, 1, 4))
    h, c = (np.array(state, order="C") for state in (h, c))
    run(_forward_loop, batch_sizes, reverse, batch, recurrent.work, *inputs.arguments, recurrent.plan, size,
        *(a.reshape(-1) for a in (recurrent.rows(batch), gates, y, cells, h, c)))
    return y, h, c, gates, cells


@lstm_backward.cpu
def _backward_cpu(gy, gh, gc, gates, cells, c, w_ih, w_hh, batch_sizes, reverse=False, need_x=True):
    _check_backward(gy, gh, gc, gates, cells, c, w_ih, w_hh, batch_sizes)
    if not compilable(gates, gy, gh, gc, cells, c, w_ih, w_hh):
        return NotImplemented
    (batch, size), once = gh.shape, len(batch_sizes) == 1
    recurrent = Product(w_hh, len(batch_sizes))
    gz, wide_gh, gc = np.empty(gates.shape, gates.dtype), padded(gh, recurrent.columns), np.array(gc, order="C")
    inputs = InputGradient(gz, w_ih, need_x, batch_sizes, batch)
    run(_backward_loop, batch_sizes, reverse, batch, recurrent.work, *map(flat, (gy, gates, cells, c)), recurrent.plan, size,
        *(a.reshape(-1) for a in (gz, wide_gh, gc)), *inputs.arguments)
    gh = wide_gh[:, :size].copy()
    if once:
        gh[:len(gz)] = matmul(gz, w_hh)
    return gz, inputs.result(), gh, gc
