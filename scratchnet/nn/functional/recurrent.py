"""Recurrent layers: what a step computes, and all steps of one layer and direction as one operation.

The steps of several sequences lie in one matrix [S, features], first those of step 0 and so on, longest sequence first
(torch's PackedSequence): step t has `batch_sizes[t]` rows. A batch of N equal lengths T is that with N rows at each step.

The functions that end in `_step` and `unroll` are the definition, in differentiable operations: they are what second-order
gradients are made of, and run what has no kernel (projections). The operations run kernels: one product for the inputs of
all steps, one pass over the steps, and for the gradient backpropagation through time with one product per weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchnet import autograd, kernels, ops
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.recurrent import previous_states, steps
from scratchnet.nn.functional.linear import linear
from scratchnet.ops.conversion import alias


def rnn_step(z: Tensor, h: Tensor, w_hh: Tensor, b_hh: Tensor | None, relu: bool = False) -> tuple[Tensor]:
    """h' = tanh(z + W_hh h + b_hh), or max(·, 0) for tanh, where z is the inputs' share W_ih x + b_ih.

    Elman, "Finding Structure in Time", 1990.
    """
    z = z + linear(h, w_hh, b_hh)
    return (ops.clamp(z, min=0) if relu else ops.tanh(z),)


def lstm_step(
    z: Tensor, h: Tensor, c: Tensor, w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """i, f, o = σ(z + v),  g = tanh(z + v),  c' = f · c + i · g,  h' = o · tanh(c'),  where v = W_hh h + b_hh;
    with a projection, h' = W_hr (o · tanh(c')).

    Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; the forget gate: Gers, Schmidhuber and Cummins, "Learning
    to Forget", 2000; the projection: Sak, Senior and Beaufays, "Long Short-Term Memory Recurrent Neural Network
    Architectures for Large Scale Acoustic Modeling", 2014.
    """
    i, f, g, o = ops.chunk(z + linear(h, w_hh, b_hh), 4, -1)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    h = ops.sigmoid(o) * ops.tanh(c)
    return h if w_hr is None else linear(h, w_hr), c


def gru_step(z: Tensor, h: Tensor, w_hh: Tensor, b_hh: Tensor | None) -> tuple[Tensor]:
    """r, u = σ(z + v),  n = tanh(z_n + r · v_n),  h' = n + u · (h − n),  where v = W_hh h + b_hh.

    Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", 2014.
    """
    (z_r, z_u, z_n), (v_r, v_u, v_n) = (ops.chunk(a, 3, -1) for a in (z, linear(h, w_hh, b_hh)))
    new = ops.tanh(z_n + ops.sigmoid(z_r + v_r) * v_n)
    return (new + ops.sigmoid(z_u + v_u) * (h - new),)


def unroll(step: Callable, z: Tensor, states: Sequence[Tensor], batch_sizes: Any, reverse: bool) -> tuple[Tensor, ...]:
    """`step(z_t, *states)` for all steps.

    Parameters
    ----------
    z : [S, ...], the inputs' share of every step
    states : [N, ...] each, the initial ones; the first of them is the output
    batch_sizes : [T]
    reverse : from the last step to the first

    Returns
    -------
    y : [S, ...], the outputs, and the last states of every sequence
    """
    outputs = {}
    for rows in steps(batch_sizes, reverse):
        n = rows.stop - rows.start
        new = step(z[rows], *(s[:n] for s in states))
        states = [ops.cat([a, s[n:]]) if n < len(s) else a for a, s in zip(new, states)]
        outputs[rows.start] = new[0]
    return (ops.cat([outputs[start] for start in sorted(outputs)]), *states)


class _Layer(Function):
    """All steps of one layer and direction: x, w_ih, w_hh, b_ih, b_hh, initial states → y, last states.

    Shapes: x [S, I], states [N, H], w_ih [G H, I], w_hh [G H, H], b_ih and b_hh [G H] or None; y [S, H].
    """

    notes: tuple[str, ...] = ("gates", "memory")

    def __init__(self, batch_sizes: Any, reverse: bool = False) -> None:
        self.order = batch_sizes, reverse

    def step(self, z: Tensor, *states: Any) -> tuple:
        """The definition of one step; the states are followed by w_hh and b_hh."""
        raise NotImplementedError

    def backward(self, *grads: Tensor) -> tuple:
        """The gradient of the definition. Of aliases: what the inputs have to do with each other is none of its business."""
        inputs = [alias(x) if need else x for x, need in zip(self.inputs, self.needs_input_grad)]
        x, w_ih, w_hh, b_ih, b_hh, *states = inputs
        outputs = unroll(lambda z, *s: self.step(z, *s, w_hh, b_hh), linear(x, w_ih, b_ih), states, *self.order)
        wanted = [x for x, need in zip(inputs, self.needs_input_grad) if need]
        found = iter(autograd.grad(outputs, wanted, grads, create_graph=True, allow_unused=True))
        return tuple(next(found) if need else None for need in self.needs_input_grad)

    def _gradients(self, gz: Any, gv: tuple, gx: Any, *states: Any) -> tuple:
        """Of all inputs, from those of the inputs' share of every step and of the states' (gz, or its parts)."""
        x, _, _, _, _, h, *_ = self.inputs
        _, need_w_ih, need_w_hh, need_b_ih, need_b_hh, *_ = self.needs_input_grad
        gb: Any = gz.sum(0) if need_b_ih or (need_b_hh and gv[0] is gz) else None
        gw_hh = None
        if need_w_hh:
            before = previous_states(self.output[0], h, *self.order)
            gw_hh = _joined([kernels.matmul(g.T, before) for g in gv])
        return (
            gx,
            kernels.matmul(gz.T, x) if need_w_ih else None,
            gw_hh,
            gb if need_b_ih else None,
            (gb.copy() if gv[0] is gz else _joined([g.sum(0) for g in gv])) if need_b_hh else None,
            *states,
        )


def _joined(parts: list) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _sum(*biases: Any) -> Any:
    given = [b for b in biases if b is not None]
    return sum(given[1:], given[0]) if given else None


class RNNLayer(_Layer):
    """`rnn_step` for all steps."""

    notes = ()

    def __init__(self, batch_sizes: Any, reverse: bool = False, relu: bool = False) -> None:
        super().__init__(batch_sizes, reverse)
        self.relu = relu

    def step(self, z: Tensor, *states: Any) -> tuple:
        return rnn_step(z, *states, relu=self.relu)  # type: ignore[misc]

    def forward(self, x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any) -> tuple:
        return kernels.rnn_forward(x, w_ih, w_hh, _sum(b_ih, b_hh), h, *self.order, self.relu)

    def fused_backward(self, gy: Any, gh: Any) -> tuple:
        _, w_ih, w_hh, *_ = self.inputs
        need_x = self.needs_input_grad[0]
        gz, gx, gh = kernels.rnn_backward(gy, gh, self.output[0], w_ih, w_hh, *self.order, self.relu, need_x)
        return self._gradients(gz, (gz,), gx, gh)


class LSTMLayer(_Layer):
    """`lstm_step` for all steps."""

    def step(self, z: Tensor, *states: Any) -> tuple:
        return lstm_step(z, *states)

    def forward(self, x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any, c: Any) -> tuple:
        bias = _sum(b_ih, b_hh)
        *results, self.gates, self.memory = kernels.lstm_forward(x, w_ih, w_hh, bias, h, c, *self.order)
        return tuple(results)

    def fused_backward(self, gy: Any, gh: Any, gc: Any) -> tuple:
        _, w_ih, w_hh, _, _, _, c = self.inputs
        need_x = self.needs_input_grad[0]
        gz, gx, gh, gc = kernels.lstm_backward(gy, gh, gc, self.gates, self.memory, c, w_ih, w_hh, *self.order, need_x)
        return self._gradients(gz, (gz,), gx, gh, gc)


class GRULayer(_Layer):
    """`gru_step` for all steps."""

    def step(self, z: Tensor, *states: Any) -> tuple:
        return gru_step(z, *states)

    def forward(self, x: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, h: Any) -> tuple:
        y, last, self.gates, self.memory = kernels.gru_forward(x, w_ih, w_hh, b_ih, b_hh, h, *self.order)
        return y, last

    def fused_backward(self, gy: Any, gh: Any) -> tuple:
        _, w_ih, w_hh, _, _, h = self.inputs
        need_x, y = self.needs_input_grad[0], self.output[0]
        gz, gv, gx, gh = kernels.gru_backward(
            gy, gh, self.gates, self.memory, y, h, w_ih, w_hh, *self.order, need_x
        )
        return self._gradients(gz, (gz[:, : 2 * y.shape[1]], gv), gx, gh)
