"""Recurrent layers over sequences: Elman's network, LSTM and GRU."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import init
from scratchnet.nn.functional import recurrent_layers
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import unset
from scratchnet.nn.parameter import Parameter
from scratchnet.nn.utils.rnn import PackedSequence

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What RNN, LSTM and GRU share.

    Parameters
    ----------
    mode : {"LSTM", "GRU", "RNN_TANH", "RNN_RELU"}
    input_size : int
        Features of an element of the sequence, I.
    hidden_size : int
        Features of the hidden state, H.
    num_layers : int
        Layers upon layers: each takes the outputs of the one below as its sequence.
    bias : bool
        Whether there are biases.
    batch_first : bool
        Sequences and outputs are [N, T, ...] instead of [T, N, ...]. States are not concerned.
    dropout : float
        Probability to drop an element of the output of a layer that is not the last, in training.
    bidirectional : bool
        Each layer goes through the sequence in both directions; its output is that of both, side by side.
    proj_size : int
        With a value > 0, the hidden state is projected to so many features (LSTM only).

    Attributes
    ----------
    weight_ih_l[k], weight_hh_l[k] : [gates · H, features of the layer below], [gates · H, H]
        of layer k; gates are stacked: i, f, g, o of LSTM; r, z, n of GRU
    bias_ih_l[k], bias_hh_l[k] : [gates · H]
    weight_hr_l[k] : [proj_size, H]
        The same with `_reverse` for the other direction. Initial values are drawn from U(−1/√H, 1/√H).
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional, self.proj_size = bias, batch_first, bidirectional, proj_size
        self._check_options(dropout)
        self.dropout = float(dropout)
        self._all_weights: list[list[str]] = []
        rows, out = _GATES[mode] * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            below = input_size if layer == 0 else out * self._directions
            for suffix in ("", "_reverse")[: self._directions]:
                shapes: dict[str, Any] = {"weight_ih": (rows, below), "weight_hh": (rows, out)}
                shapes |= {"bias_ih": rows, "bias_hh": rows} if bias else {}
                shapes |= {"weight_hr": (proj_size, hidden_size)} if proj_size else {}
                self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])
                for name, shape in zip(self._all_weights[-1], shapes.values()):
                    self.register_parameter(name, unset(shape, device, dtype))
        self.reset_parameters()

    def _check_options(self, dropout: Any) -> None:
        if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:  # type: ignore[operator]
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed, "
                f"got {dropout!r}"
            )
        if dropout > 0 and self.num_layers == 1:  # type: ignore[operator]
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
                f"greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
            if not isinstance(getattr(self, name), kind):
                given = type(getattr(self, name)).__name__
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {given}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero, got {getattr(self, name)}")
        if not 0 <= self.proj_size < self.hidden_size:
            raise ValueError(
                f"proj_size has to be 0, for no projection, or positive and smaller than hidden_size "
                f"{self.hidden_size}, got {self.proj_size}"
            )
        if self.mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {self.mode}")

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of every layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing: on other devices, torch puts the parameters next to each other."""

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    # ---- forward -----------------------------------------------------------------------------------------
    def forward(self, input: Tensor | PackedSequence, hx: Any = None) -> tuple:
        states = None if hx is None else tuple(hx) if self.mode == "LSTM" else (hx,)
        if isinstance(input, PackedSequence):
            output, last = self._run_packed(input, states)
        else:
            output, last = self._run_padded(input, states)
        return output, last if self.mode == "LSTM" else last[0]

    def _run_packed(self, packed: PackedSequence, states: tuple | None) -> tuple:
        x, batch_sizes, order, back = packed
        if states is not None and order is not None:
            states = tuple(ops.index_select(s, 1, order) for s in states)
        states = self._checked(x, states, int(batch_sizes.array[0]), 2)
        y, *last = self._network(x, batch_sizes, states, *self._options)
        if back is not None:
            last = [ops.index_select(s, 1, back) for s in last]
        return PackedSequence(y, batch_sizes, order, back), tuple(last)

    def _run_padded(self, x: Tensor, states: tuple | None) -> tuple:
        dims = x.array.ndim
        if dims not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {dims}D instead")
        if states is not None and any(s.array.ndim != dims for s in states):
            raise RuntimeError(
                f"For {'batched 3-D' if dims == 3 else 'unbatched 2-D'} input, hx should also be {dims}-D but got "
                f"{', '.join(f'{s.array.ndim}-D' for s in states)}"
            )
        batch_dim = 0 if self.batch_first else 1
        if dims == 2:
            x = x.unsqueeze(batch_dim)
            states = states and tuple(s.unsqueeze(1) for s in states)
        states = self._checked(x, states, x.shape[batch_dim], 3)
        y, *last = self._network(x, states, *self._options, self.batch_first)
        if dims == 2:
            y, last = y.squeeze(batch_dim), [s.squeeze(1) for s in last]
        return y, tuple(last)

    def _checked(self, x: Tensor, states: tuple | None, batch: int, dims: int) -> tuple:
        """The initial states, zeros if none are given, if they and the input fit."""
        dtype = getattr(self, self._all_weights[0][0]).dtype
        if x.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype}). Convert input: input.to({dtype}), or "
                f"convert model: model.to({x.dtype})"
            )
        if x.array.ndim != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {x.array.ndim}")
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.shape[-1]}"
            )
        expected = [
            (self.num_layers * self._directions, batch, size)
            for size in (self.proj_size or self.hidden_size, self.hidden_size)[: 2 if self.mode == "LSTM" else 1]
        ]
        if states is None:
            return tuple(Tensor(np.zeros_like(x.array, shape=shape)) for shape in expected)
        for i, (state, shape) in enumerate(zip(states, expected, strict=True)):
            if tuple(state.shape) != shape:
                name = f"hidden[{i}]" if self.mode == "LSTM" else "hidden"
                raise RuntimeError(f"Expected {name} size {shape}, got {list(state.shape)}")
        return states

    @property
    def _options(self) -> tuple:
        """The arguments of `torch.lstm` and its like behind the states."""
        flat = [weight for weights in self.all_weights for weight in weights]
        return flat, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional

    def _network(self, *args: Any) -> tuple:
        return getattr(recurrent_layers, self.mode.lower())(*args)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = dict(proj_size=0, num_layers=1, bias=True, batch_first=False, dropout=0, bidirectional=False)
        changed = {name: getattr(self, name) for name, value in defaults.items() if getattr(self, name) != value}
        return text + "".join(f", {name}={value}" for name, value in changed.items())


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh), or max(·, 0) for tanh: Elman's network.

    J. Elman, "Finding Structure in Time", 1990. The arguments are those of `RNNBase`, after num_layers
    `nonlinearity`, "tanh" or "relu".

    Called with [T, N, input_size] (or [T, input_size], or a PackedSequence) and, optionally, the initial state
    [num_layers · directions, N, hidden_size]; returns the output [T, N, directions · hidden_size] and the last state.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """i, f, o = σ(z),  g = tanh(z),  c_t = f · c_{t−1} + i · g,  h_t = o · tanh(c_t),  z = W_ih x_t + W_hh h_{t−1} + b.

    S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", 1997. The arguments are those of `RNNBase`.

    Called with [T, N, input_size] (or [T, input_size], or a PackedSequence) and, optionally, the initial states
    (h, c), [num_layers · directions, N, hidden_size] each; returns the output [T, N, directions · hidden_size] and the last
    states. With proj_size, h and the output have proj_size features.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """r, z = σ(·),  n = tanh(W_in x_t + b_in + r · (W_hn h_{t−1} + b_hn)),  h_t = (1 − z) · n + z · h_{t−1}.

    K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", 2014.
    The arguments are those of `RNNBase`; called as `RNN`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)
