"""LARS: layer-wise adaptive rates."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.options import check_not_negative
from scratchnet.optim.sgd import SGD
from scratchnet.optim.trust import norm, trust_ratio


class LARS(SGD):
    """SGD with momentum, with a rate for each layer such that its step is a fixed share of its weights' length.

        r = η·‖p‖ / (‖g‖ + λ‖p‖ + ε)             trust; 1 where ‖p‖ or ‖g‖ is 0
        b = μ·b + (1 − τ)·r·(g + λ·p)            without (1 − τ) in the first step
        p = p − γ·b                              or p − γ·(r·(g + λ·p) + μ·b) with nesterov

    For large batches, whose large rates make some layers diverge while others hardly move. You, Gitman and Ginsburg,
    "Large Batch Training of Convolutional Networks", 2017, where γ stands inside of the momentum; here it stands
    outside, as in `SGD`. The two are equal while γ is constant.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
        A group with `trust_coeff=None` takes plain SGD's steps: usual for biases and norms.
    lr, momentum, dampening, weight_decay : float
        γ, μ, τ, λ
    nesterov : bool
        Look ahead along the momentum.
    trust_coeff, eps : float
        η, ε
    maximize : bool

    Raises
    ------
    ValueError
        For negative values, or nesterov without momentum or with dampening.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        trust_coeff: float | None = 1e-3,
        eps: float = 1e-8,
        *,
        maximize: bool = False,
    ) -> None:
        check_not_negative("epsilon value", eps)
        if trust_coeff is not None:
            check_not_negative("trust_coeff value", trust_coeff)
        super().__init__(params, lr, momentum, dampening, weight_decay, nesterov, maximize=maximize)
        options = dict(trust_coeff=trust_coeff, eps=eps)
        self.defaults.update(options)
        for group in self.param_groups:
            group.update({**options, **group})

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        decay, coefficient = group["weight_decay"], group["trust_coeff"]
        if coefficient is not None:
            weight, gradient = norm(p.array), norm(grad.array)
            length = gradient + decay * weight + group["eps"] if gradient else 0.0
            ratio = trust_ratio(weight, length, coefficient)
            grad, group = Tensor(grad.array * p.dtype.type(ratio)), {**group, "weight_decay": ratio * decay}
        super()._update(p, grad, group)
