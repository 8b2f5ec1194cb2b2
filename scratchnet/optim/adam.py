"""Adam."""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_adam_options, refuse


class Adam(Optimizer):
    """Gradient descent with a step size for each weight, from running moments of its gradient.

        g = g + λ·p                              weight decay λ, if it is not decoupled
        m = β₁·m + (1 − β₁)·g                    running mean
        v = β₂·v + (1 − β₂)·g²                   running mean square; amsgrad uses its largest value so far
        p = p − γ · m̂ / (√v̂ + ε)                 m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ), which started at 0

    Decoupled weight decay multiplies p by 1 − γλ instead. Kingma and Ba, "Adam: A Method for Stochastic
    Optimization", 2014; Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond", 2018, for amsgrad.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr : float
        γ
    betas : (float, float)
        β₁ and β₂, in [0, 1)
    eps, weight_decay : float
        ε, λ
    amsgrad, maximize, decoupled_weight_decay : bool

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
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_adam_options(lr, betas, eps, weight_decay)
        if not any(all(isinstance(beta, kind) for beta in betas) for kind in (float, Tensor)):
            raise ValueError(f"betas must be either both floats or both Tensors, got {betas}")
        refuse("Adam", foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused)
        defaults = {
            "lr": lr,
            "betas": tuple(betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return zeros(p, "exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsgrad"] else ()))

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        kernels.adam_step(
            p,
            g,
            state["exp_avg"].array,
            state["exp_avg_sq"].array,
            state["step"].array.item(),
            float(group["lr"]),
            *map(float, group["betas"]),
            group["eps"],
            group["weight_decay"],
            group["decoupled_weight_decay"],
            group["maximize"],
            state["max_exp_avg_sq"].array if group["amsgrad"] else None,
        )
