"""Lazy compilation: Numba is imported, and a loop compiled, when the loop is first called.

`jit` marks a function that is a plain nest of loops over arrays.  It stays an ordinary Python function until
its first call; with ``NUMBA_DISABLE_JIT=1`` it stays one for ever.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from types import FunctionType
from typing import Any, cast

import numpy as np

from scratchnet.kernels.blas_threads import one_thread_by_default
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

    def __init__(self, function: Callable, reassociate: bool, constants: Mapping[str, Any] | None = None):
        self.python = function
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self._reassociate = reassociate
        self._constants = dict(constants or {})
        self._variants: dict[tuple, Loop] = {}
        self._compiled: Any = None

    def __call__(self, *args):
        if self._compiled is not None:
            return self._compiled(*args)
        if ENABLED:
            return self.compiled()(*args)
        return self.interpreted(*args)

    def interpreted(self, *args):
        """The loop as plain Python."""
        with np.errstate(all="ignore"):         # compiled code raises no floating-point warnings either
            return self._with_globals(self._called)(*args)

    def _with_globals(self, called: Mapping[str, Any]) -> FunctionType:
        """The function, with the constants, and what is to be called, in the place of its globals."""
        function = self.python
        return FunctionType(function.__code__, {**function.__globals__, **self._constants, **called}, function.__name__,
                            function.__defaults__, function.__closure__)

    def specialised(self, **constants: Any) -> Loop:
        """This loop, and those that it calls, with other values of the globals of these names, numbers or functions, known
        when they are compiled."""
        names = self._names
        key = tuple(sorted((item for item in constants.items() if item[0] in names), key=lambda item: item[0]))
        if not key:
            return self
        if key not in self._variants:
            self._variants[key] = self.variant(dict(key))
        return self._variants[key]

    def variant(self, constants: Mapping[str, Any]) -> Loop:
        """A loop of the same kind, with these constants."""
        return Loop(self.python, self._reassociate, constants)

    def compiled(self):
        """Numba's dispatcher for this loop; loops it calls by name are compiled with it."""
        with _lock:
            if self._compiled is None:
                import numba

                keep_by_default()
                one_thread_by_default()
                copy = self._with_globals({name: value.compiled() for name, value in self._called.items()})
                # variants are cached under names of their own
                copy.__qualname__ = "-".join([self.python.__qualname__, *map(_label, self._constants.values())])
                dispatcher = numba.njit(copy, nogil=True, error_model="numpy",
                                        fastmath=_REASSOCIATE if self._reassociate else _CONTRACT)
                _cache_on_disk(dispatcher, self.sources())
                # last: other threads call it as soon as it is there, and one that did so before the cache was would compile
                self._compiled = dispatcher
        return self._compiled

    @cached_property
    def _called(self) -> dict[str, Loop]:
        return self._loops_called()

    def _loops_called(self) -> dict[str, Loop]:
        """The loops that this one calls, under the names that it calls them by."""
        names, constants = self.python.__code__.co_names, self._constants
        return {name: constants[name] if name in constants else value.specialised(**constants)
                for name, value in {**self.python.__globals__, **constants}.items()
                if isinstance(value, Loop) and name in names}

    @cached_property
    def _names(self) -> set[str]:
        """The globals that the loop, or one that it calls, refers to: found once, as every call of a kernel asks."""
        return set(self.python.__code__.co_names).union(*(loop._names for loop in self._called.values()))

    def sources(self) -> set[str]:
        """The files whose text the compiled loop depends on: its own, and those of what it calls."""
        own = {self.python.__code__.co_filename, __file__}
        instructions = (_files_behind(value.__module__) for value in self._constants.values()
                        if callable(value) and not isinstance(value, Loop))
        return own.union(*instructions, *(loop.sources() for loop in self._called.values()))


def _files_behind(name: str) -> set[str]:
    """The file of a module, and of those of this package that it has something from."""
    module, package = sys.modules[name], __name__.rpartition(".")[0]
    found = {cast(str, module.__file__)}
    for value in vars(module).values():
        origin = getattr(value, "__module__", None)
        if origin not in (None, name) and origin.startswith(package):
            found |= _files_behind(origin)
    return found


def _label(constant: Any) -> str:
    return getattr(constant, "__name__", None) or str(constant)


def _cache_on_disk(dispatcher: Any, sources: set[str]) -> None:
    """Keep compiled code beside the package, or in the user's cache where that cannot be written.

    Numba compiles anew when the loop's own file has changed; here, when any of ``sources`` has.
    """
    try:
        dispatcher.enable_caching()
    except RuntimeError:            # there is nowhere to write: each process compiles for itself
        return
    digest = hashlib.sha256()
    for path in sorted(sources):
        with open(path, "rb") as file:
            digest.update(file.read())
    index = dispatcher._cache._cache_file
    index._source_stamp = (index._source_stamp, digest.hexdigest())


def jit(function: Callable | None = None, *, reassociate: bool = False) -> Any:
    """Compile a loop nest lazily, without Python's lock.

    Parameters
    ----------
    reassociate : let the compiler reorder sums, which it must to vectorise them.
    """
    if function is None:
        return lambda f: Loop(f, reassociate)
    return Loop(function, reassociate)
