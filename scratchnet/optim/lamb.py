"""LAMB: Adam with layer-wise adaptive rates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_adam_options
from scratchnet.optim.trust import norm, trust_ratio


class LAMB(Optimizer):
    """Adam with decoupled weight decay, whose step of each layer is made as long as γ times its weights.

        m = β₁·m + (1 − β₁)·g,  v = β₂·v + (1 − β₂)·g²
        u = m̂ / (√v̂ + ε) + λ·p                   m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)
        p = p − γ · ‖p‖/‖u‖ · u                  without the ratio where ‖p‖ or ‖u‖ is 0

    The gradients are not clipped; where the published training did so, call `nn.utils.clip_grad_norm_` before.
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
        The most that the ratio may be, more than 0.
    always_adapt : bool
        False, as in timm by default: groups without weight decay (biases and norms) take Adam's steps, without the
        ratio.
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
        check_adam_options(lr, betas, eps, weight_decay)
        if trust_clip is not None and not trust_clip > 0:
            raise ValueError(f"Invalid trust_clip value: {trust_clip}; leave it out for no limit")
        defaults = dict(
            lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, bias_correction=bias_correction,
            trust_clip=trust_clip, always_adapt=always_adapt, maximize=maximize,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return zeros(p, "exp_avg", "exp_avg_sq")

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        (beta1, beta2), t = group["betas"], state["step"].array.item()
        step, since = np.zeros_like(p), t if group["bias_correction"] else math.inf
        kernels.adam_step(  # from 0 at a rate of −1, which leads to m̂ / (√v̂ + ε)
            step, g, state["exp_avg"].array, state["exp_avg_sq"].array, since, -1.0, beta1, beta2, group["eps"],
            maximize=group["maximize"],
        )  # fmt: skip
        if group["weight_decay"]:
            step += group["weight_decay"] * p
        ratio = trust_ratio(norm(p), norm(step)) if group["always_adapt"] or group["weight_decay"] else 1.0
        if group["trust_clip"] is not None:
            ratio = min(ratio, group["trust_clip"])
        step *= p.dtype.type(float(group["lr"]) * ratio)
        p -= step
