"""checkpoint: keep nothing of a part of the forward pass, and run it again when backward needs it.

    y = checkpoint(block, x)      # memory of `block`'s intermediate values: none; time: one more forward of `block`

The operations of the part are recorded as usual, but what they saved is dropped at once. The first of them that is asked for its
saved values in backward runs the whole part again, and the i-th operation of the second run hands its values to the i-th of the
first (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016). So gradients of gradients, closures over parameters
and nested checkpoints need nothing special.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchnet import random
from scratchnet.autograd.function import Function
from scratchnet.autograd.mode import Mode, modes


def checkpoint(
    function: Callable,
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """Call `function(*args, **kwargs)` without keeping its intermediate values for backward.

    Parameters
    ----------
    function : callable
        Must do the same when called again with the same arguments (random draws are repeated if `preserve_rng_state`).
    use_reentrant : bool, optional
        Accepted for torch's sake; there is one implementation, and it behaves as torch's `use_reentrant=False`.
    preserve_rng_state : bool
        Give the second run the random state of the first, so that dropout drops the same units.

    Raises
    ------
    RuntimeError
        In backward, if the second run did not record the same operations as the first.
    """
    if not modes.grad:
        return function(*args, **kwargs)
    frame = _Frame(function, args, kwargs, random.get_rng_state() if preserve_rng_state else None)
    with Mode(watchers=(*_without_frames(), frame.defer)):
        return function(*args, **kwargs)


def _without_frames() -> tuple:
    """Inside an outer checkpoint, the inner one takes over: its operations are recomputed by it alone."""
    return tuple(w for w in modes.watchers if not isinstance(getattr(w, "__self__", None), _Frame))


class _Frame:
    """One checkpointed call: its operations in the order they were recorded, and how to run it again."""

    def __init__(self, function: Callable, args: tuple, kwargs: dict, rng_state: Any) -> None:
        self.function, self.args, self.kwargs, self.rng_state = function, args, kwargs, rng_state
        self.names: list[str] = []
        self.again: list[Function] | None = None

    def defer(self, node: Function) -> None:
        """Drop what `node` saved; it will ask here."""
        node.drop(_Ticket(self, len(self.names)))
        self.names.append(node.name())

    def recompute(self) -> list[Function]:
        if self.again is None:
            nodes: list[Function] = []
            state = random.get_rng_state()
            if self.rng_state is not None:
                random.set_rng_state(self.rng_state)
            try:
                with Mode(grad=True, watchers=(*_without_frames(), nodes.append)):
                    self.function(*self.args, **self.kwargs)
            finally:
                if self.rng_state is not None:
                    random.set_rng_state(state)
            names = [node.name() for node in nodes]
            if names != self.names:
                i = next((i for i, (a, b) in enumerate(zip(names, self.names)) if a != b), min(len(names), len(self.names)))
                raise RuntimeError(
                    f"checkpoint: {getattr(self.function, '__name__', self.function)!r} recorded {len(self.names)} operations "
                    f"when it was first called and {len(names)} when called again; operation {i} is the first that differs "
                    f"({self.names[i] if i < len(self.names) else 'none'} then, {names[i] if i < len(names) else 'none'} now). "
                    "The function must do the same each time."
                )
            self.again = nodes
        return self.again


class _Ticket:
    """What a checkpointed operation holds instead of its saved values."""

    def __init__(self, frame: _Frame, position: int) -> None:
        self.frame, self.position = frame, position

    def restore(self, node: Function) -> None:
        twin = self.frame.recompute()[self.position]
        node.__dict__.update({k: v for k, v in twin.__dict__.items() if k not in _OWN})


# An operation keeps its place in the graph; all else (saved values, sizes that forward noted, masks) comes from the second run.
_OWN = frozenset("seq edges observers called_at plain".split())
