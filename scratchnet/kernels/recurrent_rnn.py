"""Elman's recurrent layer: all steps of one direction, and backpropagation through them."""

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
    run,
    steps,
    turn,
)
from scratchnet.kernels.registry import compilable, kernel
from scratchnet.kernels.vector_loops import add, copy, fill
from scratchnet.kernels.vector_math import like, tanh


@kernel
def rnn_forward(x, w_ih, w_hh, bias, h, batch_sizes, reverse=False, relu=False):
    """h_t = f(W_ih x_t + W_hh h_{t-1} + b), f the hyperbolic tangent or max(·, 0), for all steps.

    J. Elman, *Finding Structure in Time* (1990).

    Parameters
    ----------
    x : [S, I];  w_ih : [H, I];  w_hh : [H, H];  bias : [H] or None
    h : [N, H], the initial state
    batch_sizes : [T], the number of sequences at every step, S in all

    Returns
    -------
    y : [S, H], every h_t;  h : [N, H], the last one of every sequence
    """
    check("rnn_forward", batch_sizes, len(x), h, 1, w_ih, w_hh, x, (bias,))
    y, h = x @ w_ih.T + (0 if bias is None else bias), h.copy()
    for rows in steps(batch_sizes, reverse):
        n = rows.stop - rows.start
        z = y[rows] + h[:n] @ w_hh.T
        y[rows] = np.maximum(z, 0) if relu else np.tanh(z)
        h[:n] = y[rows]
    return y, h


@kernel
def rnn_backward(gy, gh, y, w_ih, w_hh, batch_sizes, reverse=False, relu=False, need_x=True):
    """The gradient of `rnn_forward`, by backpropagation through time; to the weights it is a product with gz.

    gz_t = (gy_t + gh_t)·f'(z_t),  gh_{t-1} = W_hhᵀ gz_t,  gx_t = W_ihᵀ gz_t

    P. Werbos, *Backpropagation Through Time: What It Does and How to Do It* (1990).

    Parameters
    ----------
    gy : [S, H], the gradient to every h_t;  gh : [N, H], that to the last ones besides
    y : [S, H], every h_t

    Returns
    -------
    gz : [S, H];  gx : [S, I], None without need_x;  gh : [N, H], to the initial state
    """
    check("rnn_backward", batch_sizes, len(y), gh, 1, w_ih, w_hh, gy=(gy, 1), y=(y, 1))
    gz, gh = np.empty_like(y), gh.copy()
    for rows in reversed(steps(batch_sizes, reverse)):
        n = rows.stop - rows.start
        g = gy[rows] + gh[:n]
        gz[rows] = np.where(y[rows] <= 0, 0, g) if relu else g * (1 - y[rows] * y[rows])
        gh[:n] = gz[rows] @ w_hh
    return gz, gz @ w_ih if need_x else None, gh


@jit
def _activate(y, z, relu):
    if relu:
        for i in range(len(y)):
            y[i] = like(0, z[i]) if z[i] <= 0 else z[i]
    else:
        for i in range(len(y)):
            y[i] = tanh(z[i])


@jit
def _activate_backward(gz, g, y, relu):
    if relu:
        for i in range(len(gz)):
            gz[i] = like(0, g[i]) if y[i] <= 0 else g[i]
    else:
        for i in range(len(gz)):
            gz[i] = g[i] * (like(1, g[i]) - y[i] * y[i])


@jit
def _forward_loop(start, stop, walk, x, features, inputs, first_z, first_z_row, recurrent, size, z, y, h, relu):
    columns = recurrent[1]
    for share in range(start, stop):
        for i in range(len(walk[2])):
            low, rows, first, _ = turn(share, i, walk, False)
            if rows <= 0:
                continue
            for r in range(rows):
                copy(z[(low + r) * columns:(low + r) * columns + size], first_z[(first + r) * first_z_row:])
            add_product(x, first * features, features, z, low * columns, rows, inputs)
            add_product(h, low * size, size, z, low * columns, rows, recurrent)
            for r in range(rows):
                out = y[(first + r) * size:(first + r + 1) * size]
                _activate(out, z[(low + r) * columns:], relu)
                copy(h[(low + r) * size:(low + r + 1) * size], out)


@jit
def _backward_loop(start, stop, walk, gy, y, recurrent, size, gz, gh, inputs, gx, relu):
    columns = recurrent[1]
    for share in range(start, stop):
        for i in range(len(walk[2])):
            low, rows, first, _ = turn(share, i, walk, True)
            if rows <= 0:
                continue
            for r in range(rows):
                at, end = (first + r) * size, (first + r + 1) * size
                g = gh[(low + r) * columns:(low + r) * columns + size]
                add(g, gy[at:end])
                _activate_backward(gz[at:end], g, y[at:end], relu)
                fill(g, 0)
            add_product(gz, first * size, size, gh, low * columns, rows, recurrent)
            add_product(gz, first * size, size, gx, first * inputs[1], rows, inputs)


@rnn_forward.cpu
def _forward_cpu(x, w_ih, w_hh, bias, h, batch_sizes, reverse=False, relu=False):
    check("rnn_forward", batch_sizes, len(x), h, 1, w_ih, w_hh, x, (bias,))
    if not compilable(x, w_ih, w_hh, h, *(() if bias is None else (bias,))):
        return NotImplemented
    batch, size = h.shape
    recurrent, h = Product(w_hh.T, len(batch_sizes), batch), np.array(h, order="C")
    inputs = InputShare(x, w_ih, bias, batch_sizes, batch)
    if len(batch_sizes) == 1:
        inputs.share += matmul(h[:len(x)], w_hh.T)
    y = np.empty((len(x), size), x.dtype)
    run(_forward_loop, batch_sizes, reverse, batch, recurrent.work, *inputs.arguments, recurrent.plan, size,
        recurrent.rows(batch).reshape(-1), y.reshape(-1), h.reshape(-1), bool(relu))
    return y, h


@rnn_backward.cpu
def _backward_cpu(gy, gh, y, w_ih, w_hh, batch_sizes, reverse=False, relu=False, need_x=True):
    check("rnn_backward", batch_sizes, len(y), gh, 1, w_ih, w_hh, gy=(gy, 1), y=(y, 1))
    if not compilable(gy, gh, y, w_ih, w_hh):
        return NotImplemented
    batch, size = gh.shape
    recurrent = Product(w_hh, len(batch_sizes))
    gz, wide_gh = np.empty(y.shape, y.dtype), padded(gh, recurrent.columns)
    inputs = InputGradient(gz, w_ih, need_x, batch_sizes, batch)
    run(_backward_loop, batch_sizes, reverse, batch, recurrent.work, flat(gy), flat(y), recurrent.plan, size, gz.reshape(-1),
        wide_gh.reshape(-1), *inputs.arguments, bool(relu))
    gh = wide_gh[:, :size].copy()
    if len(batch_sizes) == 1:
        gh[:len(gz)] = matmul(gz, w_hh)
    return gz, inputs.result(), gh
