"""Sums and maxima over the threads of a block.

The 32 lanes of a warp combine in five shuffles, which need no memory and no barrier; each warp leaves its result in
shared memory, and every thread combines those of the warps, in one order: all get the same number, every time.
"""

from __future__ import annotations

from numpy import float32

from scratchnet.kernels.cuda import target
from scratchnet.kernels.cuda.target import cuda

_FULL = 0xFFFFFFFF                  # all lanes of a warp
_WARPS = 32                         # of a block, at most


@target.device
def add(a, b):
    return a + b


@target.device
def larger(a, b):
    """The larger of both; NaN if one is."""
    return a if a > b or a != a else b


combine = add


@target.device
def _of_block(value):
    of_warps = cuda.shared.array(_WARPS, float32)
    thread = cuda.threadIdx.x
    value = combine(value, cuda.shfl_xor_sync(_FULL, value, 16))
    value = combine(value, cuda.shfl_xor_sync(_FULL, value, 8))
    value = combine(value, cuda.shfl_xor_sync(_FULL, value, 4))
    value = combine(value, cuda.shfl_xor_sync(_FULL, value, 2))
    value = combine(value, cuda.shfl_xor_sync(_FULL, value, 1))
    cuda.syncthreads()              # of the last time, nobody reads any more
    if thread % 32 == 0:
        of_warps[thread // 32] = value
    cuda.syncthreads()              # all warps have left theirs
    value = of_warps[0]
    for warp in range(1, cuda.blockDim.x // 32):
        value = combine(value, of_warps[warp])
    return value


block_sum = _of_block
"""The sum of every thread's number, for all threads. Blocks of whole warps, all of whose threads call it."""

block_max = _of_block.specialised(combine=larger)
"""The largest of every thread's numbers, NaN if one is."""
