"""Functions that are called around an optimizer's steps, and around saving and loading its state."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from scratchnet.autograd.hooks import RemovableHandle

_every_step_pre_hooks: OrderedDict = OrderedDict()
_every_step_post_hooks: OrderedDict = OrderedDict()


class OptimizerHooks:
    """What an Optimizer knows of hooks. Each `register_…` returns a handle, whose `remove()` ends it."""

    def _init_hooks(self) -> None:
        self._step_pre_hooks: OrderedDict = OrderedDict()
        self._step_post_hooks: OrderedDict = OrderedDict()
        self._state_dict_pre_hooks: OrderedDict = OrderedDict()
        self._state_dict_post_hooks: OrderedDict = OrderedDict()
        self._load_state_dict_pre_hooks: OrderedDict = OrderedDict()
        self._load_state_dict_post_hooks: OrderedDict = OrderedDict()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_step_hooks(cls.step)  # type: ignore[attr-defined]

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return a new pair (args, kwargs)."""
        return _add(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _add(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before the state is saved; with `prepend`, before the other hooks."""
        return _add(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` with what was saved; what it returns, if anything, takes its place."""
        return _add(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` with what is to be loaded; what it returns, if anything, takes its place."""
        return _add(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after a state was loaded."""
        return _add(self._load_state_dict_post_hooks, hook, prepend)


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """As `Optimizer.register_step_pre_hook`, for all optimizers."""
    return _add(_every_step_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """As `Optimizer.register_step_post_hook`, for all optimizers."""
    return _add(_every_step_post_hooks, hook)


def _with_step_hooks(step: Callable) -> Callable:
    """`step`, which tells that it was called (schedulers ask), and runs the hooks if there are any."""

    @functools.wraps(step)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        for hook in [*_every_step_pre_hooks.values(), *self._step_pre_hooks.values()]:
            pair = hook(self, args, kwargs)
            if pair is not None:
                if not (isinstance(pair, tuple) and len(pair) == 2):
                    raise RuntimeError(
                        f"step pre-hook must return None or a tuple of (new_args, new_kwargs), got {pair}"
                    )
                args, kwargs = pair
        result = step(self, *args, **kwargs)
        for hook in [*self._step_post_hooks.values(), *_every_step_post_hooks.values()]:
            hook(self, args, kwargs)
        return result

    wrapper._tells_schedules = True  # type: ignore[attr-defined]
    return wrapper


def replaced(hooks: OrderedDict, optimizer: Any, state_dict: dict[str, Any]) -> dict[str, Any]:
    """What is left of a state when every hook has seen it, and changed it or returned another."""
    for hook in list(hooks.values()):
        other = hook(optimizer, state_dict)
        state_dict = state_dict if other is None else other
    return state_dict


def _add(hooks: OrderedDict, hook: Callable, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle
