"""Variants of the LSTM, and backpropagation through a limited time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float, require_same_dtype
from scratchnet.nn.functional.linear import linear
from scratchnet.nn.functional.recurrent import unroll


def peephole_step(
    z: Tensor, h: Tensor, c: Tensor, w_hh: Tensor, peepholes: Tensor | None = None, coupled: bool = False
) -> tuple[Tensor, Tensor]:
    """A step of an LSTM whose gates see the cell, or one of whose gates is the complement of another.

    i = σ(z_i + p_i · c),  f = σ(z_f + p_f · c),  g = tanh(z_g),  c' = f · c + i · g,  o = σ(z_o + p_o · c'),
    h' = o · tanh(c'),  where z, the inputs' share, is added to W_hh h.

    Gers and Schmidhuber, "Recurrent Nets that Time and Count", 2000. With `coupled`, i = 1 − f and z has three parts, f, g
    and o: what is forgotten makes room for what is new (Greff et al., "LSTM: A Search Space Odyssey", 2015).

    Parameters
    ----------
    z : [N, 4 H], the shares of i, f, g, o, or [N, 3 H] of f, g, o
    h, c : [N, H]
    w_hh : [4 H, H] or [3 H, H]
    peepholes : [3, H], p_i, p_f, p_o, or [2, H], p_f, p_o; optional
    """
    *gates, g, o = ops.chunk(z + linear(h, w_hh), 3 if coupled else 4, -1)
    if peepholes is not None:
        gates = [gate + peepholes[k] * c for k, gate in enumerate(gates)]
    f = ops.sigmoid(gates[-1])
    i = 1 - f if coupled else ops.sigmoid(gates[0])
    c = f * c + i * ops.tanh(g)
    o = ops.sigmoid(o if peepholes is None else o + peepholes[-1] * c)
    return o * ops.tanh(c), c


def peephole_lstm(
    input: Tensor,
    hx: tuple[Tensor, Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    bias: Tensor | None = None,
    peepholes: Tensor | None = None,
    coupled: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """`peephole_step` for all steps of a batch.

    Parameters
    ----------
    input : [T, N, I]
    hx : h, c, [N, H] each
    w_ih, w_hh, bias : [G H, I], [G H, H], [G H], where G is 4, or 3 if coupled

    Returns
    -------
    output : [T, N, H], and the last h, c : [N, H]

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit.
    """
    require_float(input, "peephole_lstm")
    h, c = hx
    require_same_dtype("peephole_lstm", input=input, h=h, c=c, w_ih=w_ih, w_hh=w_hh, bias=bias, peepholes=peepholes)
    if input.array.ndim != 3 or input.array.shape[0] == 0:
        raise RuntimeError(f"peephole_lstm: expected input of shape [T, N, I], T > 0, got {tuple(input.shape)}")
    (length, batch, features), size, gates = input.shape, h.shape[-1], 3 if coupled else 4
    expected = {
        "h": (h, (batch, size)),
        "c": (c, (batch, size)),
        "w_ih": (w_ih, (gates * size, features)),
        "w_hh": (w_hh, (gates * size, size)),
        "bias": (bias, (gates * size,)),
        "peepholes": (peepholes, (gates - 1, size)),
    }
    for name, (x, shape) in expected.items():
        if x is not None and tuple(x.shape) != shape:
            raise RuntimeError(f"peephole_lstm: expected {name} of shape {shape}, got {tuple(x.shape)}")
    z = linear(input.reshape(length * batch, features), w_ih, bias)
    y, h, c = unroll(
        lambda z, h, c: peephole_step(z, h, c, w_hh, peepholes, coupled), z, (h, c), np.full(length, batch), False
    )
    return y.reshape(length, batch, size), h, c


def detach(states: Any) -> Any:
    """A state, or tuples and lists of states, without their history: gradients do not go further back."""
    if isinstance(states, tuple | list):
        return type(states)(detach(s) for s in states)
    return None if states is None else states.detach()


def truncated(
    net: Callable[[Tensor, Any], tuple], input: Tensor, steps: int, hx: Any = None, batch_first: bool = False
) -> Iterator[tuple[Tensor, Any]]:
    """Truncated backpropagation through time: run a long sequence piece by piece, handing on the states' values alone.

        for (output, hx), target in zip(truncated(net, input, 35), targets.split(35)):
            loss(output, target).backward()
            optimizer.step()
            optimizer.zero_grad()

    Every piece is run when it is asked for, so that the weights may change between pieces; a gradient goes back to the
    beginning of its piece, at most `steps` steps, and memory is that of one piece.

    Williams and Peng, "An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories", 1990.

    Parameters
    ----------
    net : called with a piece of the input and the states, returns the output and the states, as nn.LSTM does
    input : [T, N, I], or [N, T, I] with batch_first
    steps : int
        Length of a piece; the last may be shorter.
    hx : initial states, optional

    Yields
    ------
    output of the piece, and the states after it

    Raises
    ------
    ValueError
        If steps is not positive.
    """
    if steps < 1:
        raise ValueError(f"truncated: expected steps >= 1, got {steps}")
    return _pieces(net, ops.split(input, steps, 1 if batch_first else 0), hx)


def _pieces(net: Callable, pieces: Any, hx: Any) -> Iterator[tuple[Tensor, Any]]:
    for piece in pieces:
        output, hx = net(piece, detach(hx))
        yield output, hx
