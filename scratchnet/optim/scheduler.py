"""The base of all schedules of the learning rate."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer


class LRScheduler:
    """Base class: counts epochs and writes the rates into the optimizer's groups. Subclasses define `get_lr`.

    Making a scheduler sets the rates of epoch 0.

    Parameters
    ----------
    optimizer : Optimizer
    last_epoch : int
        The last epoch of a run that is taken up again; the optimizer's groups then hold `initial_lr`.

    Raises
    ------
    TypeError
        If `optimizer` is no Optimizer.
    KeyError
        If `last_epoch` is given, but a group has no `initial_lr`.
    """

    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0: load the optimizer's state first, or leave last_epoch out"
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self.step()
        self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rates of epoch `self.last_epoch`, one for each group, from those of the epoch before."""
        raise NotImplementedError(f"{type(self).__name__} must define get_lr")

    def get_last_lr(self) -> list[float]:
        """The rates that were set last."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch; call it after the optimizer's steps. To name an `epoch` is deprecated, as in torch."""
        if self._step_count == 1 and not hasattr(self.optimizer.step, "_tells_schedules"):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden: make sure to call it before "
                "`lr_scheduler.step()`.",
                UserWarning,
                stacklevel=2,
            )
        elif self._step_count == 1 and not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first value of the "
                "learning rate schedule is skipped. Call `optimizer.step()` before `lr_scheduler.step()`.",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set_rates(closed or self.get_lr)

    def _set_rates(self, rule: Callable[[], list[float]]) -> None:
        self._get_lr_called_within_step = True
        try:
            rates = rule()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, rates):
            set_lr(group, lr)
        self._last_lr = self._current()

    def _warn_outside_of_step(self) -> None:
        """What `get_lr` says to those who call it, and not `get_last_lr`: a recursion would go one step too far."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def _current(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def _scaled(self, factor: float) -> list[float]:
        return [lr * factor for lr in self._current()]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self.__dict__.update(state_dict)


def check_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def warn_of_epoch() -> None:
    """Warn the caller of `step` that to name an epoch is deprecated."""
    warnings.warn("The epoch parameter in `scheduler.step()` is deprecated; leave it out.", UserWarning, stacklevel=3)


def set_lr(group: dict[str, Any], lr: float) -> None:
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(lr)
    else:
        group["lr"] = lr


def for_each_group(name: str, optimizer: Optimizer, value: Any) -> list:
    """One value for each group, from a value for all or a sequence."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(f"{name} must have the same length as optimizer.param_groups: {groups}, got {len(value)}")
    return list(value)
