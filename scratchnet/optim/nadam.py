"""Adam with Nesterov momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.options import check_adam_options, check_not_negative, refuse


class NAdam(Optimizer):
    """Adam that looks ahead along its momentum, which grows with time.

        g = g + λ·p                              weight decay λ, if it is not decoupled
        μ_t = β₁ · (1 − 0.96^(tψ) / 2)           momentum decay ψ;  Π_t = μ₁ μ₂ … μ_t
        m = β₁·m + (1 − β₁)·g,  v = β₂·v + (1 − β₂)·g²
        m̂ = μ_{t+1}·m / (1 − Π_{t+1}) + (1 − μ_t)·g / (1 − Π_t)
        p = p − γ · m̂ / (√(v / (1 − β₂ᵗ)) + ε)

    Decoupled weight decay multiplies p by 1 − γλ instead. Dozat, "Incorporating Nesterov Momentum into Adam", 2016.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, eps, weight_decay, momentum_decay : float
        γ, ε, λ, ψ
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
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_adam_options(lr, betas, eps, weight_decay)
        check_not_negative("momentum_decay value", momentum_decay)
        refuse("NAdam", foreach=foreach, capturable=capturable, differentiable=differentiable)
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": np.zeros((), np.float32), "mu_product": np.ones((), np.float32),
                **{name: np.zeros_like(p) for name in ("exp_avg", "exp_avg_sq")}}  # fmt: skip

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        (beta1, beta2), lr, decay = group["betas"], float(group["lr"]), group["weight_decay"]
        step, product = state["step"].array.item(), state["mu_product"].array
        mu, following = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        product *= mu
        decoupled = group["decoupled_weight_decay"]
        kernels.moments_step(
            p, g, state["exp_avg"].array, state["exp_avg_sq"].array,
            lr * (1 - mu) / (1 - product.item()), lr * following / (1 - product.item() * following),
            (1 - beta2**step) ** -0.5, group["eps"], beta1, beta2, 0 if decoupled else decay,
            1 - lr * decay if decoupled else 1, group["maximize"],
        )  # fmt: skip
