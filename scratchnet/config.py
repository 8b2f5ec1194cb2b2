"""Settings of the process: how many threads compute, and what happens to freed memory.

- `set_num_threads(n)`, `get_num_threads()`: the threads of the kernels. NumPy's matrix products have threads of their own,
  which `OPENBLAS_NUM_THREADS` in the environment sets.
- `keep_freed_memory(limit)`: how many bytes of freed memory the process keeps for its next arrays (256 MiB from the first
  compiled kernel on; the environment variable `SCRATCHNET_KEEP_MEMORY` sets another number, and 0 leaves the C library alone).
"""

from scratchnet.kernels import get_num_threads, set_num_threads
from scratchnet.kernels.memory import keep_freed_memory

__all__ = ["get_num_threads", "keep_freed_memory", "set_num_threads"]
