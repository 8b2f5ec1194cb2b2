"""What the tests of the simulator share: right kernels each with a launch and its result, and where a line is."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.testing.lockstep_kernels import (
    bitonic_sort,
    compact,
    gemm,
    histogram,
    iou,
    last_block_sum,
    nms_mask,
    reduce,
    scan,
    softmax,
    stencil,
    transpose,
    warp_reduce,
    warp_scan,
)


def floats(*shape):
    return np.zeros(shape, np.float32)


def line_of(kernel, text):
    lines, first = inspect.getsourcelines(kernel)
    return first + next(i for i, line in enumerate(lines) if text in line)


@dataclass(frozen=True)
class Case:
    kernel: Callable
    grid: Any
    block: Any
    arrays: Callable[[], tuple]  # what the kernel is launched on; the last is what it writes
    expected: Callable[..., np.ndarray]  # from the arrays as they were
    options: dict = field(default_factory=dict)


def numbers(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def numpy_nms_mask(boxes, threshold, out):
    for i, a in enumerate(boxes):
        for j, b in enumerate(boxes):
            if j > i and iou(a, b) > threshold:
                out[i, j // 32] |= np.uint64(1 << j % 32)
    return out


def some_boxes(n):
    corners = np.random.default_rng(1).uniform(0, 8, (n, 2)).astype(np.float32)
    return np.concatenate([corners, corners + 3], 1)


def digits(n):
    return np.random.default_rng(2).integers(0, 10, n).astype(np.int32)


def padded_sums(x):
    sums = np.zeros(2, np.float32)
    sums[:] = x[:64].sum(), x[64:].sum()
    return sums


CASES = {
    "block reduction": Case(
        reduce, 2, 64, lambda: (numbers(100), np.zeros(2, np.float32)), lambda x, out: padded_sums(x)
    ),
    "transpose": Case(
        transpose, (2, 2), (8, 8), lambda: (numbers(10, 13), np.zeros((13, 10), np.float32)), lambda x, out: x.T
    ),
    "scan": Case(
        scan, 2, 64, lambda: (digits(128).reshape(2, 64), np.zeros((2, 64), np.int32)), lambda x, out: x.cumsum(1)
    ),
    "tiled GEMM": Case(
        gemm,
        (1, 2),
        (8, 8),
        lambda: (numbers(10, 17), numbers(17, 7), np.zeros((10, 7), np.float32)),
        lambda a, b, out: a @ b,
    ),
    "histogram": Case(
        histogram, 2, 32, lambda: (digits(150), np.zeros(10, np.int32)), lambda x, out: np.bincount(x, minlength=10)
    ),
    "warp reduction": Case(
        warp_reduce, 2, 128, lambda: (numbers(2, 128), np.zeros(2, np.float32)), lambda x, out: x.sum(1)
    ),
    "stencil": Case(
        stencil,
        2,
        32,
        lambda: (numbers(50), np.zeros(50, np.float32)),
        lambda x, out: np.convolve(x, np.ones(5, np.float32), "same"),
    ),
    "softmax": Case(
        softmax,
        2,
        32,
        lambda: (numbers(2, 50), np.zeros((2, 50), np.float32)),
        lambda x, out: np.exp(x) / np.exp(x).sum(1, keepdims=True),
    ),
    "bitonic sort": Case(bitonic_sort, 2, 64, lambda: (numbers(2, 64),), lambda x: np.sort(x, 1)),
    "NMS mask": Case(
        nms_mask,
        (2, 2),
        32,
        lambda: (some_boxes(40), np.float32(0.3), np.zeros((40, 2), np.uint64)),
        numpy_nms_mask,
    ),
    "warp scan": Case(
        warp_scan, 1, 32, lambda: (numbers(32), np.zeros(32, np.float32)), lambda x, out: x.cumsum(dtype=np.float32)
    ),
    "last block": Case(
        last_block_sum,
        3,
        64,
        lambda: (numbers(192), np.zeros(3, np.float32), np.zeros(1, np.int32), np.zeros(1, np.float32)),
        lambda x, partial, arrived, out: x.sum(keepdims=True),
        {"undefined": ("partial", "out")},
    ),
    "compaction": Case(
        compact,
        1,
        64,
        lambda: (numbers(64), np.zeros(64, np.float32)),
        lambda x, out: np.concatenate([x[x > 0], out[: (x <= 0).sum()]]),
        {"shared": 8},
    ),
}
