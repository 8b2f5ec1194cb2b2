"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_not_negative, refuse


class Rprop(Optimizer):
    """Steps from the signs of the gradients alone: longer while a sign stays, shorter when it changes.

        s = s·η₊ where g has the sign it had before, s·η₋ where it has changed, within [s_min, s_max]
        g = 0 where its sign has changed
        p = p − sign(g)·s

    For whole batches: noise in the gradient changes signs. Riedmiller and Braun, "A Direct Adaptive Method for Faster
    Backpropagation Learning: The RPROP Algorithm", 1993.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr : float
        What s starts from.
    etas : (float, float)
        0 < η₋ < 1 < η₊
    step_sizes : (float, float)
        s_min and s_max
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
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_not_negative("learning rate", lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        refuse("Rprop", capturable=capturable, foreach=foreach, differentiable=differentiable)
        defaults = dict(
            lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach, maximize=maximize,
            differentiable=differentiable, capturable=capturable,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {**zeros(p, "prev"), "step_size": np.full_like(p, float(group["lr"]))}

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        kernels.rprop_step(
            p, g, state["prev"].array, state["step_size"].array, *group["etas"], *group["step_sizes"],
            group["maximize"],
        )  # fmt: skip
