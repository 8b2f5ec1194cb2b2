"""Who shares matrix products among threads: the kernels do, and the BLAS library gets one.

NumPy hands matrix products to a BLAS library, which has threads of its own.  Those of OpenBLAS go on spinning for a while
when a product is done, on the cores that the next kernel needs, and begin too late to help with small products.  So OpenBLAS
is given one thread when the first kernel is compiled, and `blas.matmul` shares large products among the threads of `parallel`.
``SCRATCHNET_BLAS_THREADS`` sets another number; 0 leaves the library alone.  (Other libraries are left alone anyhow.)
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import numpy as np

_decided = False


def one_thread_by_default() -> None:
    """What the environment asks for, or one thread; the first call decides."""
    global _decided
    if not _decided:
        _decided = True
        use_blas_threads()


def use_blas_threads() -> None:
    """Give OpenBLAS the number of threads that the environment asks for, or one.

    Raises
    ------
    ValueError
        If ``SCRATCHNET_BLAS_THREADS`` is not a number.
    """
    count = os.environ.get("SCRATCHNET_BLAS_THREADS", "1").strip()
    if not count.isdecimal():
        raise ValueError(f"SCRATCHNET_BLAS_THREADS: expected a number of threads, or 0, got {count!r}")
    if int(count):
        for library in _openblas():
            for name in _SETTERS:
                if hasattr(library, name):
                    getattr(library, name)(int(count))


_SETTERS = tuple(
    f"{prefix}openblas_set_num_threads{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", "")
)  # as the builds of NumPy name it


def _openblas() -> list[ctypes.CDLL]:
    """The OpenBLAS that came with NumPy; loading it again gives the one that is in use."""
    package = Path(np.__file__).parent
    folders = (package.with_name("numpy.libs"), package / ".dylibs")
    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*openblas*"))]
    return [ctypes.CDLL(str(file)) for file in files]
