"""Lookahead: k steps forward, 1 step back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.wrapper import OptimizerWrapper


class Lookahead(OptimizerWrapper):
    """Another optimizer explores for k steps; slow weights go part of the way, and it starts again from there.

        θ = θ − step of the optimizer            k times, from θ = φ
        φ = φ + α·(θ − φ),  θ = φ

    The slow weights φ start where the parameters are at the first step. Zhang, Lucas, Hinton and Ba, "Lookahead
    Optimizer: k steps forward, 1 step back", 2019. The state of the inner optimizer is kept at synchronisation.

    Parameters
    ----------
    optimizer : Optimizer
        The one that explores.
    k : int
        Its steps between two of the slow weights.
    alpha : float
        α in [0, 1]

    Raises
    ------
    TypeError
        If `optimizer` is none.
    ValueError
        For values out of their range.

    >>> from scratchnet import nn, optim, ones
    >>> w = nn.Parameter(ones(1))
    >>> optimizer = optim.Lookahead(optim.SGD([w], lr=1.0), k=2, alpha=0.5)
    >>> for _ in range(2):
    ...     w.grad = ones(1)
    ...     optimizer.step()
    >>> w.tolist()                        # to 0 and −1; half way back to 1
    [0.0]
    """

    def __init__(self, optimizer: Optimizer, k: int = 5, alpha: float = 0.5) -> None:
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"Invalid number of steps k: {k}")
        if not 0.0 <= alpha <= 1.0:
            raise ValueError(f"Invalid alpha: {alpha}")
        super().__init__(optimizer, {"lookahead_k": k, "lookahead_alpha": alpha, "lookahead_step": 0})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of the wrapped optimizer; after every k-th, one of the slow weights."""
        for group in self.param_groups:
            for p in group["params"]:
                if not self.state[p]:
                    self.state[p]["slow_param"] = Tensor(p.array.copy())
        loss = self.optimizer.step(closure)
        for group in self.param_groups:
            group["lookahead_step"] += 1
            if group["lookahead_step"] % group["lookahead_k"] == 0:
                for p in group["params"]:
                    slow = self.state[p]["slow_param"].array
                    slow += p.dtype.type(group["lookahead_alpha"]) * (p.array - slow)
                    p.array[...] = slow
                    p._counter[0] += 1
        return loss
