"""Kernels: array functions declared by their NumPy reference, with compiled twins for the CPU and for CUDA.

The reference is the specification (its docstring has the formula, shapes and dtypes), the fallback, and the
oracle of the tests::

    @kernel
    def double(x):
        '''y = 2·x.'''
        return 2 * x

    @double.cpu
    def _double_cpu(x):
        ...check, allocate, enter the compiled loop...

``double(x)`` runs the twin where it serves the arrays and the reference where it does not. Of arrays on a GPU it runs
the twin that ``double.cuda`` registered, in `scratchnet.kernels.cuda`, and nothing else: no array is copied to the host
without being asked for.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from scratchnet.kernels import jit

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class _Mode(threading.local):
    reference = not jit.ENABLED


_mode = _Mode()


class Kernel:
    """A NumPy reference and its compiled twins behind one name."""

    def __init__(self, reference: Callable):
        functools.update_wrapper(self, reference)
        self.reference = np.errstate(all="ignore")(reference)       # compiled twins raise no warnings either
        self.twin: Callable | None = None
        self.cuda_twin: Callable | None = None

    def cpu(self, twin: Callable) -> Callable:
        """Register the compiled twin.  It returns NotImplemented for arrays it does not serve."""
        self.twin = twin
        return twin

    def cuda(self, twin: Callable) -> Callable:
        """Register what starts the CUDA kernel.  It returns NotImplemented for arrays it does not serve."""
        self.cuda_twin = twin
        return twin

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # what nobody imported nobody has arrays of
        if "cupy" in sys.modules and any(map(on_gpu, (*args, *kwargs.values()))):
            return self._on_gpu(*args, **kwargs)
        if self.twin is not None and not _mode.reference:
            result = self.twin(*args, **kwargs)
            if result is not NotImplemented:
                return result
        return self.reference(*args, **kwargs)

    def _on_gpu(self, *args: Any, **kwargs: Any) -> Any:
        name = self.reference.__name__
        if any(isinstance(value, np.ndarray) for value in (*args, *kwargs.values())):
            raise RuntimeError(f"{name}: expected all arrays to be on the same device, but found at least two devices, "
                               "cuda and cpu")
        importlib.import_module("scratchnet.kernels.cuda")          # where the twins are registered
        result = NotImplemented if self.cuda_twin is None else self.cuda_twin(*args, **kwargs)
        if result is NotImplemented:
            raise NotImplementedError(f"{name}: there is no CUDA kernel for these arguments; move them to the CPU")
        return result

    def __repr__(self):
        return f"<kernel {self.__name__}{'' if self.twin is None else ', compiled'}>"


def kernel(reference: Callable) -> Kernel:
    """Declare a kernel by its NumPy reference."""
    return Kernel(reference)


@contextmanager
def use_reference(enabled: bool = True) -> Iterator[None]:
    """Run the NumPy references in this thread, to study them or to compare."""
    before, _mode.reference = _mode.reference, enabled
    try:
        yield
    finally:
        _mode.reference = before


def on_gpu(value: Any) -> bool:
    """Whether this is an array on a GPU."""
    return not isinstance(value, np.ndarray) and hasattr(value, "__cuda_array_interface__")


def compilable(*arrays: np.ndarray) -> bool:
    """Whether the arrays are plain ones of one dtype that compiled loops take: float32 or float64."""
    dtype = arrays[0].dtype
    if dtype not in _FLOATS:
        return False
    for a in arrays:            # noqa: SIM110  all(...) of a generator takes twice as long, and every kernel asks
        if type(a) is not np.ndarray or a.dtype != dtype:
            return False
    return True


def dense(array: np.ndarray, dtype=None) -> np.ndarray:
    """The array as compiled loops expect it: C-contiguous, aligned and writeable.

    (Numba compiles anew for every other layout.)  Copies only if it must.
    """
    if array.flags.carray and (dtype is None or array.dtype == dtype):
        return array
    return np.array(array, dtype=dtype, order="C", copy=True)
