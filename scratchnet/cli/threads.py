"""How many threads compute."""

from __future__ import annotations

from scratchnet import kernels
from scratchnet.kernels.blas_threads import one_thread_by_default


def use(count: int | None) -> None:
    """Compute with `count` threads, matrix products too; None leaves it at the cores there are."""
    if count is not None:
        kernels.set_num_threads(count)
    one_thread_by_default()
