"""Positions that are added to the tokens of a Transformer: fixed waves, or learned."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import init
from scratchnet.nn.module import Module
from scratchnet.nn.modules.dropout import Dropout
from scratchnet.nn.modules.factory import full, positive, unset


def frequencies(features: int, base: float) -> np.ndarray:
    """base^(−2i / features) for i = 0, 1, …: ⌈features / 2⌉ of them, from 1 down to nearly 1/base."""
    return np.power(float(base), -np.arange(0, features, 2) / features)


def sinusoidal_positions(length: int, d_model: int, base: float = 10000.0) -> Tensor:
    """P[p, 2i] = sin(p / base^(2i/E)),  P[p, 2i + 1] = cos(p / base^(2i/E)): waves from length 2π to 2π · base.

    A step to the right turns every pair (sin, cos) by an angle of its own, so that P[p + k] is a linear map of P[p].

    Vaswani et al., "Attention Is All You Need", 2017.

    Parameters
    ----------
    length, d_model : int
        Numbers of positions and of features E.
    base : float

    Returns
    -------
    [length, E], float64

    Examples
    --------
    >>> sinusoidal_positions(2, 4)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]], dtype=scratchnet.float64)
    """
    angles = np.arange(length)[:, None] * frequencies(d_model, base)
    return Tensor(np.stack([np.sin(angles), np.cos(angles)], 2).reshape(length, -1)[:, :d_model].copy())


class _Positions(Module):
    """y = dropout(x + P[:L]); subclasses have P in `weight`."""

    weight: Tensor

    def __init__(self, max_len: int, d_model: int, dropout: float, batch_first: bool) -> None:
        super().__init__()
        self.max_len = positive(max_len, type(self).__name__, "max_len")
        self.d_model = positive(d_model, type(self).__name__, "d_model")
        self.batch_first = batch_first
        self.dropout = Dropout(dropout)

    def forward(self, input: Tensor) -> Tensor:
        shape = input.array.shape
        if len(shape) not in (2, 3) or shape[-1] != self.d_model:
            wanted = "[N, L, E]" if self.batch_first else "[L, N, E]"
            raise RuntimeError(
                f"{type(self).__name__}: expected input {wanted} or [L, E] with E={self.d_model}, got shape {shape}"
            )
        several_last = len(shape) == 3 and not self.batch_first  # [L, N, E]
        length = shape[0] if several_last else shape[-2]
        if length > self.max_len:
            raise RuntimeError(f"{type(self).__name__}: {length} positions, but max_len={self.max_len}")
        weight = self.weight[:length]
        return self.dropout(input + (weight.unsqueeze(1) if several_last else weight))

    def extra_repr(self) -> str:
        return f"{self.max_len}, {self.d_model}" + ", batch_first=True" * self.batch_first


class SinusoidalPositions(_Positions):
    """y = dropout(x + P),   P[p, 2i] = sin(p / base^(2i/E)),   P[p, 2i + 1] = cos(p / base^(2i/E))

    Vaswani et al., "Attention Is All You Need", 2017. See `sinusoidal_positions`.

    Parameters
    ----------
    max_len : int
        The most positions.
    d_model : int
        Features E.
    dropout : float
    base : float
    batch_first : bool
        Input and output are [N, L, E] instead of [L, N, E].

    Attributes
    ----------
    weight : [max_len, E]
        P; not in the state, since the arguments tell it.

    Raises
    ------
    RuntimeError
        If the input has another shape, or more positions.

    Shapes: [L, N, E] or [L, E] to the same; L ≤ max_len
    """

    def __init__(
        self,
        max_len: int,
        d_model: int,
        dropout: float = 0.0,
        base: float = 10000.0,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(max_len, d_model, dropout, batch_first)
        weight = full((max_len, d_model), 0, device, dtype)
        self.register_buffer("weight", weight.copy_(sinusoidal_positions(max_len, d_model, base)), persistent=False)


class LearnedPositions(_Positions):
    """y = dropout(x + P), with a learned P.

    Gehring, Auli, Grangier, Yarats and Dauphin, "Convolutional Sequence to Sequence Learning", 2017.

    Parameters
    ----------
    max_len, d_model, dropout, batch_first : as of `SinusoidalPositions`

    Attributes
    ----------
    weight : [max_len, E]
        P; drawn from N(0, 0.02²).

    Shapes and errors are those of `SinusoidalPositions`.
    """

    def __init__(
        self,
        max_len: int,
        d_model: int,
        dropout: float = 0.0,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(max_len, d_model, dropout, batch_first)
        self.weight = unset((max_len, d_model), device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.weight, std=0.02)
