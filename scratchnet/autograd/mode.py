"""Switches of the engine, one set for each thread: recording, inference, anomaly detection.

`no_grad`, `enable_grad`, `set_grad_enabled` and `inference_mode` work as context managers and as decorators,
as in torch. A new thread starts with recording on, whatever the thread that made it does.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any


class _Modes(threading.local):
    grad = True  # record operations for backward
    inference = False  # results are never to be recorded
    anomaly = False  # look for NaN in gradients
    watchers: tuple = ()  # called with each operation that is recorded: anomaly detection, checkpoints, tracing

    def __init__(self) -> None:  # instance attributes are read faster than the class's
        self.grad, self.inference, self.anomaly, self.watchers = True, False, False, ()


modes = _Modes()


class Mode:
    """A context manager and decorator that sets switches of `modes` and puts them back."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._before: list[dict[str, Any]] = []  # a stack: the same object may be entered again inside itself

    def __enter__(self) -> Mode:
        self._before.append({name: getattr(modes, name) for name in self._settings})
        modes.__dict__.update(self._settings)
        return self

    def __exit__(self, *error: object) -> None:
        modes.__dict__.update(self._before.pop())

    def clone(self) -> Mode:
        return Mode(**self._settings)

    def __call__(self, function: Callable) -> Callable:
        if inspect.isgeneratorfunction(function):
            return _decorate_generator(self, function)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.clone():  # a fresh one for each call: the function may run in several threads
                return function(*args, **kwargs)

        return wrapper


def _decorate_generator(mode: Mode, function: Callable) -> Callable:
    """The mode holds while the generator runs, not while its consumer does."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        generator, sent = function(*args, **kwargs), None
        while True:
            try:
                with mode.clone():
                    item = generator.send(sent)
            except StopIteration as stop:
                return stop.value
            try:
                sent = yield item
            except GeneratorExit:
                generator.close()
                raise

    return wrapper


def _bare_decorator(cls: type, function: Callable | None) -> Any:
    """`@no_grad` without parentheses decorates at once, as in torch."""
    self = Mode.__new__(cls)
    return self if function is None else Mode.__call__(_initialised(self), function)


def _initialised(mode: Any) -> Mode:
    mode.__init__()
    return mode


class no_grad(Mode):
    """Do not record operations: results have `requires_grad=False`."""

    def __new__(cls, function: Callable | None = None) -> Any:
        return _bare_decorator(cls, function)

    def __init__(self) -> None:
        super().__init__(grad=False)


class enable_grad(Mode):
    """Record operations, also inside `no_grad`."""

    def __new__(cls, function: Callable | None = None) -> Any:
        return _bare_decorator(cls, function)

    def __init__(self) -> None:
        super().__init__(grad=True)


class set_grad_enabled(Mode):
    """Record operations or not. Acts at once when called; as a context manager it puts the old state back."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: mode must be a bool, got {type(mode).__name__}")
        super().__init__(grad=mode)
        self._outer = modes.grad
        modes.grad = mode

    def __enter__(self) -> Mode:
        self._before.append({"grad": self._outer})
        modes.grad = self._settings["grad"]
        return self

    def __call__(self, function: Callable) -> Callable:
        modes.grad = self._outer  # used as a decorator: the state outside is left alone
        return super().__call__(function)


class inference_mode(Mode):
    """`no_grad`, and results that can never take part in a recorded computation later.

    They carry no version counter, so an attempt to save one for backward is an error. `mode=False` switches
    inference mode off inside an outer one.
    """

    def __new__(cls, mode: bool | Callable = True) -> Any:
        return _bare_decorator(cls, mode if callable(mode) else None)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(grad=not mode, inference=mode)


def is_grad_enabled() -> bool:
    """Whether operations are being recorded in this thread."""
    return modes.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is in `inference_mode`."""
    return modes.inference
