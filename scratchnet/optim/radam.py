"""Rectified Adam."""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_adam_options, refuse


class RAdam(Optimizer):
    """Adam that waits with step sizes of their own until there are gradients enough to estimate them from.

        g = g + λ·p                              weight decay λ, if it is not decoupled
        m = β₁·m + (1 − β₁)·g,  v = β₂·v + (1 − β₂)·g²,  m̂ = m / (1 − β₁ᵗ)
        ρ = 2/(1 − β₂) − 1,  ρ_t = ρ − 2t·β₂ᵗ / (1 − β₂ᵗ)
        r = √((ρ_t − 4)(ρ_t − 2)ρ / ((ρ − 4)(ρ − 2)ρ_t))
        p = p − γ · r · m̂ · √(1 − β₂ᵗ) / (√v + ε)   if ρ_t > 5, else p = p − γ · m̂

    Decoupled weight decay multiplies p by 1 − γλ instead. Liu et al., "On the Variance of the Adaptive Learning Rate
    and Beyond", 2019.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, eps, weight_decay : float
        γ, ε, λ
    betas : (float, float)
        β₁ and β₂, in [0, 1)
    decoupled_weight_decay, maximize : bool

    Raises
    ------
    ValueError
        For values out of their range.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_adam_options(lr, betas, eps, weight_decay)
        refuse("RAdam", foreach=foreach, capturable=capturable, differentiable=differentiable)
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize, foreach=foreach,
            capturable=capturable, decoupled_weight_decay=decoupled_weight_decay, differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return zeros(p, "exp_avg", "exp_avg_sq")

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        (beta1, beta2), lr, decay = group["betas"], float(group["lr"]), group["weight_decay"]
        step = state["step"].array.item()
        rate, root = lr / (1 - beta1**step), None
        limit = 2 / (1 - beta2) - 1
        length = limit - 2 * step * beta2**step / (1 - beta2**step)
        if length > 5:
            rate *= ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) ** 0.5
            rate, root = rate * (1 - beta2**step) ** 0.5, 1.0
        decoupled = group["decoupled_weight_decay"]
        kernels.moments_step(
            p, g, state["exp_avg"].array, state["exp_avg_sq"].array, 0, rate, root, group["eps"], beta1, beta2,
            0 if decoupled else decay, 1 - lr * decay if decoupled else 1, group["maximize"],
        )  # fmt: skip
