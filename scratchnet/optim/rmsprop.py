"""RMSprop."""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_not_negative, refuse


class RMSprop(Optimizer):
    """Gradient descent with gradients divided by the root of the running mean of their squares.

        g = g + λ·p                              weight decay λ
        v = α·v + (1 − α)·g²
        r = g / (√v + ε)                         centred: √(v − m²), where m is the running mean of g
        b = μ·b + r,  p = p − γ·b                momentum μ; without it p = p − γ·r

    Hinton, "Neural Networks for Machine Learning, lecture 6e", 2012; Graves, "Generating Sequences With Recurrent
    Neural Networks", 2013, for the centred form.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, alpha, eps, weight_decay, momentum : float
        γ, α, ε, λ, μ
    centered, maximize : bool

    Raises
    ------
    ValueError
        For negative values.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative("learning rate", lr)
        check_not_negative("epsilon value", eps)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("alpha value", alpha)
        refuse("RMSprop", capturable=capturable, foreach=foreach, differentiable=differentiable)
        defaults = dict(
            lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
            capturable=capturable, foreach=foreach, maximize=maximize, differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        further = {"momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        return zeros(p, "square_avg", *(name for name, kept in further.items() if kept))

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        kernels.rmsprop_step(
            p, g, state["square_avg"].array,
            state["momentum_buffer"].array if group["momentum"] > 0 else None,
            state["grad_avg"].array if group["centered"] else None,
            float(group["lr"]), group["alpha"], group["eps"], group["weight_decay"], group["momentum"],
            group["maximize"],
        )  # fmt: skip
