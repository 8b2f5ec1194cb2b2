"""SAM: sharpness-aware minimisation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.options import check_not_negative
from scratchnet.optim.trust import norm
from scratchnet.optim.wrapper import OptimizerWrapper, evaluated


class SAM(OptimizerWrapper):
    """A step along the gradient taken at the worst point near by, which leads to flat minima.

        e = ρ·g / ‖g‖                            up the slope; the norm is over all parameters
        p = p − step of the optimizer, with the gradient at p + e

    Adaptive (ASAM): the neighbourhood is measured in units of the weights, so that scaling a layer up and the next
    down changes nothing: e = ρ·T²g / ‖Tg‖, T = |p| + η.

    Foret, Kleiner, Mobahi and Neyshabur, "Sharpness-Aware Minimization for Efficiently Improving Generalization",
    2020; Kwon, Kim, Park and Choi, "ASAM: Adaptive Sharpness-Aware Minimization for Scale-Invariant Learning of Deep
    Neural Networks", 2021.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    base_optimizer : type of Optimizer
        The one that steps, e.g. `optim.SGD`.
    rho : float
        ρ: 0.05 for SAM, ten times as much for ASAM.
    adaptive : bool
    eta : float
        η, in use if `adaptive`.
    **options
        Of `base_optimizer`.

    Raises
    ------
    ValueError
        For negative values.

    The gradient is needed twice. With a closure, which forgets the gradients and computes loss and gradients anew,
    `sam.step(closure)` calls it twice and returns the loss at p. By hand:

        loss(model(x)).backward()
        sam.first_step(zero_grad=True)           # to p + e
        loss(model(x)).backward()
        sam.second_step(zero_grad=True)          # back to p, and the step
    """

    def __init__(
        self,
        params: Any,
        base_optimizer: type[Optimizer],
        rho: float = 0.05,
        adaptive: bool = False,
        eta: float = 0.01,
        **options: Any,
    ) -> None:
        check_not_negative("rho", rho)
        check_not_negative("eta", eta)
        super().__init__(base_optimizer(params, **options), {"rho": rho, "adaptive": adaptive, "eta": eta})

    def first_step(self, zero_grad: bool = False) -> None:
        """Go up the slope, from p to p + e; `second_step` comes back.

        Raises
        ------
        RuntimeError
            If it is called twice in a row.
        """
        if any("before" in state for state in self.state.values()):
            raise RuntimeError("SAM: first_step was called twice; call second_step in between")
        found = self._with_gradients()
        scales = [_units(p.array, group) for p, _, group in found]
        length = math.hypot(*(norm(t * g.array) for t, (_, g, _) in zip(scales, found)))
        for t, (p, g, group) in zip(scales, found):
            self.state[p]["before"] = Tensor(p.array.copy())
            up = -group["rho"] if group.get("maximize") else group["rho"]
            p.array[...] += p.dtype.type(up / (length + 1e-12)) * t * t * g.array
            p._counter[0] += 1
        if zero_grad:
            self.zero_grad()

    def second_step(self, zero_grad: bool = False) -> None:
        """Go back to p, and take the optimizer's step with the present gradients, which are those at p + e.

        Raises
        ------
        RuntimeError
            Without `first_step` before.
        """
        moved = [p for p, state in self.state.items() if "before" in state]
        if not moved and self._with_gradients():
            raise RuntimeError("SAM: second_step needs first_step before it, and the gradients computed again")
        for p in moved:
            p.array[...] = self.state.pop(p)["before"].array
            p._counter[0] += 1
        self.optimizer.step()
        self._opt_called = True  # a schedule asks whether the optimizer has stepped
        if zero_grad:
            self.zero_grad()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Both steps.

        Parameters
        ----------
        closure : callable
            Forgets the gradients, computes the loss and its gradients, and returns the loss; called twice.

        Raises
        ------
        RuntimeError
            Without closure.
        """
        if closure is None:
            raise RuntimeError("SAM requires a closure; or call first_step and second_step")
        loss = evaluated(closure)
        self.first_step()
        evaluated(closure)
        self.second_step()
        return loss


def _units(p: Any, group: dict[str, Any]) -> Any:
    """T: what one unit is for each weight."""
    return np.abs(p) + p.dtype.type(group["eta"]) if group["adaptive"] else p.dtype.type(1)
