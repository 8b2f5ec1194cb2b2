"""Old names that torch keeps: they warn, and do what the new ones do."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any


def deprecated(message: str, name: str | None = None) -> Callable[[Callable], Callable]:
    """Let a function warn with a FutureWarning whenever it is called, under its own or an old name."""

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def old(*args: Any, **kwargs: Any) -> Any:
            warnings.warn(message, FutureWarning, stacklevel=2)
            return function(*args, **kwargs)

        if name is not None:
            old.__name__ = old.__qualname__ = name
        old.__doc__ = f"{message}\n\n{inspect.getdoc(function) or ''}".rstrip()
        return old

    return decorate
