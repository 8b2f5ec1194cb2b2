"""From a loss of each element to the loss: mean, sum, or left as it is."""

from __future__ import annotations

import warnings

from scratchnet.autograd.tensor import Tensor

REDUCTIONS = ("mean", "sum", "none")


def chosen(
    reduction: str,
    size_average: bool | None = None,
    reduce: bool | None = None,
    allowed: tuple[str, ...] = REDUCTIONS,
) -> str:
    """The reduction that the arguments mean; `size_average` and `reduce` are torch's older spelling of it."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
            stacklevel=3,  # the line that calls the loss
        )
    check_reduction(reduction, allowed)
    return reduction


def check_reduction(reduction: str, allowed: tuple[str, ...] = REDUCTIONS) -> None:
    if reduction not in allowed:
        raise ValueError(f"{reduction} is not a valid value for reduction; expected one of {', '.join(allowed)}")


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss
