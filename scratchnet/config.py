"""Settings of the process: how many threads compute, and what memory is kept between calls.

- `set_num_threads(n)`, `get_num_threads()`: the threads of the kernels, matrix products included; at first the cores of the
  process, or ``OMP_NUM_THREADS``. OpenBLAS itself, which NumPy calls, is given one thread when the first kernel is compiled: its
  others would spin on the cores that the kernels need. The environment variable ``SCRATCHNET_BLAS_THREADS`` sets another number;
  0 leaves it alone.
- `set_workspace_limit(bytes)`, `get_workspace_limit()`: each thread keeps its scratch memory (padded patches, packed blocks) for
  the next call, up to this many bytes (64 MiB at first).
- `keep_freed_memory(bytes)`: how many bytes of freed arrays the process keeps for its next ones (256 MiB from the first compiled
  kernel on; ``SCRATCHNET_KEEP_MEMORY`` sets another number, and 0 leaves the C library alone).

Compiled code is kept in ``__pycache__`` beside the package, or in the user's cache folder where that cannot be written;
``NUMBA_CACHE_DIR`` names another place. ``SCRATCHNET_VECTOR_BYTES`` (16, 32, 64; 0 for plain loops) overrides the width of
vectors that convolutions are compiled for.
"""

from scratchnet.kernels import get_num_threads, set_num_threads
from scratchnet.kernels.memory import keep_freed_memory
from scratchnet.kernels.parallel import get_workspace_limit, set_workspace_limit

__all__ = ["get_num_threads", "get_workspace_limit", "keep_freed_memory", "set_num_threads", "set_workspace_limit"]
