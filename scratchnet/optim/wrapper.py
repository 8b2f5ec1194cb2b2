"""What optimizers that wrap another share: its groups are theirs, and its state is saved with their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer


class OptimizerWrapper(Optimizer):
    """An optimizer that steps through another one, `self.optimizer`.

    Schedules may be given either: they share `param_groups`. `state` is the wrapper's own; `state_dict()["optimizer"]`
    is that of the other.
    """

    def __init__(self, optimizer: Optimizer, defaults: dict[str, Any]) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__}: expected an Optimizer, got {type(optimizer).__name__}")
        self._init_hooks()
        self.optimizer, self.state = optimizer, defaultdict(dict)
        self.param_groups = optimizer.param_groups
        self.defaults = {**optimizer.defaults, **defaults}
        self._options = defaults
        for group in self.param_groups:
            self._set_options(group)

    def _set_options(self, group: dict[str, Any]) -> None:
        for name, value in self._options.items():
            group.setdefault(name, value)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As `Optimizer.add_param_group`; the wrapped optimizer checks the group and takes it."""
        self.optimizer.add_param_group(param_group)
        self._set_options(self.param_groups[-1])

    def state_dict(self) -> dict[str, Any]:
        """`{"state": …, "param_groups": …, "optimizer": …}`, the last of the wrapped optimizer."""
        return {**super().state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As `Optimizer.load_state_dict`, for both optimizers."""
        self.optimizer.load_state_dict(state_dict["optimizer"])
        super().load_state_dict(state_dict)

    def _with_gradients(self) -> list[tuple[Tensor, Tensor, dict[str, Any]]]:
        """Each parameter that has a gradient, its gradient and its group."""
        return [(p, p._grad, group) for group in self.param_groups for p in group["params"] if p._grad is not None]

    def __repr__(self) -> str:
        return super().__repr__().replace("(", f"of {type(self.optimizer).__name__} (", 1)


def evaluated(closure: Callable[[], Any]) -> Any:
    """The loss, with gradients recorded whatever the mode is."""
    with enable_grad():
        return closure()
