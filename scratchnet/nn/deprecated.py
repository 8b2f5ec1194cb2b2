"""Old names that torch keeps: they warn, and do what the new ones do."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any


def deprecated(function: Callable, message: str, name: str | None = None) -> Callable:
    """`function` under an old name, which warns with a FutureWarning whenever it is called."""

    @functools.wraps(function)
    def old(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(message, FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    old.__name__ = old.__qualname__ = name or function.__name__
    old.__doc__ = f"{message}\n\n{inspect.getdoc(function)}"
    return old
