"""Recurrent networks of several layers and directions, and single steps: what `nn.LSTM` and its like call.

torch has these functions too (`torch.lstm`, `torch.gru_cell`, ...); their arguments are torch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float, require_same_dtype
from scratchnet.nn.functional.dropout import dropout as drop
from scratchnet.nn.functional.linear import linear
from scratchnet.nn.functional.recurrent import GRULayer, LSTMLayer, RNNLayer, lstm_step, unroll

# one layer and direction: x, states, weights, batch_sizes, reverse → y, last states
Layer = Callable[[Tensor, list, list, Any, bool], tuple]


def _lstm_layer(x: Tensor, states: list, weights: list, batch_sizes: Any, reverse: bool) -> tuple:
    w_ih, w_hh, b_ih, b_hh, *projection = weights
    if not projection:
        return LSTMLayer(batch_sizes, reverse)(x, *weights, *states)
    z = linear(x, w_ih, b_ih)
    return unroll(lambda z, h, c: lstm_step(z, h, c, w_hh, b_hh, *projection), z, states, batch_sizes, reverse)


def _gru_layer(x: Tensor, states: list, weights: list, batch_sizes: Any, reverse: bool) -> tuple:
    return GRULayer(batch_sizes, reverse)(x, *weights, *states)


def _tanh_layer(x: Tensor, states: list, weights: list, batch_sizes: Any, reverse: bool) -> tuple:
    return RNNLayer(batch_sizes, reverse)(x, *weights, *states)


def _relu_layer(x: Tensor, states: list, weights: list, batch_sizes: Any, reverse: bool) -> tuple:
    return RNNLayer(batch_sizes, reverse, relu=True)(x, *weights, *states)


def stacked(
    layer: Layer,
    x: Tensor,
    batch_sizes: Any,
    hx: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple[Tensor, ...]:
    """Layers upon layers; with two directions, the outputs of both are the next layer's input, side by side.

    Parameters
    ----------
    x : [S, I], the steps as in PackedSequence
    batch_sizes : [T]
    hx : initial states, [num_layers · directions, N, H] each
    params : for every layer and direction: w_ih, w_hh, then b_ih, b_hh if has_biases, then w_hr if it is projected
    dropout : probability to drop an element of the output of a layer that is not the last, when `train`

    Returns
    -------
    y : [S, directions · H], and the last states, shaped as hx
    """
    directions = 2 if bidirectional else 1
    projected = len(hx) > 1 and hx[0].shape[2] != hx[1].shape[2]
    count = 2 + 2 * has_biases + projected
    if len(params) != count * num_layers * directions:
        raise RuntimeError(
            f"got an incorrect number of RNN parameters: expected {count} for each of {num_layers} layers and "
            f"{directions} directions, got {len(params)}"
        )
    last: list[tuple] = []
    for i in range(num_layers):
        outputs = []
        for j in range(i * directions, (i + 1) * directions):
            w_ih, w_hh, *rest = params[j * count : (j + 1) * count]
            weights = [w_ih, w_hh, *(rest if has_biases else (None, None, *rest))]
            states = [s[j] for s in hx]
            _check_layer(x, int(batch_sizes[0]), states, *weights)
            y, *new = layer(x, states, weights, batch_sizes, j % directions == 1)
            outputs.append(y)
            last.append(tuple(new))
        x = outputs[0] if directions == 1 else ops.cat(outputs, -1)
        if dropout and train and i < num_layers - 1:
            x = drop(x, dropout)
    return x, *(ops.stack(states) if len(states) > 1 else states[0].unsqueeze(0) for states in zip(*last))


def _check_layer(x: Tensor, batch: int, states: list, w_ih: Tensor, w_hh: Tensor, *others: Tensor | None) -> None:
    if w_ih.shape[-1] != x.shape[-1] or w_hh.shape[-1] != states[0].shape[-1] or len(w_ih) != len(w_hh):
        raise RuntimeError(
            f"RNN: input of {x.shape[-1]} features and states of {states[0].shape[-1]} do not fit weights of shape "
            f"{tuple(w_ih.shape)} and {tuple(w_hh.shape)}"
        )
    for state in states:
        if len(state) < batch:
            raise RuntimeError(f"RNN: a batch of {batch} needs as many initial states, got {len(state)}")
    weights = (w_ih, w_hh, *others)
    if any(t is not None and t.array.dtype != x.array.dtype for t in (*states, *weights)):
        named = {f"weights {i}": w for i, w in enumerate(weights)}
        require_same_dtype("RNN", input=x, **{f"hx[{i}]": s for i, s in enumerate(states)}, **named)


def _padded(
    layer: Layer,
    input: Tensor,
    hx: Any,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple:
    x = input.transpose(0, 1) if batch_first else input
    length, batch, features = x.shape
    if length == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    x, sizes = x.reshape(length * batch, features), np.full(length, batch)
    y, *last = stacked(layer, x, sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)
    y = y.reshape(length, batch, y.shape[-1])
    return y.transpose(0, 1) if batch_first else y, *last


def _packed(layer: Layer, data: Tensor, batch_sizes: Tensor, hx: Any, *args: Any, **kwargs: Any) -> tuple:
    return stacked(layer, data, batch_sizes.array, hx, *args, **kwargs)


def _network(layer: Layer, name: str, what: str) -> Callable:
    """The function of this name in torch, which has two signatures."""

    def network(*args: Any, **kwargs: Any) -> tuple:
        second = args[1] if len(args) > 1 else None
        packed = "batch_sizes" in kwargs or (isinstance(second, Tensor) and second.array.dtype.kind == "i")
        states: Any = "hx" if "hx" in kwargs else 1 + packed
        values: Any = kwargs if "hx" in kwargs else list(args)
        if isinstance(values[states], Tensor):
            values[states] = (values[states],)
        return (_packed if packed else _padded)(layer, *(args if values is kwargs else values), **kwargs)

    network.__name__ = network.__qualname__ = name
    network.__doc__ = f"""{what}: `nn.{name.partition("_")[0].upper()}` as a function.

    {name}(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or
    {name}(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional) for packed sequences.

    Parameters
    ----------
    input : [T, N, I], or [N, T, I] with batch_first
    data : [S, I], with batch_sizes : [T], as in PackedSequence
    hx : [num_layers · directions, N, H], or the list of hidden and cell states
    params : list of w_ih, w_hh, then b_ih, b_hh if has_biases, for every layer and direction
    dropout : probability to drop an element of the output of a layer that is not the last, when `train`

    Returns
    -------
    output : [T, N, directions · H], [N, T, ...] or [S, ...], and the last states, shaped as hx
    """
    return network


lstm = _network(_lstm_layer, "lstm", "Long short-term memory of several layers and directions")
gru = _network(_gru_layer, "gru", "Gated recurrent units of several layers and directions")
rnn_tanh = _network(_tanh_layer, "rnn_tanh", "Elman's network of several layers and directions, with tanh")
rnn_relu = _network(_relu_layer, "rnn_relu", "Elman's network of several layers and directions, with ReLU")


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of `lstm`: the hidden and the cell state [N, H] after it."""
    return _cell(_lstm_layer, input, tuple(hx), w_ih, w_hh, b_ih, b_hh)


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of `gru`: the state [N, H] after it."""
    return _cell(_gru_layer, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of `rnn_tanh`: the state [N, H] after it."""
    return _cell(_tanh_layer, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of `rnn_relu`: the state [N, H] after it."""
    return _cell(_relu_layer, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def _cell(layer: Layer, input: Tensor, hx: tuple, *weights: Tensor | None) -> tuple:
    require_float(input, "RNN cell")
    batch, features = input.shape
    if features != weights[0].shape[1]:  # type: ignore[union-attr]
        raise RuntimeError(f"input has inconsistent input_size: got {features} expected {weights[0].shape[1]}")  # type: ignore[union-attr]
    for i, state in enumerate(hx):
        if len(state) != batch:
            raise RuntimeError(f"Input batch size {batch} doesn't match hidden[{i}] batch size {len(state)}")
        if state.shape[1] != weights[1].shape[1]:  # type: ignore[union-attr]
            raise RuntimeError(
                f"hidden[{i}] has inconsistent hidden_size: got {state.shape[1]}, expected {weights[1].shape[1]}"  # type: ignore[union-attr]
            )
    _check_layer(input, batch, list(hx), *weights)  # type: ignore[arg-type]
    return layer(input, list(hx), list(weights), (batch,), False)[1:]
