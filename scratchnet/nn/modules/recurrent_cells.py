"""Single steps of recurrent layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import init
from scratchnet.nn.functional.recurrent_layers import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import unset


class RNNCellBase(Module):
    """What the cells share.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
        Whether there are biases.
    num_chunks : int
        Number of gates.

    Attributes
    ----------
    weight_ih, weight_hh : [num_chunks · hidden_size, input_size], [num_chunks · hidden_size, hidden_size]
    bias_ih, bias_hh : [num_chunks · hidden_size]
        Initial values are drawn from U(−1/√hidden_size, 1/√hidden_size).
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = unset((rows, input_size), device, dtype)
        self.weight_hh = unset((rows, hidden_size), device, dtype)
        self.register_parameter("bias_ih", unset(rows, device, dtype) if bias else None)
        self.register_parameter("bias_hh", unset(rows, device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")

    def _step(self, cell: Any, input: Tensor, states: tuple | None, count: int) -> tuple:
        """`cell`, also of an input without a batch, and from zeros if no states are given."""
        name, dims = type(self).__name__, input.array.ndim
        if dims not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {dims}D instead")
        for i, state in enumerate(states or ()):
            if state.array.ndim not in (1, 2):
                what = f"hx[{i}]" if count > 1 else "hidden"
                raise ValueError(f"{name}: Expected {what} to be 1D or 2D, got {state.array.ndim}D instead")
        x = input if dims == 2 else input.unsqueeze(0)
        if states is None:
            states = (Tensor(np.zeros_like(x.array, shape=(x.shape[0], self.hidden_size))),) * count
        elif dims == 1:
            states = tuple(s.unsqueeze(0) for s in states)
        new = cell(x, states if count > 1 else states[0], self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        new = new if count > 1 else (new,)
        return new if dims == 2 else tuple(s.squeeze(0) for s in new)


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(·, 0) for tanh: a step of `RNN`.

    Called with the input [N, input_size] or [input_size] and, optionally, the state [N, hidden_size].
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        cells = {"tanh": rnn_tanh_cell, "relu": rnn_relu_cell}
        if self.nonlinearity not in cells:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(cells[self.nonlinearity], input, None if hx is None else (hx,), 1)[0]

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """A step of `LSTM`.

    Called with the input [N, input_size] or [input_size] and, optionally, the states (h, c), [N, hidden_size] each;
    returns the new ones.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        return self._step(lstm_cell, input, None if hx is None else tuple(hx), 2)


class GRUCell(RNNCellBase):
    """A step of `GRU`, called as `RNNCell`.

    An input [N, input_size] or [input_size], a state [N, hidden_size] or [hidden_size], which is also the result.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(gru_cell, input, None if hx is None else (hx,), 1)[0]
