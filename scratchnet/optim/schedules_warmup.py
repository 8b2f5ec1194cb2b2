"""Large batches: how far the rate is raised for them, and how it gets there."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.scheduler import LRScheduler, set_lr
from scratchnet.optim.schedules_cyclic import CyclicLR, OneCycleLR


def linear_scaling_rule(base_lr: float, batch_size: int, base_batch_size: int = 256) -> float:
    """The rate for another size of batch: base_lr · batch_size / base_batch_size.

    k batches of n, one after the other, move the weights about as far as one batch of k·n at k times the rate, as
    long as the gradient changes little on the way. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet
    in 1 Hour", 2017.

    Raises
    ------
    ValueError
        If a size of batch is not positive.

    >>> linear_scaling_rule(0.1, 8192)
    3.2
    """
    if batch_size <= 0 or base_batch_size <= 0:
        raise ValueError(f"expected positive sizes of batches, got {batch_size} and {base_batch_size}")
    return base_lr * batch_size / base_batch_size


class _Ready:
    """Brings a schedule that is made already back to where it is now, with rates that are multiplied."""

    def __init__(self, schedule: LRScheduler, optimizer: Optimizer, multiplier: float) -> None:
        if schedule.optimizer is not optimizer:
            raise ValueError("GradualWarmupLR expects `after` to belong to the same optimizer, or to be a function")
        for part in _parts(schedule):
            if isinstance(part, CyclicLR | OneCycleLR) and multiplier != 1:
                raise ValueError(
                    f"GradualWarmupLR: the rates of a {type(part).__name__} are all given, and cannot go on from "
                    f"{multiplier} times the rate; give a function that makes it, or a multiplier of 1"
                )
        self.schedule, self.multiplier = schedule, multiplier
        self.state = copy.deepcopy(schedule.state_dict())
        self.rates = [float(group["lr"]) for group in optimizer.param_groups]

    def __call__(self, optimizer: Optimizer) -> LRScheduler:
        self.schedule.load_state_dict(copy.deepcopy(self.state))
        for part in _parts(self.schedule):
            if hasattr(part, "base_lrs"):
                part.base_lrs = [lr * self.multiplier for lr in part.base_lrs]
        for group, lr in zip(optimizer.param_groups, self.rates):
            set_lr(group, lr * self.multiplier)
        return self.schedule


def _parts(schedule: LRScheduler) -> Iterator[LRScheduler]:
    """The schedule and those it is made of."""
    yield schedule
    for part in getattr(schedule, "_schedulers", ()):
        yield from _parts(part)


class GradualWarmupLR(LRScheduler):
    """Up to `multiplier` times the rate in `total_iters` steps, and then any other schedule from its beginning.

        γ_t = γ · (s + (k − s) · t / T)          until t = T; s = start_factor, k = multiplier, T = total_iters

    From T on, `after` acts on an optimizer whose rate is k·γ. Without it the rate stays there. Goyal et al.,
    "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017: from γ to k·γ in five epochs, for k times as
    large a batch.

    Parameters
    ----------
    optimizer : Optimizer
    multiplier : float
        k, at least `start_factor`.
    total_iters : int
        T, at least 1.
    after : callable or LRScheduler, optional
        Makes the next schedule from the optimizer; or that schedule, made for this optimizer before. Of one that is made
        already, the rates it starts from are multiplied by k; those it was given (`eta_min`, `min_lr`) are not.
    start_factor : float
        s, not negative; 0 and a multiplier of 1 go from 0 to the optimizer's own rate.

    Attributes
    ----------
    after : LRScheduler, or None before step T

    Raises
    ------
    ValueError
        For values out of their range; for a schedule of another optimizer; for a `CyclicLR` or `OneCycleLR` that is made
        already, whose rates are all given, and a multiplier that is not 1.
    TypeError
        If `after` is neither.

    >>> from scratchnet import nn, ones, optim
    >>> optimizer = optim.SGD([nn.Parameter(ones(1))], lr=0.1)
    >>> scheduler = GradualWarmupLR(optimizer, 4, total_iters=3, after=lambda o: optim.lr_scheduler.StepLR(o, 2))
    >>> for _ in range(6):
    ...     print(round(scheduler.get_last_lr()[0], 6), end=" ")
    ...     optimizer.step()
    ...     scheduler.step()
    0.1 0.2 0.3 0.4 0.4 0.04
    """

    def __init__(
        self,
        optimizer: Optimizer,
        multiplier: float,
        total_iters: int,
        after: Callable[[Optimizer], LRScheduler] | LRScheduler | None = None,
        start_factor: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= start_factor <= multiplier:
            raise ValueError(f"expected 0 <= start_factor <= multiplier, got {start_factor} and {multiplier}")
        if not isinstance(total_iters, int) or total_iters < 1:
            raise ValueError(f"Expected positive integer total_iters, but got {total_iters}")
        self.multiplier, self.total_iters, self.start_factor = multiplier, total_iters, start_factor
        if isinstance(after, LRScheduler):
            after = _Ready(after, optimizer, multiplier)
        elif after is not None and not callable(after):
            raise TypeError(f"expected `after` to be a schedule or to make one, got {type(after).__name__}")
        self._make_after = after
        self.after: LRScheduler | None = None
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        self._warn_outside_of_step()
        share = min(self.last_epoch, self.total_iters) / self.total_iters
        factor = self.start_factor + (self.multiplier - self.start_factor) * share
        return [lr * factor for lr in self.base_lrs]

    def step(self, *metrics: Any) -> None:
        """Go to the next step.

        Parameters
        ----------
        metrics : optional
            Handed on to `after`: what `ReduceLROnPlateau` looks at.
        """
        if self.after is not None:
            self.last_epoch += 1
            self.after.step(*metrics)
        else:
            super().step()
            if self.last_epoch >= self.total_iters and self._make_after is not None:
                self.after = self._begun(self._make_after)
        self._last_lr = self._current()

    def _begun(self, make: Callable[[Optimizer], LRScheduler]) -> LRScheduler:
        """The next schedule, at its beginning, of an optimizer whose rates are raised."""
        for group, lr in zip(self.optimizer.param_groups, self.base_lrs):
            set_lr(group, lr * self.multiplier)
            group["initial_lr"] = lr * self.multiplier
        return make(self.optimizer)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and functions, and the state of the next schedule if it has begun."""
        state = {key: value for key, value in super().state_dict().items() if key != "_make_after"}
        return {**state, "after": None if self.after is None else self.after.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what `state_dict` returned; the optimizer's state may be loaded before or after.

        Raises
        ------
        ValueError
            If the next schedule had begun, and this one was made without `after`.
        """
        if state_dict["after"] is None:
            super().load_state_dict(state_dict)
            return
        if self._make_after is None:
            raise ValueError("GradualWarmupLR: the state holds that of a next schedule; make this one with `after`, too")
        super().load_state_dict({**state_dict, "after": None})
        present = [(dict(group), float(group["lr"])) for group in self.optimizer.param_groups]
        self.after = self._begun(self._make_after)
        self.after.load_state_dict(state_dict["after"])
        for group, (options, lr) in zip(self.optimizer.param_groups, present):  # which are the optimizer's to load
            group.update(options)
            set_lr(group, lr)  # a Tensor was changed in place
