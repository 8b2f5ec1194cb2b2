"""Checks of options that several optimizers have."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor


def check_one_element(name: str, value: Any) -> None:
    if isinstance(value, Tensor) and value.array.size != 1:
        raise ValueError(f"{name}: a Tensor must have 1 element, got shape {tuple(value.shape)}")


def check_not_negative(name: str, value: Any) -> None:
    """Refuse a negative option (or NaN)."""
    check_one_element(name, value)
    if not value >= 0:
        raise ValueError(f"Invalid {name}: {value}")


def check_adam_options(lr: Any, betas: tuple[Any, Any], eps: float, weight_decay: float) -> None:
    """Refuse, in torch's order, what no descendant of Adam takes: negative numbers, shares of the past outside of [0, 1)."""
    check_not_negative("learning rate", lr)
    check_not_negative("epsilon value", eps)
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
    check_not_negative("weight_decay value", weight_decay)


def refuse(optimizer: str, **options: Any) -> None:
    """Options of torch's that choose between its implementations: only "not asked for" is accepted."""
    for name, value in options.items():
        if value:
            raise NotImplementedError(
                f"{optimizer}: {name}={value} is not supported; leave it out (every step is one fused pass "
                "over each parameter)"
            )
