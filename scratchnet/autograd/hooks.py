"""Hooks on tensors, and the handle that removes one."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from typing import Any

from scratchnet.autograd.tensor import Tensor

_keys = itertools.count()


class RemovableHandle:
    """What `register_*_hook` returns: `remove()` takes the hook away; also a context manager."""

    def __init__(self, hooks: MutableMapping) -> None:
        self._hooks = weakref.ref(hooks)
        self.id = next(_keys)

    def remove(self) -> None:
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


class AfterAccumulation:
    """Marks a hook of a leaf that runs when its `grad` has been updated."""

    def __init__(self, hook: Callable) -> None:
        self.hook = hook


class Observers:
    """Who wants to see the gradient of an operation's output: hooks, and the output if it retains its gradient."""

    def __init__(self) -> None:
        self.hooks: OrderedDict = OrderedDict()
        self.retained: Any = None  # a weak reference: the graph must not hold its results


def observers(node: Any) -> Observers:
    if node.observers is None:
        node.observers = Observers()
    return node.observers


def add_hook(owner: Any, hook: Callable, after: bool = False) -> RemovableHandle:
    """Register on a leaf Tensor or on the Function that made a tensor."""
    if not callable(hook):
        raise TypeError(f"hook must be callable, got {type(hook).__name__}")
    if not isinstance(owner, Tensor):
        hooks: dict = observers(owner).hooks
    elif owner._hooks is None:
        hooks = owner._hooks = OrderedDict()
    else:
        hooks = owner._hooks
    handle = RemovableHandle(hooks)
    hooks[handle.id] = AfterAccumulation(hook) if after else hook
    return handle


def run_hooks(hooks: dict, g: Tensor) -> Tensor:
    """Pass a gradient through the hooks in the order they were registered."""
    for hook in list(hooks.values()):
        if isinstance(hook, AfterAccumulation):
            continue
        replaced = hook(g)
        if replaced is not None:
            _check_replacement(hook, replaced, g)
            g = replaced
    return g


def _check_replacement(hook: Callable, new: Any, old: Tensor) -> None:
    name = getattr(hook, "__name__", hook)
    if not isinstance(new, Tensor):
        raise TypeError(f"hook {name!r} must return a Tensor or None, got {type(new).__name__}")
    if new.array.shape != old.array.shape:
        raise RuntimeError(
            f"hook {name!r} has changed the size of value: it was given {old.array.shape} and returned {new.array.shape}"
        )
    if new.array.dtype != old.array.dtype:
        raise RuntimeError(
            f"hook {name!r} has changed the type of value: it was given {old.array.dtype} and returned {new.array.dtype}"
        )


def run_after_accumulation(leaf: Tensor) -> None:
    for hook in list(leaf._hooks.values()):  # type: ignore[union-attr]
        if isinstance(hook, AfterAccumulation):
            result = hook.hook(leaf)
            if result is not None and not isinstance(result, Tensor):
                raise TypeError(f"a post accumulate grad hook must return None, got {type(result).__name__}")


def retain(node: Any, tensor: Tensor) -> None:
    """Have the walk put the gradient that reaches `node` into `tensor.grad`."""
    observers(node).retained = weakref.ref(tensor)


def retains(node: Any, tensor: Tensor) -> bool:
    """Whether the walk will do so."""
    seen_by = node.observers
    return seen_by is not None and seen_by.retained is not None and seen_by.retained() is tensor


def move_retained(tensor: Tensor, old: Any, new: Any) -> None:
    """`tensor`, made by `old`, is now made by `new`: it goes on retaining its gradient if it did. Hooks stay where they were."""
    if retains(old, tensor):
        old.observers.retained = None
        if new is not None:
            retain(new, tensor)
