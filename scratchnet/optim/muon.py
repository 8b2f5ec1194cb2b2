"""Muon."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.options import check_one_element


class Muon(Optimizer):
    """Gradient descent with momentum, whose step of a matrix is replaced by the orthogonal matrix nearest to it.

        b = μ·b + (1 − μ)·g,  d = (1 − μ)·g + μ·b    with nesterov; else d = b
        O = U Vᵀ of the singular value decomposition d = U S Vᵀ, nearly: by the iteration of Newton and Schulz
        p = (1 − γλ)·p − γ·r·O

    r is √max(1, rows / columns), or 0.2·√max(rows, columns) to match the size of Adam's steps. The iteration
    X = a·X + (b·X Xᵀ + c·(X Xᵀ)²)·X runs in bfloat16, from d / ‖d‖. For matrices only, and best for hidden layers.
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; Liu et al., "Muon is Scalable for
    LLM Training", 2025.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, weight_decay, momentum : float
        γ, λ, μ
    nesterov : bool
    ns_coefficients : (float, float, float)
        a, b, c
    eps : float
        The least norm to divide by.
    ns_steps : int
        Iterations, below 100.
    adjust_lr_fn : "original" or "match_rms_adamw", optional
        Which r.

    Raises
    ------
    ValueError
        For values out of their range, or a parameter that is no matrix.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_one_element("lr", lr)
        for name, value in (("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay)):
            if not value >= 0:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = dict(
            lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, ns_coefficients=ns_coefficients,
            eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn,
        )  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.array.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {p.array.shape}"
                    )

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": np.zeros_like(p)}

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        lr, share, mean = float(group["lr"]), p.dtype.type(1 - group["momentum"]), state["momentum_buffer"].array
        mean += share * (g - mean)
        d = g + p.dtype.type(group["momentum"]) * (mean - g) if group["nesterov"] else mean
        step = orthogonalised(d, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = p.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            ratio = 0.2 * math.sqrt(max(rows, columns))
        else:
            ratio = math.sqrt(max(1, rows / columns))
        p *= p.dtype.type(1 - lr * group["weight_decay"])
        p -= p.dtype.type(lr * ratio) * step.astype(p.dtype)


def orthogonalised(d: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """Nearly U Vᵀ of the singular value decomposition of a matrix: singular values between about 0.7 and 1.2."""
    if steps >= 100:
        raise ValueError(f"Number of steps must be less than 100 for computational efficiency, got {steps}")
    if len(coefficients) != 3:
        raise ValueError(f"Coefficients must be a tuple of exactly 3 values, got {coefficients}")
    a, b, c = (np.float32(x) for x in coefficients)
    x = _bfloat16(d)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = _bfloat16(x / max(_bfloat16(np.linalg.norm(x)), np.float32(eps)))
    for _ in range(steps):
        gram = _bfloat16(x @ x.T)
        polynomial = _bfloat16(b * gram + c * (gram @ gram))
        x = _bfloat16(a * x + polynomial @ x)
    return x.T if tall else x


def _bfloat16(x: Any) -> Any:
    """float32 rounded to the 8 bits of bfloat16's mantissa, ties to even."""
    x = np.asarray(x, np.float32)
    bits = x.view(np.uint32)
    rounded = ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return np.where(np.isnan(x), x, rounded)
