"""Means over many batches."""

from __future__ import annotations

from typing import Any


class Mean:
    """Σ n_i x_i / Σ n_i, one batch after the other.

    >>> loss = Mean()
    >>> loss.update(0.5, 64)
    >>> loss.update(0.2, 32)
    >>> loss.value
    0.4
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, value: Any, n: int = 1) -> None:
        """Add the mean of n samples."""
        if n < 0:
            raise ValueError(f"Mean.update: n must not be negative, got {n}")
        self.total += float(value) * n
        self.count += n

    @property
    def value(self) -> float:
        """The mean so far; NaN if there is none."""
        return self.total / self.count if self.count else float("nan")

    def state_dict(self) -> dict[str, float]:
        return {"total": self.total, "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.total, self.count = float(state["total"]), int(state["count"])
