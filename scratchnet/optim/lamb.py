"""LAMB: Adam with layer-wise adaptive rates."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.optimizer_pass import direction
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_betas, check_not_negative
from scratchnet.optim.trust import norm, trust_ratio


class LAMB(Optimizer):
    """Adam with decoupled weight decay, whose step of each layer is made as long as γ times its weights.

        m = β₁·m + (1 − β₁)·g,  v = β₂·v + (1 − β₂)·g²
        u = m̂ / (√v̂ + ε) + λ·p                   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
        p = p − γ · ‖p‖/‖u‖ · u                  without the ratio where ‖p‖ or ‖u‖ is 0

    You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2019.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr : float
        γ
    betas : (float, float)
        β₁ and β₂, in [0, 1)
    eps, weight_decay : float
        ε, λ
    bias_correction : bool
        Use m and v as they are if False.
    trust_clip : float, optional
        The most that the ratio may be.
    always_adapt : bool
        False: groups without weight decay (biases and norms) take Adam's steps, without the ratio.
    maximize : bool

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
        eps: float = 1e-6,
        weight_decay: float = 1e-2,
        bias_correction: bool = True,
        trust_clip: float | None = None,
        always_adapt: bool = True,
        *,
        maximize: bool = False,
    ) -> None:
        check_not_negative("learning rate", lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        if trust_clip is not None:
            check_not_negative("trust_clip value", trust_clip)
        defaults = dict(
            lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, bias_correction=bias_correction,
            trust_clip=trust_clip, always_adapt=always_adapt, maximize=maximize,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return zeros(p, "exp_avg", "exp_avg_sq")

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        (beta1, beta2), t = group["betas"], state["step"].array.item()
        m, v = state["exp_avg"].array, state["exp_avg_sq"].array
        d = direction(p, g, 0, group["maximize"])
        m += (1 - beta1) * (d - m)
        v *= beta2
        v += (1 - beta2) * d * d
        first, second = (1 - beta1**t, 1 - beta2**t) if group["bias_correction"] else (1, 1)
        step = m / first / (np.sqrt(v / second) + group["eps"]) + group["weight_decay"] * p
        ratio = trust_ratio(norm(p), norm(step)) if group["always_adapt"] or group["weight_decay"] else 1.0
        if group["trust_clip"] is not None:
            ratio = min(ratio, group["trust_clip"])
        p -= p.dtype.type(float(group["lr"]) * ratio) * step
