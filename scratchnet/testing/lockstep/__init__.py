"""A lockstep simulator of CUDA: runs kernels where there is no GPU, and refuses what a GPU would let pass.

    >>> import numpy as np
    >>> from scratchnet.testing import lockstep
    >>> def reverse(x):
    ...     tile = cuda.shared.array(8, np.float32)
    ...     i = cuda.threadIdx.x
    ...     tile[i] = x[i]
    ...     cuda.syncthreads()
    ...     x[i] = tile[7 - i]
    >>> x = np.arange(8, dtype=np.float32)
    >>> lockstep.launch(reverse, 1, 8, x).barriers, x
    (1, array([7., 6., 5., 4., 3., 2., 1., 0.], dtype=float32))

Each thread is a greenlet, which runs in random order until it waits: at a barrier of the block, or in an operation of
its warp. Every element remembers the threads that used it since, so a missing barrier is found in whichever order
the threads ran, not only when a result happens to be wrong. What is found is raised at once, as a `KernelError`
with the source line, the threads and the element:

- `Race`, `UninitialisedRead`, `OutOfRange`, `NegativeIndex`: wrong use of memory;
- `DivergentBarrier`, `WarpMask`, `Deadlock`: threads that wait for what does not come;
- `LaunchLimit`, `SharedMemoryLimit`: what no device starts;
- `Unsupported`, `Failure`: what the simulator does not have, and exceptions of Python's.

Stricter than a device, on purpose:

- a barrier is reached by *all* threads of the block, at the same place of the source: a thread that returned early is
  an error, though newer devices count it as arrived;
- lanes of a warp are not in step (they are not, since Volta). Only `syncwarp` orders memory between them; shuffles
  and votes exchange values and order nothing, as the programming guide says;
- threads of different blocks are ordered only by `threadfence` and atomic operations on one element, as in "the last
  block adds up";
- a negative index is refused, where Numba would count from the end.

Blocks run one after the other: a block that waits for a later one deadlocks. Numbers are Numba's: integers are 64
bits wide in arithmetic and wrap, floating-point numbers round in their own type. Where Numba would compute in
float64 because an operand is a Python float, the simulator stays in float32.
"""

from __future__ import annotations

from scratchnet.testing.lockstep.errors import (
    Deadlock,
    DivergentBarrier,
    Failure,
    KernelError,
    LaunchLimit,
    NegativeIndex,
    OutOfRange,
    Race,
    SharedMemoryLimit,
    UninitialisedRead,
    Unsupported,
    WarpMask,
)
from scratchnet.testing.lockstep.launching import Report, launch
from scratchnet.testing.lockstep.mutants import Barrier, barriers, check_barriers, without_barrier

__all__ = [
    "Barrier",
    "Deadlock",
    "DivergentBarrier",
    "Failure",
    "KernelError",
    "LaunchLimit",
    "NegativeIndex",
    "OutOfRange",
    "Race",
    "Report",
    "SharedMemoryLimit",
    "UninitialisedRead",
    "Unsupported",
    "WarpMask",
    "barriers",
    "check_barriers",
    "launch",
    "without_barrier",
]
