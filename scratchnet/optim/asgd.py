"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.options import check_not_negative, refuse


class ASGD(Optimizer):
    """Stochastic gradient descent, with the average of the weights kept beside them (state "ax").

        g = g + λ_w·p                            weight decay λ_w
        p = (1 − λη)·p − η·g
        a = a + μ·(p − a)
        η = γ / (1 + λγt)^α,  μ = 1 / max(1, t − t₀)   for the next step

    Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, lambd, alpha, t0, weight_decay : float
        γ, λ, α, t₀, λ_w
    maximize : bool

    Raises
    ------
    ValueError
        For a negative learning rate or weight decay.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_not_negative("learning rate", lr)
        check_not_negative("weight_decay value", weight_decay)
        refuse("ASGD", foreach=foreach, differentiable=differentiable, capturable=capturable)
        defaults = dict(
            lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        numbers = {"step": 0, "eta": float(group["lr"]), "mu": 1}
        return {**{name: np.array(x, np.float32) for name, x in numbers.items()}, "ax": np.zeros_like(p)}

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        step, eta, mu = (state[name].array for name in ("step", "eta", "mu"))
        kernels.asgd_step(
            p, g, state["ax"].array, eta.item(), mu.item(), group["lambd"], group["weight_decay"], group["maximize"]
        )
        lr = float(group["lr"])
        eta[...] = lr / (1 + group["lambd"] * lr * step.item()) ** group["alpha"]
        mu[...] = 1 / max(1, step.item() - group["t0"])
