"""Adadelta."""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_not_negative, refuse


class Adadelta(Optimizer):
    """Gradient descent whose steps have the unit of the weights: no learning rate need be chosen.

        g = g + λ·p                              weight decay λ
        v = ρ·v + (1 − ρ)·g²
        δ = √(u + ε) / √(v + ε) · g
        u = ρ·u + (1 − ρ)·δ²
        p = p − γ·δ

    Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, eps, weight_decay : float
        γ, ε, λ
    rho : float
        ρ, in [0, 1]
    maximize : bool

    Raises
    ------
    ValueError
        For values out of their range.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative("learning rate", lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        refuse("Adadelta", foreach=foreach, capturable=capturable, differentiable=differentiable)
        defaults = dict(
            lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, capturable=capturable,
            foreach=foreach, differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return zeros(p, "square_avg", "acc_delta")

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        kernels.adadelta_step(
            p, g, state["square_avg"].array, state["acc_delta"].array, float(group["lr"]), group["rho"], group["eps"],
            group["weight_decay"], group["maximize"],
        )  # fmt: skip
