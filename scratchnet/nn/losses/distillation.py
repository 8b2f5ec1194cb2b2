"""Learning from another network's answers."""

from __future__ import annotations

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.nn.modules.loss import _Loss

__all__ = ["DistillationLoss", "distillation_loss"]


def distillation_loss(
    input: Tensor,
    teacher: Tensor,
    target: Tensor | None = None,
    temperature: float = 4.0,
    alpha: float = 0.9,
    reduction: str = "mean",
) -> Tensor:
    """α · T² · KL(softmax(v / T) ‖ softmax(z / T)) + (1 − α) · CE(z, target), for logits z of a student and v of a teacher.

    A high temperature T shows which wrong answers the teacher thinks nearly right. Its gradients shrink as 1/T², which
    is made up for, so that α means the same at any T. Without targets the loss is the first term, with α = 1.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015.

    Parameters
    ----------
    input, teacher : [N, C] or [N, C, d1, ...], logits z and v; the teacher gets no gradient
    target : as for `functional.cross_entropy`, optional
    temperature, alpha : T and α
    reduction : "mean", "sum" or "none"
        Of the losses of the N examples, or N · d1 · … positions.

    Raises
    ------
    ValueError
        If the shapes differ, T is not positive, α is not from 0 to 1, or the reduction is unknown.
    """
    check_reduction(reduction)
    z, v = require_float(input, "distillation_loss"), require_float(teacher, "distillation_loss", "teacher").detach()
    if z.array.shape != v.array.shape or z.array.ndim < 2:
        raise ValueError(
            f"distillation_loss: expected input and teacher of one shape [N, C, ...], got {z.array.shape} and {v.array.shape}"
        )
    if temperature <= 0 or not 0 <= alpha <= 1:
        raise ValueError(
            f"distillation_loss: temperature must be positive and alpha from 0 to 1, got {temperature} and {alpha}"
        )
    student, truth = F.log_softmax(z / temperature, 1), F.log_softmax(v / temperature, 1)
    loss = temperature**2 * F.kl_div(student, truth, reduction="none", log_target=True).sum(1)
    if target is not None:
        loss = alpha * loss + (1 - alpha) * F.cross_entropy(z, target, reduction="none")
    return reduce_loss(loss, reduction)


class DistillationLoss(_Loss):
    """Cross-entropy with a teacher's soft answers and with the truth, see `distillation_loss`."""

    function, settings = staticmethod(distillation_loss), ("temperature", "alpha")

    def __init__(self, temperature: float = 4.0, alpha: float = 0.9, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.temperature, self.alpha = temperature, alpha
