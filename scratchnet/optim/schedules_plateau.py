"""A schedule that looks at results."""

from __future__ import annotations

import math
from typing import Any

from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.scheduler import LRScheduler, check_optimizer, set_lr, warn_of_epoch


class ReduceLROnPlateau(LRScheduler):
    """Multiply the rate by `factor` when a metric has not become better for more than `patience` epochs.

    Parameters
    ----------
    optimizer : Optimizer
    mode : "min" or "max"
        Which way is better.
    factor : float
        Below 1.
    patience : int
    threshold : float
        By how much a metric must be better to count: in `threshold_mode` "rel" as a share of the best, in "abs" as
        it is.
    cooldown : int
        Epochs after a reduction that do not count.
    min_lr : float, or one for each group
    eps : float
        Reductions of no more than this are left out.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] | tuple[float, ...] = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"Factor should be < 1.0., got {factor}")
        check_optimizer(optimizer)
        groups = len(optimizer.param_groups)
        self.factor, self.optimizer = factor, optimizer
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = list(min_lr) if isinstance(min_lr, list | tuple) else [min_lr] * groups
        if len(self.min_lrs) != groups:
            raise ValueError(f"expected {groups} min_lrs, got {len(self.min_lrs)}")
        self.patience, self.cooldown, self.eps = patience, cooldown, eps
        self.last_epoch = 0
        self._last_lr = self._current()
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self._reset()

    def _reset(self) -> None:
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs do not count now."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Go to the next epoch, with the metric of the one that has ended."""
        current = float(metrics)
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._current()

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # some were added
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from when "
                    f"`ReduceLROnPlateau` was initialized ({len(self.min_lrs)}): change the `min_lrs` field"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, old, least in zip(groups, self._current(), self.min_lrs):
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_lr(group, new)

    def _is_better(self, metric: float, best: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * metric > sign * best * (1.0 + sign * self.threshold)
        return sign * metric > sign * (best + sign * self.threshold)
