"""How many threads compute."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import numpy as np

from scratchnet import kernels

_SETTERS = tuple(
    f"{prefix}openblas_set_num_threads{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", "")
)  # OpenBLAS, as the builds of NumPy name it


def use(count: int | None) -> None:
    """Compute with `count` threads; None leaves it at the cores there are.

    Kernels share their loops among them. NumPy's matrix products get one: those of small networks are over before
    a second thread has begun, and OpenBLAS lets idle threads spin, at the cost of everything else. (Where
    OPENBLAS_NUM_THREADS is set, or the library is another one, it is left alone.)
    """
    if count is not None:
        kernels.set_num_threads(count)
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        for library in _openblas():
            for name in _SETTERS:
                if hasattr(library, name):
                    getattr(library, name)(1)


def _openblas() -> list[ctypes.CDLL]:
    """The OpenBLAS that came with NumPy; loading it again gives the one that is in use."""
    package = Path(np.__file__).parent
    folders = (package.with_name("numpy.libs"), package / ".dylibs")
    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*openblas*"))]
    return [ctypes.CDLL(str(file)) for file in files]
