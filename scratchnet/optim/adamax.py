"""Adamax."""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_adam_options, refuse


class Adamax(Optimizer):
    """Adam with the largest gradient, less and less of the past ones, in place of the root of the mean square.

        g = g + λ·p                              weight decay λ
        m = β₁·m + (1 − β₁)·g
        u = max(β₂·u, |g| + ε)
        p = p − γ/(1 − β₁ᵗ) · m / u

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2014, section 7.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, eps, weight_decay : float
        γ, ε, λ
    betas : (float, float)
        β₁ and β₂, in [0, 1)
    maximize : bool

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
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_adam_options(lr, betas, eps, weight_decay)
        refuse("Adamax", foreach=foreach, differentiable=differentiable, capturable=capturable)
        defaults = dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return zeros(p, "exp_avg", "exp_inf")

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        kernels.adamax_step(
            p, g, state["exp_avg"].array, state["exp_inf"].array, state["step"].array.item(), float(group["lr"]),
            *group["betas"], group["eps"], group["weight_decay"], group["maximize"],
        )  # fmt: skip
