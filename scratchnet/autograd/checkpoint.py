"""checkpoint: keep nothing of a part of the forward pass, and run it again when backward needs it.

    y = checkpoint(block, x)      # memory of `block`'s intermediate values: none; time: one more forward of `block`

The operations of the part are recorded as usual, but what they saved is dropped at once. The first of them that is asked for its
saved values in backward runs the whole part again, and the i-th operation of the second run hands its values to the i-th of the
first (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016). So gradients of gradients and closures over parameters
need nothing special. Of nested checkpoints only the outermost acts; the inner ones do when it runs again.
"""

from __future__ import annotations

import functools
import itertools
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
        Must do the same when called again with the same arguments (draws of `scratchnet.random` are repeated if
        `preserve_rng_state`).
    use_reentrant : bool, optional
        Accepted for torch's sake; there is one implementation, and it behaves as torch's `use_reentrant=False`.
    preserve_rng_state : bool
        Give the second run the random state of the first, so that dropout drops the same units.

    Raises
    ------
    RuntimeError
        In backward, if the second run did not record the same operations as the first, or if what they read was changed in
        place in between.
    """
    if not modes.grad or any(_is_frame(w) for w in modes.watchers):
        return function(*args, **kwargs)
    frame = _Frame(function, args, kwargs, random.default_generator.state_bytes() if preserve_rng_state else None)
    with Mode(watchers=(*modes.watchers, frame.defer)):
        result = function(*args, **kwargs)
    frame.complete = True
    return result


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True
) -> Any:
    """Call functions one after the other, and `checkpoint` all but the last of `segments` parts of as many functions each.

    Parameters
    ----------
    functions : Sequential, or a sequence of callables of one argument
    segments : int, at least 1
        The last part also takes the functions that are left over.
    input : what the first function is given
    use_reentrant, preserve_rng_state
        As in `checkpoint`.

    Raises
    ------
    ValueError
        For fewer functions than segments.
    """
    functions = list(functions)
    if segments.__class__ is not int or not 1 <= segments <= max(len(functions), 1):
        raise ValueError(
            f"checkpoint_sequential: expected segments to be an int between 1 and the number of functions, "
            f"{len(functions)}, got {segments!r}"
        )
    size = len(functions) // segments

    def part(start: int, end: int | None) -> Callable:
        return lambda x: functools.reduce(lambda y, function: function(y), functions[start:end], x)

    last = size * (segments - 1)
    for start in range(0, last, size or 1):
        input = checkpoint(part(start, start + size), input, preserve_rng_state=preserve_rng_state)
    return part(last, None)(input)


def _is_frame(watcher: Any) -> bool:
    return isinstance(getattr(watcher, "__self__", None), _Frame)


class _Frame:
    """One checkpointed call: its operations in the order they were recorded, and how to run it again."""

    def __init__(self, function: Callable, args: tuple, kwargs: dict, rng_state: Any) -> None:
        self.function, self.args, self.kwargs, self.rng_state = function, args, kwargs, rng_state
        self.steps: list[tuple] = []  # name and shape of each operation
        self.complete = False  # not while the function runs, which may ask for gradients itself
        self.again: list[Any] = []  # the operations of the second run, until they have handed over what they saved

    def defer(self, node: Function) -> None:
        """Drop what `node` saved; it will ask here."""
        node.drop(_Ticket(self, len(self.steps), node._stamp))
        self.steps.append(_step(node))

    def twin(self, position: int) -> Function:
        """The operation of the second run that corresponds to one of the first."""
        if not self.again or self.again[position] is None:
            self.again = self._run_again()
        node, self.again[position] = self.again[position], None
        return node

    def _run_again(self) -> list:
        nodes: list[Function] = []
        state = random.default_generator.state_bytes()
        if self.rng_state is not None:
            random.set_rng_state(self.rng_state)
        watchers = (*[w for w in modes.watchers if not _is_frame(w)], nodes.append)
        try:
            with Mode(grad=True, inference=False, watchers=watchers):
                self.function(*self.args, **self.kwargs)
        finally:
            if self.rng_state is not None:
                random.set_rng_state(state)
        steps = [_step(node) for node in nodes]
        if steps[: len(self.steps)] != self.steps or (self.complete and len(steps) != len(self.steps)):
            raise RuntimeError(self._not_repeated(steps))
        return nodes

    def _not_repeated(self, steps: list) -> str:
        pairs = itertools.zip_longest(self.steps, steps, fillvalue="nothing")
        i, (first, again) = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
        return (
            f"checkpoint: {getattr(self.function, '__name__', self.function)!r} recorded {len(self.steps)} operations when it "
            f"was first called and {len(steps)} when called again; number {i} was {first} and is {again}. "
            "The function must do the same each time."
        )


class _Ticket:
    """What a checkpointed operation holds instead of its saved values."""

    def __init__(self, frame: _Frame, position: int, stamp: int) -> None:
        self.frame, self.position, self.stamp = frame, position, stamp

    def restore(self, node: Function) -> None:
        twin = self.frame.twin(self.position)
        if twin._stamp != self.stamp:
            raise RuntimeError(
                f"{node.name()}: one of the variables needed for gradient computation has been modified by an inplace operation "
                f"since checkpoint was called: an input of the operation (version {twin._stamp}, expected {self.stamp})."
            )
        node.restored = True
        node._saved, node._stamp, node._output = twin._saved, twin._stamp, twin._output
        node.__dict__.update({k: v for k, v in twin.__dict__.items() if k not in _OWN})


def _step(node: Function) -> tuple:
    return node.name(), node.fan_out or node.shape


# An operation keeps its place in the graph; all else (saved values, sizes that forward noted, masks) comes from the second run.
_OWN = frozenset("seq edges needs_input_grad fan_out _ports observers called_at plain".split())
