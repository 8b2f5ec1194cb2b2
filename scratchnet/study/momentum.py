"""The three ways in which papers write momentum, side by side."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.optimizer_pass import direction
from scratchnet.optim.optimizer import Optimizer, zeros
from scratchnet.optim.options import check_not_negative

FORMS = ("sum", "average", "velocity")


class MomentumForms(Optimizer):
    """Gradient descent with momentum, in the form of one's choice.

        sum        b = μ·b + g              p = p − γ·b      Polyak 1964; `optim.SGD`
        average    b = μ·b + (1 − μ)·g      p = p − γ·b      the first moment of Adam
        velocity   b = μ·b + γ·g            p = p − b        Sutskever et al. 2013

    with b = 0 at first. The average is (1 − μ) times the sum. So

    * `average` with rate γ equals `sum`, and `optim.SGD`, with rate γ·(1 − μ), at every step, and also if both rates
      follow one schedule: μ = 0.9 and a rate of 0.1 in one form is a rate of 1.0 in the other.
    * `velocity` equals `sum` while γ is constant. When γ drops, the velocity still carries steps of the old rate.
    * `optim.SGD` with dampening τ = μ is *not* the average: its first b is g, not (1 − μ)·g.

    An average that started at 0 is too small by 1 − μᵗ after t steps; `bias_correction` divides by that, as Adam does.

    Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Sutskever, Martens, Dahl and
    Hinton, "On the importance of initialization and momentum in deep learning", 2013.

    Parameters
    ----------
    params : iterable of parameters, or of groups (see `Optimizer`)
    lr, momentum, weight_decay : float
        γ; μ in [0, 1); λ, whose λ·p is added to g
    form : "sum", "average" or "velocity"
    bias_correction : bool
        For `form="average"`.
    maximize : bool

    Raises
    ------
    ValueError
        For values out of their range, another form, or a correction of what is no average.

    >>> from scratchnet import nn, ones, optim
    >>> weights = [nn.Parameter(ones(1)) for _ in range(2)]
    >>> optimizers = [MomentumForms(weights[:1], lr=0.5, momentum=0.8), optim.SGD(weights[1:], lr=0.1, momentum=0.8)]
    >>> for w, optimizer in zip(weights, optimizers):
    ...     for _ in range(3):
    ...         w.grad = 2 * w.detach()
    ...         optimizer.step()
    >>> [round(w.item(), 6) for w in weights]
    [0.128, 0.128]
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        momentum: float = 0.9,
        form: str = "average",
        bias_correction: bool = False,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        check_not_negative("learning rate", lr)
        check_not_negative("weight_decay value", weight_decay)
        if not 0.0 <= momentum < 1.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if form not in FORMS:
            raise ValueError(f"form must be one of {FORMS}, got {form!r}")
        if bias_correction and form != "average":
            raise ValueError(f"bias_correction is of form='average' only, got form={form!r}")
        defaults = dict(
            lr=lr, momentum=momentum, form=form, bias_correction=bias_correction, weight_decay=weight_decay,
            maximize=maximize,
        )  # fmt: skip
        super().__init__(params, defaults)

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        return zeros(p, "momentum_buffer")

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        momentum, lr, b = group["momentum"], float(group["lr"]), state["momentum_buffer"].array
        d = direction(p, g, group["weight_decay"], group["maximize"])
        b *= momentum
        b += {"sum": 1.0, "average": 1 - momentum, "velocity": lr}[group["form"]] * d
        rate = 1.0 if group["form"] == "velocity" else lr
        if group["bias_correction"]:
            rate /= 1 - momentum ** state["step"].array.item()
        p -= rate * b
