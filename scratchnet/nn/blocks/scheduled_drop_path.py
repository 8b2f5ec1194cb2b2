"""Dropping branches more and more often in the course of training."""

from __future__ import annotations

from typing import Any

from scratchnet.nn.module import Module
from scratchnet.nn.modules.dropout import DropBlock2d, DropBlock3d, DropPath, StochasticDepth

_DROPPING = (DropPath, StochasticDepth, DropBlock2d, DropBlock3d)


class ScheduledDropPath:
    """Lets the probability of all branches of a network that may be dropped grow linearly from 0 to their own p.

        p(t) = p · min(t / T, 1)

    Early in training, when nothing is known yet, dropping whole paths only hurts; NASNet gained from `DropPath` only with
    this schedule. DropBlock's paper raises its p in the same way, so its layers follow too. A p that grows with depth is
    set when the network is made, see `functional.scheduled_drop_probability`; it is scaled by t / T as all others.

    Zoph, Vasudevan, Shlens and Le, "Learning Transferable Architectures for Scalable Image Recognition", 2017.

    Parameters
    ----------
    module : Module
        The network; its layers' p at this time is what they end with.
    total_steps : int
        T, calls of `step` until then.

    Raises
    ------
    ValueError
        If `total_steps` is less than 1, or there is nothing to schedule.

    >>> from scratchnet import nn
    >>> net = nn.Sequential(nn.Linear(2, 2), nn.DropPath(0.3))
    >>> schedule = ScheduledDropPath(net, total_steps=3)
    >>> for batch in range(4):
    ...     print(round(net[1].p, 1))
    ...     schedule.step()  # after the optimizer's
    0.0
    0.1
    0.2
    0.3
    """

    def __init__(self, module: Module, total_steps: int) -> None:
        if total_steps < 1:
            raise ValueError(f"ScheduledDropPath: total_steps must be at least 1, got {total_steps}")
        self.layers = [m for m in module.modules() if isinstance(m, _DROPPING)]
        if not self.layers:
            raise ValueError("ScheduledDropPath: the module has no DropPath, StochasticDepth or DropBlock layer")
        self.total_steps, self.steps, self.last_p = total_steps, 0, [layer.p for layer in self.layers]
        self._set()

    def step(self) -> None:
        """One batch more has been seen."""
        self.steps += 1
        self._set()

    def _set(self) -> None:
        progress = min(self.steps / self.total_steps, 1.0)
        for layer, p in zip(self.layers, self.last_p):
            layer.p = p * progress

    def state_dict(self) -> dict[str, Any]:
        """The steps so far, and where the probabilities go."""
        return {"steps": self.steps, "total_steps": self.total_steps, "last_p": list(self.last_p)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there.

        Raises
        ------
        ValueError
            If it is of a network with another number of layers to schedule.
        """
        if len(state_dict["last_p"]) != len(self.layers):
            raise ValueError(
                f"ScheduledDropPath: state of {len(state_dict['last_p'])} layers, but the module has {len(self.layers)}"
            )
        self.__dict__.update(state_dict)
        self._set()
