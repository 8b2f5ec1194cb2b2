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
    def __init__(self) -> None:
        self.grad = True  # record operations for backward
        self.inference = False  # results are never to be recorded
        self.anomaly = False  # look for NaN in gradients
        self.watchers: tuple = ()  # called with each operation that is recorded: anomaly detection, checkpoints, tracing


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
        """The same, not entered: for each call of a decorated function, which may run in several threads."""
        return Mode(**self._settings)

    def __call__(self, function: Callable) -> Callable:
        if inspect.isgeneratorfunction(function):
            return _decorate_generator(self, function)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return wrapper


def _decorate_generator(mode: Mode, function: Callable) -> Callable:
    """The mode holds while the generator runs, not while its consumer does."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with mode.clone():
            generator = function(*args, **kwargs)
        resume, value = generator.send, None
        while True:
            try:
                with mode.clone():
                    item = resume(value)
            except StopIteration as stop:
                return stop.value
            try:
                resume, value = generator.send, (yield item)
            except GeneratorExit:
                with mode.clone():
                    generator.close()
                raise
            except BaseException as error:  # thrown in by the consumer: the generator's to handle
                resume, value = generator.throw, error

    return wrapper


def _bare_decorator(cls: type, function: Callable | None) -> Any:
    """`@no_grad` without parentheses decorates at once, as in torch."""
    self: Any = Mode.__new__(cls)
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


class _Recording(Mode):
    """Recording on or off. Inside `inference_mode` nothing switches it on."""

    def __init__(self, grad: bool) -> None:
        super().__init__(grad=grad)

    def __enter__(self) -> Mode:
        super().__enter__()
        modes.grad = self._settings["grad"] and not modes.inference
        return self

    def clone(self) -> Mode:
        return _Recording(self._settings["grad"])


class enable_grad(_Recording):
    """Record operations, also inside `no_grad` (but not inside `inference_mode`)."""

    def __new__(cls, function: Callable | None = None) -> Any:
        return _bare_decorator(cls, function)

    def __init__(self) -> None:
        super().__init__(True)


class set_grad_enabled(_Recording):
    """Record operations or not. Acts at once when called; as a context manager it puts the old state back."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: mode must be a bool, got {type(mode).__name__}")
        super().__init__(mode)
        self._outer = modes.grad
        modes.grad = mode and not modes.inference

    def __enter__(self) -> Mode:
        modes.grad = self._outer  # so that this is what __exit__ goes back to
        return super().__enter__()

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


class _NoCounter(list):
    """The version counter of every tensor made in inference mode: it counts nothing.

    Nothing is saved in inference mode, so who reads it there changes the tensor in place, which is fine; and who reads it
    elsewhere is about to save the tensor (in-place changes have been refused by then), which is not.
    """

    def __getitem__(self, index: Any) -> Any:
        if modes.inference:
            return 0
        raise RuntimeError(
            "Inference tensors cannot be saved for backward: a tensor made in inference_mode takes part in a computation that "
            "is recorded. Make a normal tensor of it outside inference_mode with .clone()."
        )

    def __setitem__(self, index: Any, value: Any) -> None:
        pass


INFERENCE = _NoCounter()
