"""Variants of the LSTM that torch does not have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import init
from scratchnet.nn.functional.recurrent_variants import peephole_lstm
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import positive, unset


class PeepholeLSTM(Module):
    """An LSTM layer whose gates see the cell, see `functional.recurrent_variants.peephole_step`.

    Gers and Schmidhuber, "Recurrent Nets that Time and Count", 2000.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
        Whether there is a bias.
    batch_first : bool
        Input and output are [N, T, ...] instead of [T, N, ...].
    peepholes : bool
        Whether there are peepholes.
    coupled : bool
        The input gate is 1 − the forget gate (Greff et al., "LSTM: A Search Space Odyssey", 2015).

    Attributes
    ----------
    weight_ih, weight_hh, bias : [G H, I], [G H, H], [G H]
        of the gates i, f, g, o, or f, g, o if coupled
    weight_ch : [G − 1, H]
        The peepholes, of all but g. Initial values are drawn from U(−1/√H, 1/√H).

    Called with [T, N, I] and, optionally, (h, c), [N, H] each; returns the output [T, N, H] and the last (h, c).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        batch_first: bool = False,
        peepholes: bool = True,
        coupled: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = positive(input_size, "PeepholeLSTM", "input_size")
        self.hidden_size = positive(hidden_size, "PeepholeLSTM", "hidden_size")
        self.batch_first, self.coupled = batch_first, coupled
        gates = 3 if coupled else 4
        self.weight_ih = unset((gates * hidden_size, input_size), device, dtype)
        self.weight_hh = unset((gates * hidden_size, hidden_size), device, dtype)
        self.register_parameter("bias", unset(gates * hidden_size, device, dtype) if bias else None)
        self.register_parameter("weight_ch", unset((gates - 1, hidden_size), device, dtype) if peepholes else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(max(self.hidden_size, 1))
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        x = input.transpose(0, 1) if self.batch_first else input
        if hx is None:
            hx = (Tensor(np.zeros_like(x.array, shape=(x.shape[1], self.hidden_size))),) * 2
        y, h, c = peephole_lstm(x, hx, self.weight_ih, self.weight_hh, self.bias, self.weight_ch, self.coupled)
        return y.transpose(0, 1) if self.batch_first else y, (h, c)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        text += ", bias=False" * (self.bias is None) + ", batch_first=True" * self.batch_first
        return text + ", peepholes=False" * (self.weight_ch is None) + ", coupled=True" * self.coupled
