"""Hooks on modules: code that runs before and after `forward`, and when gradients pass.

A module with hooks is called through `call_with_hooks`; one without never comes here.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.hooks import RemovableHandle
from scratchnet.autograd.mode import modes
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import View


class ForwardHook(NamedTuple):
    function: Callable
    with_kwargs: bool = False
    always_call: bool = False


# Hooks of all modules, run before a module's own.
global_forward_pre: OrderedDict = OrderedDict()
global_forward: OrderedDict = OrderedDict()
global_backward: OrderedDict = OrderedDict()


def add(hooks: OrderedDict, hook: Any, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


class Hooks:
    """The part of `Module` that registers hooks."""

    _forward_pre_hooks: OrderedDict
    _forward_hooks: OrderedDict
    _backward_pre_hooks: OrderedDict
    _backward_hooks: OrderedDict

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns (if not None) replaces the arguments.

        Parameters
        ----------
        prepend : bool
            Run it before the hooks that are there.
        with_kwargs : bool
            Call `hook(module, args, kwargs)`, which returns None or a pair `(args, kwargs)`.
        """
        return add(self._forward_pre_hooks, ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; a result replaces the output.

        Parameters
        ----------
        prepend : bool
            Run it before the hooks that are there.
        with_kwargs : bool
            Call `hook(module, args, kwargs, output)`.
        always_call : bool
            Run it also when `forward` raises.
        """
        return add(self._forward_hooks, ForwardHook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradient of the output is known; a result replaces it."""
        return add(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradient of the inputs is; a result replaces it."""
        return add(self._backward_hooks, hook, prepend)


def register_module_forward_pre_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(module, args)` before `forward` of every module."""
    return add(global_forward_pre, ForwardHook(hook))


def register_module_forward_hook(
    hook: Callable, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after `forward` of every module."""
    return add(global_forward, ForwardHook(hook, with_kwargs, always_call))


def register_module_full_backward_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` in the backward pass of every module."""
    return add(global_backward, hook)


def call_with_hooks(module: Any, args: tuple, kwargs: dict) -> Any:
    """`module.forward(*args, **kwargs)` with everything registered around it."""
    finished: set[int] = set()
    result = None
    try:
        args, kwargs = _run_forward_pre(module, args, kwargs)
        on_backward = (*global_backward.values(), *module._backward_hooks.values())
        before_backward = tuple(module._backward_pre_hooks.values())
        passage = _Passage(module, on_backward, before_backward) if on_backward or before_backward else None
        if passage is not None:
            args = passage.enter(args)
        result = module.forward(*args, **kwargs)
        for key, hook in _forward_hooks(module):
            finished.add(key)
            replaced = _run_forward(hook, module, args, kwargs, result)
            if replaced is not None:
                result = replaced
        return result if passage is None else passage.leave(result)
    except Exception:
        for key, hook in _forward_hooks(module):
            if hook.always_call and key not in finished:
                try:
                    replaced = _run_forward(hook, module, args, kwargs, result)
                    result = result if replaced is None else replaced
                except Exception as error:
                    warnings.warn(
                        "module forward hook with ``always_call=True`` raised an exception that was "
                        f"silenced as another error was raised in forward: {error}",
                        stacklevel=3,
                    )
        raise


def _forward_hooks(module: Any) -> tuple:
    return (*global_forward.items(), *module._forward_hooks.items())


def _run_forward(hook: ForwardHook, module: Any, args: tuple, kwargs: dict, result: Any) -> Any:
    return hook.function(module, args, kwargs, result) if hook.with_kwargs else hook.function(module, args, result)


def _run_forward_pre(module: Any, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    for hook in (*global_forward_pre.values(), *module._forward_pre_hooks.values()):
        if hook.with_kwargs:
            replaced = hook.function(module, args, kwargs)
            if replaced is not None:
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {replaced}."
                    )
                args, kwargs = replaced
        else:
            replaced = hook.function(module, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
    return args, kwargs


class _Gate(Function):
    """y = x for several Tensors at once; `watch(grads)` sees (or replaces) their gradients together."""

    reads = NOTHING

    def __init__(self, watch: Callable[[tuple], tuple]) -> None:
        self.watch = watch

    def forward(self, *arrays: Any) -> tuple:
        return arrays

    def backward(self, *grads: Tensor) -> tuple:
        return self.watch(grads)


def _through_gate(watch: Callable[[tuple], tuple], values: tuple) -> tuple[tuple, int]:
    """Send the Tensors among `values` that require grad through one gate; also how many there are."""
    places = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
    if not places or not modes.grad:
        return values, 0

    kinds = [(v.array.shape, v.array.dtype) if isinstance(v, Tensor) else None for v in values]

    def watch_all(grads: tuple) -> tuple:
        full = [kind and Tensor(np.zeros(*kind)) for kind in kinds]  # as torch: zeros for Tensors that require no grad
        for i, g in zip(places, grads):
            full[i] = g
        replaced = watch(tuple(full))
        return tuple(replaced[i] for i in places)

    passed = list(values)
    for i, y in zip(places, _Gate(watch_all)(*[values[i] for i in places])):
        x = values[i]
        y._counter = x._counter
        y._view = View(x, (), x._counter, "went through a module with a full backward hook")
        passed[i] = y
    return tuple(passed), len(places)


class _Passage:
    """One call of a module with backward hooks: a gate before it and a gate behind it.

    The gradient of the output reaches the gate behind first, the gradient of the inputs the gate before last.
    """

    def __init__(self, module: Any, on_backward: tuple, before_backward: tuple) -> None:
        self.module, self.on_backward, self.before_backward = module, on_backward, before_backward
        self.grad_output: tuple = ()
        self.inputs = self.gated = 0

    def enter(self, args: tuple) -> tuple:
        self.inputs = len(args)
        args, self.gated = _through_gate(self.at_input, args)
        return args

    def leave(self, result: Any) -> Any:
        if not isinstance(result, Tensor | tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                f"but received {type(result)}",
                stacklevel=4,
            )
            return result
        passed, _ = _through_gate(self.at_output, result if isinstance(result, tuple) else (result,))
        return passed if isinstance(result, tuple) else passed[0]

    def at_output(self, grad_output: tuple) -> tuple:
        for hook in self.before_backward:
            grad_output = _replace(grad_output, hook(self.module, grad_output), "register_full_backward_pre_hook")
        self.grad_output = grad_output
        if not self.gated:  # no gradient will reach the inputs: this is the last that is seen of the pass
            for hook in self.on_backward:
                if hook(self.module, (None,) * self.inputs, grad_output) is not None:
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always return "
                        "None or None for all gradients."
                    )
        return grad_output

    def at_input(self, grad_input: tuple) -> tuple:
        for hook in self.on_backward:
            grad_input = _replace(
                grad_input, hook(self.module, grad_input, self.grad_output), "register_full_backward_hook"
            )
        self.grad_output = ()
        return grad_input


def _replace(old: tuple, new: Any, where: str) -> tuple:
    if new is None:
        return old
    new = new if isinstance(new, tuple) else (new,)
    if len(new) != len(old):
        raise RuntimeError(f"{where}: the hook returned {len(new)} gradients, but expected {len(old)}")
    return new
