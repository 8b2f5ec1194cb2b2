"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_not_negative, refuse


class Adagrad(Optimizer):
    """Gradient descent with a step size for each weight that shrinks with the squares of its gradients so far.

        g = g + λ·p                              weight decay λ
        s = s + g²
        p = p − γ/(1 + (t − 1)η) · g / (√s + ε)  decay η of the learning rate

    Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", 2011.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, lr_decay, weight_decay, eps : float
        γ, η, λ, ε
    initial_accumulator_value : float
        What s starts from.
    maximize : bool

    Raises
    ------
    ValueError
        For negative values.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_not_negative("learning rate", lr)
        check_not_negative("lr_decay value", lr_decay)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("initial_accumulator_value value", initial_accumulator_value)
        check_not_negative("epsilon value", eps)
        refuse("Adagrad", foreach=foreach, differentiable=differentiable, fused=fused)
        defaults = dict(
            lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, foreach=foreach, maximize=maximize,
            differentiable=differentiable, fused=fused,
        )  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._state_of(p, group)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {**zeros(p), "sum": np.full_like(p, group["initial_accumulator_value"])}

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        rate = float(group["lr"]) / (1 + (state["step"].array.item() - 1) * group["lr_decay"])
        kernels.adagrad_step(
            p, g, state["sum"].array, rate, group["eps"], group["weight_decay"], group["maximize"]
        )
