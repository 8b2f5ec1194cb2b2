"""What the C library does with memory that arrays have given back.

A training step allocates and frees the same few megabytes again and again.  glibc hands them back to the system in between,
which then clears them page by page when they are asked for anew: a third of a LeNet step on the machine where this was measured.
So glibc is told, when the first kernel is compiled, to keep up to 256 MiB of freed memory in the process.
``SCRATCHNET_KEEP_MEMORY`` (bytes; 0 leaves glibc alone) and `keep_freed_memory` change that.
"""

from __future__ import annotations

import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3           # of <malloc.h>
_LARGEST_BLOCK = 32 << 20                               # glibc takes no larger threshold; larger blocks are handed back at once
_DEFAULT = 256 << 20
_decided = False                                        # by the user, or by the default: once


def keep_freed_memory(limit: int = _DEFAULT) -> bool:
    """Keep up to about ``limit`` bytes of freed memory in the process instead of handing them back to the system.

    Parameters
    ----------
    limit : bytes, at least 0.  What is kept counts as used by the process, and is used again by whatever it allocates.

    Returns
    -------
    Whether the C library could be told: glibc can.
    """
    if not isinstance(limit, int) or not 0 <= limit < 1 << 31:
        raise ValueError(f"keep_freed_memory: expected 0 <= limit < 2^31 bytes, got {limit!r}")
    global _decided
    _decided = True
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):        # another C library, another system
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, min(limit, _LARGEST_BLOCK))) and bool(mallopt(_M_TRIM_THRESHOLD, limit))


def keep_by_default() -> None:
    """What the environment asks for, or the default."""
    limit = os.environ.get("SCRATCHNET_KEEP_MEMORY", str(_DEFAULT)).strip()
    if not limit.isdecimal() or int(limit) >= 1 << 31:
        raise ValueError(f"SCRATCHNET_KEEP_MEMORY: expected a number of bytes, 0 <= bytes < 2^31, got {limit!r}")
    if int(limit) and not _decided:
        keep_freed_memory(int(limit))
