"""Right kernels: what the simulator must let pass, and notice when a barrier goes."""

import math
from typing import Any

import numpy as np

cuda: Any = None  # the simulator puts itself in its place

FULL = 0xFFFFFFFF


def block_sum(value, partial):
    """The sum over a block, for all its threads: a tree in shared memory."""
    i = cuda.threadIdx.x
    partial[i] = value
    cuda.syncthreads()
    step = cuda.blockDim.x // 2
    while step > 0:
        if i < step:
            partial[i] += partial[i + step]
        cuda.syncthreads()
        step //= 2
    return partial[0]


def reduce(x, out):
    partial = cuda.shared.array(64, np.float32)
    i = cuda.grid(1)
    total = block_sum(x[i] if i < x.size else np.float32(0), partial)
    if cuda.threadIdx.x == 0:
        out[cuda.blockIdx.x] = total


def transpose(x, out):
    tile = cuda.shared.array((8, 9), np.float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    row, column = cuda.blockIdx.y * 8 + ty, cuda.blockIdx.x * 8 + tx
    if row < x.shape[0] and column < x.shape[1]:
        tile[ty, tx] = x[row, column]
    cuda.syncthreads()
    row, column = cuda.blockIdx.x * 8 + ty, cuda.blockIdx.y * 8 + tx
    if row < out.shape[0] and column < out.shape[1]:
        out[row, column] = tile[tx, ty]


def scan(x, out):
    """Inclusive sums of Hillis and Steele: all read, then all write."""
    sums = cuda.shared.array(64, np.int32)
    i = cuda.threadIdx.x
    sums[i] = x[cuda.blockIdx.x, i]
    step = 1
    while step < 64:
        cuda.syncthreads()
        before = sums[i - step] if i >= step else 0
        cuda.syncthreads()
        sums[i] += before
        step *= 2
    out[cuda.blockIdx.x, i] = sums[i]


def gemm(a, b, out):
    tile_a = cuda.shared.array((8, 8), np.float32)
    tile_b = cuda.shared.array((8, 8), np.float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    column, row = cuda.grid(2)
    total = np.float32(0)
    for k in range(0, a.shape[1], 8):
        tile_a[ty, tx] = a[row, k + tx] if row < a.shape[0] and k + tx < a.shape[1] else np.float32(0)
        tile_b[ty, tx] = b[k + ty, column] if k + ty < b.shape[0] and column < b.shape[1] else np.float32(0)
        cuda.syncthreads()
        for j in range(8):
            total = cuda.fma(tile_a[ty, j], tile_b[j, tx], total)
        cuda.syncthreads()
    if row < out.shape[0] and column < out.shape[1]:
        out[row, column] = total


def histogram(x, out):
    counts = cuda.shared.array(10, np.int32)
    i = cuda.threadIdx.x
    if i < 10:
        counts[i] = 0
    cuda.syncthreads()
    for j in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        cuda.atomic.add(counts, x[j], 1)
    cuda.syncthreads()
    if i < 10:
        cuda.atomic.add(out, i, counts[i])


def warp_reduce(x, out):
    """Sums by shuffles in each warp, handed on through shared memory to the first."""
    partial = cuda.shared.array(4, np.float32)
    i = cuda.threadIdx.x
    total = x[cuda.blockIdx.x, i]
    for step in (16, 8, 4, 2, 1):
        total += cuda.shfl_down_sync(FULL, total, step)
    if cuda.laneid == 0:
        partial[i // 32] = total
    cuda.syncthreads()
    if i < 32:
        total = partial[i] if i < 4 else np.float32(0)
        for step in (2, 1):
            total += cuda.shfl_xor_sync(FULL, total, step)
        if i == 0:
            out[cuda.blockIdx.x] = total


def stencil(x, out):
    """Sums of five neighbours, from a tile with a halo of two on each side."""
    tile = cuda.shared.array(36, np.float32)
    i, t = cuda.grid(1), cuda.threadIdx.x
    for offset in (0, 32):
        j = t + offset
        if j < 36:
            source = i - 2 + offset
            tile[j] = x[source] if 0 <= source < x.size else np.float32(0)
    cuda.syncthreads()
    if i < out.size:
        out[i] = tile[t] + tile[t + 1] + tile[t + 2] + tile[t + 3] + tile[t + 4]


def softmax(x, out):
    """A block a row; maximum and sum through the same shared memory."""
    partial = cuda.shared.array(32, np.float32)
    row, i = cuda.blockIdx.x, cuda.threadIdx.x
    largest = np.float32(-math.inf)
    for j in range(i, x.shape[1], 32):
        largest = max(largest, x[row, j])
    partial[i] = largest
    cuda.syncthreads()
    for j in range(32):
        largest = max(largest, partial[j])
    cuda.syncthreads()
    total = np.float32(0)
    for j in range(i, x.shape[1], 32):
        total += math.exp(x[row, j] - largest)
    partial[i] = total
    cuda.syncthreads()
    total = np.float32(0)
    for j in range(32):
        total += partial[j]
    for j in range(i, x.shape[1], 32):
        out[row, j] = math.exp(x[row, j] - largest) / total


def bitonic_sort(x):
    keys = cuda.shared.array(64, np.float32)
    i = cuda.threadIdx.x
    keys[i] = x[cuda.blockIdx.x, i]
    size = 2
    while size <= 64:
        step = size // 2
        while step > 0:
            cuda.syncthreads()
            j = i ^ step
            if j > i and (keys[i] > keys[j]) == (i & size == 0):
                keys[i], keys[j] = keys[j], keys[i]
            step //= 2
        size *= 2
    cuda.syncthreads()
    x[cuda.blockIdx.x, 63 - i] = keys[63 - i]


def iou(a, b):
    width = max(min(a[2], b[2]) - max(a[0], b[0]), np.float32(0))
    height = max(min(a[3], b[3]) - max(a[1], b[1]), np.float32(0))
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def nms_mask(boxes, threshold, out):
    """Bit j of out[i, c]: box i overlaps box 32 c + j, which comes after it."""
    tile = cuda.shared.array((32, 4), np.float32)
    t = cuda.threadIdx.x
    i, first = cuda.blockIdx.y * 32 + t, cuda.blockIdx.x * 32
    if first + t < boxes.shape[0]:
        for k in range(4):
            tile[t, k] = boxes[first + t, k]
    cuda.syncthreads()
    if i < boxes.shape[0]:
        bits = np.uint64(0)
        for j in range(min(32, boxes.shape[0] - first)):
            if first + j > i and iou(boxes[i], tile[j]) > threshold:
                bits |= np.uint64(1) << np.uint64(j)
        out[i, cuda.blockIdx.x] = bits


def warp_scan(x, out):
    """Sums before each element, in pairs through shared memory: a warp orders itself."""
    sums = cuda.shared.array(32, np.float32)
    i = cuda.threadIdx.x
    sums[i] = x[i]
    for step in (1, 2, 4, 8, 16):
        cuda.syncwarp()
        before = sums[i - step] if i >= step else np.float32(0)
        cuda.syncwarp()
        sums[i] += before
    out[i] = sums[i]


def last_block_sum(x, partial, arrived, out):
    """Each block leaves its sum; the one that comes last adds them up."""
    shared = cuda.shared.array(64, np.float32)
    last = cuda.shared.array(1, np.int32)
    i = cuda.threadIdx.x
    total = block_sum(x[cuda.grid(1)], shared)
    if i == 0:
        partial[cuda.blockIdx.x] = total
        cuda.threadfence()
        last[0] = cuda.atomic.add(arrived, 0, 1) == cuda.gridDim.x - 1
    cuda.syncthreads()
    if last[0] and i == 0:
        total = np.float32(0)
        for block in range(cuda.gridDim.x):
            total += partial[block]
        out[0] = total


def compact(x, out):
    """Positive elements in order, by ballots: the dynamic shared memory holds the count of each warp."""
    counts = cuda.shared.array(0, np.int32)
    i = cuda.threadIdx.x
    keep = x[i] > 0
    votes = cuda.ballot_sync(FULL, keep)
    if cuda.laneid == 0:
        counts[i // 32] = cuda.popc(votes)
    cuda.syncthreads()
    place = cuda.popc(votes & ((1 << cuda.laneid) - 1))
    for warp in range(i // 32):
        place += counts[warp]
    if keep:
        out[place] = x[i]
