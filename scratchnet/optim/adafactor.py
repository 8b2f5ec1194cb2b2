"""Adafactor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_one_element, refuse


class Adafactor(Optimizer):
    """Adam without a mean, whose mean squares of a matrix are kept as those of its rows and its columns alone.

        β̂_t = 1 − t^τ                                       τ = beta2_decay
        R = β̂·R + (1 − β̂)·mean of g² over columns,  C likewise over rows,  V = R C / mean(R)
        u = g / √max(V, ε₁²),  û = u / max(1, RMS(u)/d)
        p = p − max(ε₂, RMS(p)) · min(γ, 1/√t) · û,         after p = (1 − γλ)·p

    Of a vector the mean squares V themselves are kept. Shazeer and Stern, "Adafactor: Adaptive Learning Rates with
    Sublinear Memory Cost", 2018.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, beta2_decay, d, weight_decay : float
        γ, τ, d, λ
    eps : (float or None, float)
        ε₁, by default that of the dtype, and ε₂
    maximize : bool

    Raises
    ------
    ValueError
        For values out of their range.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_one_element("lr", lr)
        for name, good, value in (
            ("Learning rate should be >= 0", lr >= 0, lr),
            ("beta2_decay should be <= 0", beta2_decay <= 0, beta2_decay),
            ("epsilon1 should be >= 0", eps[0] is None or eps[0] >= 0, eps[0]),
            ("epsilon2 should be >= 0", eps[1] >= 0, eps[1]),
            ("Clipping threshold d should be >= 1", d >= 1, d),
            ("weight_decay should be >= 0", weight_decay >= 0, weight_decay),
        ):
            if not good:
                raise ValueError(f"{name} but is: {value}")
        refuse("Adafactor", foreach=foreach)
        defaults = dict(
            lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, foreach=foreach,
            maximize=maximize,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        if p.ndim < 2:
            return zeros(p, "variance")
        rows, columns = (*p.shape[:-1], 1), (*p.shape[:-2], 1, p.shape[-1])
        return {**zeros(p), "row_var": np.zeros(rows, p.dtype), "col_var": np.zeros(columns, p.dtype)}

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        step, lr = state["step"].array.item(), float(group["lr"])
        eps1, eps2 = group["eps"]
        eps1 = float(np.finfo(p.dtype).eps) if eps1 is None else eps1
        share = step ** group["beta2_decay"]
        rate = max(eps2, _rms(p)) * min(lr, 1 / math.sqrt(step))
        if group["weight_decay"] != 0:
            p *= p.dtype.type(1 - lr * group["weight_decay"])
        squares = np.square(g)
        if p.ndim > 1:
            rows, columns = state["row_var"].array, state["col_var"].array
            rows += share * (squares.mean(-1, keepdims=True) - rows)
            columns += share * (squares.mean(-2, keepdims=True) - columns)
            variance = rows @ columns / np.maximum(rows.mean(-2, keepdims=True), eps1)
        else:
            variance = state["variance"].array
            variance += share * (squares - variance)
        update = g / np.sqrt(np.maximum(variance, eps1 * eps1))
        rate /= max(1.0, _rms(update) / group["d"])
        p += rate * update if group["maximize"] else -rate * update


def _rms(x: Any) -> float:
    """The root of the mean square."""
    return float(np.linalg.norm(x)) / math.sqrt(x.size)
