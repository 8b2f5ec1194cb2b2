"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.options import check_not_negative, refuse


class SGD(Optimizer):
    """Stochastic gradient descent with momentum.

        d = g + λ·p                              weight decay λ; −g + λ·p to maximize
        b = μ·b + (1 − τ)·d                      momentum μ, dampening τ; b = d in the first step
        p = p − γ·b                              or p − γ·(d + μ·b) with nesterov

    Robbins and Monro, "A Stochastic Approximation Method", 1951; Sutskever, Martens, Dahl and Hinton, "On the
    importance of initialization and momentum in deep learning", 2013, for the form of Nesterov's momentum.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr : float
        γ
    momentum, dampening, weight_decay : float
        μ, τ, λ
    nesterov : bool
        Look ahead along the momentum.
    maximize : bool
        Ascend instead of descending.

    Raises
    ------
    ValueError
        For negative values, or nesterov without momentum or with dampening.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_not_negative("learning rate", lr)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        refuse("SGD", foreach=foreach, differentiable=differentiable, fused=fused)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        momentum, buffer, first = group["momentum"], None, False
        if momentum:
            state = self.state[p]
            first = state.get("momentum_buffer") is None
            if first:
                state["momentum_buffer"] = Tensor(np.empty_like(p.array))
            buffer = state["momentum_buffer"].array
        kernels.sgd_step(
            p.array,
            grad.array,
            buffer,
            float(group["lr"]),
            momentum,
            group["dampening"],
            group["weight_decay"],
            group["nesterov"],
            group["maximize"],
            first,
        )
        p._counter[0] += 1
