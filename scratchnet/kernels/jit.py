"""Lazy compilation: Numba is imported, and a loop compiled, when the loop is first called.

`jit` marks a function that is a plain nest of loops over arrays.  It stays an ordinary Python function until
its first call; with ``NUMBA_DISABLE_JIT=1`` it stays one for ever.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from scratchnet.kernels.memory import keep_by_default

ENABLED = os.environ.get("NUMBA_DISABLE_JIT", "0").strip() in ("", "0")

# a·b + c may be one instruction, and a sum may be split over vector lanes.  Flags that assume there is no NaN
# or infinity are never used: a diverging network must be seen to diverge.
_CONTRACT = {"contract"}
_REASSOCIATE = {"contract", "reassoc", "nsz"}

_lock = threading.RLock()


class Loop:
    """A loop nest compiled on its first call, once for each combination of argument types, and cached on
    disk."""

    def __init__(self, function: Callable, reassociate: bool):
        self.python = function
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self._reassociate = reassociate
        self._compiled: Any = None

    def __call__(self, *args):
        if self._compiled is not None:
            return self._compiled(*args)
        if ENABLED:
            return self.compiled()(*args)
        with np.errstate(all="ignore"):         # compiled code raises no floating-point warnings either
            return self.python(*args)

    def compiled(self):
        """Numba's dispatcher for this loop; loops it calls by name are compiled with it."""
        with _lock:
            if self._compiled is None:
                import numba

                keep_by_default()
                function = self.python
                inner = {name: value.compiled() for name, value in function.__globals__.items()
                         if isinstance(value, Loop) and name in function.__code__.co_names}
                copy = FunctionType(function.__code__, {**function.__globals__, **inner}, function.__name__,
                                    function.__defaults__, function.__closure__)
                copy.__qualname__ = function.__qualname__
                self._compiled = numba.njit(copy, nogil=True, cache=True, error_model="numpy",
                                            fastmath=_REASSOCIATE if self._reassociate else _CONTRACT)
        return self._compiled


def jit(function: Callable | None = None, *, reassociate: bool = False) -> Any:
    """Compile a loop nest lazily, without Python's lock.

    Parameters
    ----------
    reassociate : let the compiler reorder sums, which it must to vectorise them.
    """
    if function is None:
        return lambda f: Loop(f, reassociate)
    return Loop(function, reassociate)


# Slice assignment: Numba's own takes a second to compile wherever it stands.  Like all loops that are to be
# vectorised, these count from 0: the compiler must see that no index is negative.

@jit
def copy(target, source):
    """target[:] = source"""
    for i in range(len(target)):
        target[i] = source[i]


@jit
def fill(target, value):
    """target[:] = value"""
    for i in range(len(target)):
        target[i] = value
