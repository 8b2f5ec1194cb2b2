"""AdaBound."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.optimizer_pass import direction
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_adam_options, check_not_negative


class AdaBound(Optimizer):
    """Adam, whose step sizes are bounded ever more tightly around one value: it begins as Adam and ends as SGD.

        g = g + λ·p                              weight decay λ
        m = β₁·m + (1 − β₁)·g,  v = β₂·v + (1 − β₂)·g²
        s = γ·√(1 − β₂ᵗ) / (1 − β₁ᵗ) / (√v + ε)  for each weight; amsbound uses the largest v so far
        p = p − clip(s, η·(1 − 1/(κt + 1)), η·(1 + 1/(κt))) · m

    η is `final_lr`, and follows a schedule: it is scaled as γ has been since the parameters were added. κ is `gamma`.
    Luo, Xiong, Liu and Sun, "Adaptive Gradient Methods with Dynamic Bound of Learning Rate", 2019. ε is added before
    the correction of the bias, as in the authors' implementation.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr : float
        γ, the step size of Adam.
    betas : (float, float)
        β₁ and β₂, in [0, 1)
    final_lr : float
        η, the step size of SGD.
    gamma : float
        κ in (0, 1): how fast the bounds close.
    eps, weight_decay : float
        ε, λ
    amsbound, maximize : bool

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
        final_lr: float = 0.1,
        gamma: float = 1e-3,
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsbound: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        check_adam_options(lr, betas, eps, weight_decay)
        check_not_negative("final learning rate", final_lr)
        if not 0.0 < gamma < 1.0:
            raise ValueError(f"Invalid gamma parameter: {gamma}")
        defaults = dict(
            lr=lr, betas=tuple(betas), final_lr=final_lr, gamma=gamma, eps=eps, weight_decay=weight_decay,
            amsbound=amsbound, maximize=maximize,
        )  # fmt: skip
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As `Optimizer.add_param_group`; the group's present rate is what its schedule is compared with."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        group.setdefault("base_lr", float(group["lr"]))

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return zeros(p, "exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsbound"] else ()))

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        (beta1, beta2), lr, t = group["betas"], float(group["lr"]), state["step"].array.item()
        m, v = state["exp_avg"].array, state["exp_avg_sq"].array
        d = direction(p, g, group["weight_decay"], group["maximize"])
        m += (1 - beta1) * (d - m)
        v *= beta2
        v += (1 - beta2) * d * d
        if group["amsbound"]:
            v = np.maximum(state["max_exp_avg_sq"].array, v, out=state["max_exp_avg_sq"].array)
        sizes = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t) / (np.sqrt(v) + group["eps"])
        final = group["final_lr"] * (lr / group["base_lr"] if group["base_lr"] else 1.0)
        low, high = final * (1 - 1 / (group["gamma"] * t + 1)), final * (1 + 1 / (group["gamma"] * t))
        p -= np.clip(sizes, low, high) * m
