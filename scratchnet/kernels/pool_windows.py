"""Windows: which pixels each output of a pooling looks at, in one, two or three dimensions.

Sliding windows, adaptive regions and fractional regions differ in one thing only: where along each axis a
window starts and stops.  A `Windows` holds that as tables, made once for a geometry and remembered, and the
pooling kernels know nothing else.  Fewer than three axes are lifted to three by leading axes of size 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from scratchnet.kernels.geometry import inside, window_count
from scratchnet.kernels.jit import jit
from scratchnet.kernels.registry import dense

_FEW_WINDOWS = 8            # along the last axis: fewer, if they are long, are treated one by one
_NO_TAPS = np.zeros((0, 3), np.int64)
NO_PIXEL = -1               # the index of the maximum of a window that sees padding alone


class Axis(NamedTuple):
    """Windows along one axis: window i sees pixels start[i], start[i] + step, ... before stop[i].

    start and stop are int64 [1, windows], or [planes, windows] where each plane has windows of its own, and
    lie inside the image; a window that sees none of it has start >= stop.
    """

    size: int
    start: np.ndarray
    stop: np.ndarray
    step: int
    divisor: np.ndarray         # [windows]: the number of values that an average divides by
    # Equally spaced windows can also be treated together, tap by tap: windows first..last-1 see pixels column,
    # column + stride, ... through a tap; a row (first, last, column) for each.
    stride: int = 0
    taps: np.ndarray = _NO_TAPS

    @property
    def windows(self) -> int:
        return self.start.shape[1]

    @property
    def longest(self) -> int:
        """The pixels of the largest window."""
        return -(-int((self.stop - self.start).max(initial=0)) // self.step)

    @property
    def whole(self) -> bool:
        """Whether there is one window, and it sees everything."""
        return (self.start.shape == (1, 1) and self.step == 1
                and self.start[0, 0] == 0 and self.stop[0, 0] == self.size)


class Windows:
    """Windows over the last axes of an array [N, C, *size]; windows of all axes are combined.

    Attributes
    ----------
    size : of the input, one to three numbers
    output : the number of windows along each of these axes
    """

    def __init__(self, axes: Sequence[Axis]):
        self.size, self.output = tuple(a.size for a in axes), tuple(a.windows for a in axes)
        self.axes = (*[_POINT] * (3 - len(axes)), *axes)
        self._divisor_tables: dict[np.dtype, tuple] = {}

    def check(self, name: str, shape: Sequence[int]) -> None:
        """Raise unless arrays of this shape are what the windows were made for."""
        if len(shape) != len(self.size) + 2 or tuple(shape[2:]) != self.size:
            raise RuntimeError(f"{name}: expected an input of shape [N, C, {', '.join(map(str, self.size))}], "
                               f"got {tuple(shape)}")
        planes = max(len(a.start) for a in self.axes)
        if planes > 1 and planes != shape[0] * shape[1]:
            raise RuntimeError(f"{name}: the windows are those of {planes} planes, got an input of shape "
                               f"{tuple(shape)}")

    def check_output(self, name: str, shape: Sequence[int]) -> None:
        """Raise unless arrays of this shape are results."""
        expected = (*shape[:2], *self.output)
        if tuple(shape) != expected:
            raise RuntimeError(f"{name}: expected g of shape [N, C, {', '.join(map(str, self.output))}], "
                               f"got {tuple(shape)}")

    def taps(self):
        """For all taps in the order of memory: their pixels, as indices into arrays [P, D, H, W], and which of these
        exist, [P, OD, OH, OW] (or what broadcasts to it)."""
        for tap in np.ndindex(*(a.longest for a in self.axes)):
            index, valid = [slice(None)], np.ones((1, 1, 1, 1), bool)
            for axis, (a, t) in enumerate(zip(self.axes, tap), 1):
                place = a.start + t * a.step
                shape = [len(place), 1, 1, 1]
                shape[axis] = a.windows
                valid = valid & (place < a.stop).reshape(shape)
                index.append(np.minimum(place, a.size - 1).reshape(shape))
            planes = max(len(a.start) for a in self.axes)
            if planes > 1:
                index[0] = np.arange(planes)[:, None, None, None]
            else:
                index[1:] = [i[0] for i in index[1:]]
            yield tuple(index), valid

    def divisors(self, dtype) -> np.ndarray:
        """[OD, OH, OW]"""
        d, h, w = (a.divisor.astype(dtype) for a in self.axes)
        return d[:, None, None] * h[:, None] * w

    @cached_property
    def _merged(self) -> tuple[Axis, Axis, Axis]:
        """The axes for compiled loops.  Windows of whole rows are stretches of memory: they become those of one
        axis, which a global pooling is in the end."""
        depth, height, width = self.axes
        for _ in range(2):
            if width.size == 1 and width.whole:
                width = height._replace(divisor=height.divisor * width.divisor)
            elif width.whole and height.step == 1:
                n = width.size
                width = Axis(height.size * n, height.start * n, height.stop * n, 1, height.divisor * width.divisor)
            else:
                break
            depth, height = _POINT, depth
        if width.windows < min(_FEW_WINDOWS, len(width.taps)):
            width = width._replace(stride=0, taps=_NO_TAPS)
        return depth, height, width

    def volumes(self, array: np.ndarray) -> np.ndarray:
        """An input [N, C, ...] as [P, D, H, W] for the loops."""
        return dense(array).reshape(array.shape[0] * array.shape[1], *(a.size for a in self._merged))

    def outputs(self, array: np.ndarray) -> np.ndarray:
        """An output [N, C, ...] as [P, OD, OH, OW] for the loops."""
        return dense(array).reshape(array.shape[0] * array.shape[1], *(a.windows for a in self._merged))

    @cached_property
    def tables(self) -> tuple:
        """For the loops: (start, stop) of the windows along the three axes, int64 [2, 1 or P, windows], then taps and
        stride of the last axis, and whether its taps are pairs."""
        ranges = (np.ascontiguousarray(np.stack([a.start, a.stop]), np.int64) for a in self._merged)
        width = self._merged[2]
        return *ranges, width.taps, width.stride, self._paired

    @cached_property
    def whole(self) -> bool:
        """Whether there is one window, and it sees everything."""
        return all(a.whole for a in self.axes)

    @property
    def _paired(self) -> bool:
        """Whether the windows of the last axis see pairs of neighbours, every two pixels, none in the padding."""
        taps, stride = self._merged[2].taps, self._merged[2].stride
        return (stride == 2 and len(taps) > 0 and len(taps) % 2 == 0 and bool((taps[:, :2] == taps[0, :2]).all())
                and bool((np.diff(taps[:, 2]) == 1).all()))

    @cached_property
    def steps(self) -> tuple[int, int, int]:
        depth, height, width = (a.step for a in self._merged)
        return depth, height, width

    def divisor_tables(self, dtype) -> tuple:
        """For the loops: the three factors of `divisors`."""
        if dtype not in self._divisor_tables:
            self._divisor_tables[dtype] = tuple(a.divisor.astype(dtype) for a in self._merged)
        return self._divisor_tables[dtype]


_POINT = Axis(1, np.zeros((1, 1), np.int64), np.ones((1, 1), np.int64), 1, np.ones(1))


def check_sliding(name: str, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int],
                  dilation: Sequence[int]) -> None:
    """Raise for settings of sliding windows that are out of their range."""
    for what, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if min(values) < 1:
            raise RuntimeError(f"{name}: {what} should be greater than zero, got {tuple(values)}")
    if min(padding) < 0:
        raise RuntimeError(f"{name}: pad must be non-negative, but got pad: {tuple(padding)}")
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise RuntimeError(f"{name}: pad should be at most half of kernel size, but got pad={tuple(padding)} and "
                           f"kernel_size={tuple(kernel)}")


@lru_cache(maxsize=512)
def sliding_windows(name: str, size: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...],
                    padding: tuple[int, ...], dilation: tuple[int, ...], ceil_mode: bool = False,
                    count_include_pad: bool = True, divisor_override: int | None = None) -> Windows:
    """Windows of `kernel` pixels every `stride` pixels; tap t of window i is pixel i·stride + t·dilation - padding.

    Parameters
    ----------
    name : of the function, for errors
    size, kernel, stride, padding, dilation : a number for each axis
    ceil_mode : also windows that start inside the image but end beyond it
    count_include_pad : a mean counts the padding
    divisor_override : a mean divides by this number

    Raises
    ------
    RuntimeError
        If a setting is out of its range or no window fits.
    """
    check_sliding(name, kernel, stride, padding, dilation)
    counts = [window_count(*axis, ceil_mode) for axis in zip(size, kernel, stride, padding, dilation)]
    if min(counts) < 1:
        raise RuntimeError(f"{name}: given input size {size}, calculated output size {tuple(counts)}: output size is "
                           f"too small for kernel_size={kernel}, padding={padding} and dilation={dilation}")
    axes = [_sliding_axis(n, k, s, p, d, count, count_include_pad)
            for n, k, s, p, d, count in zip(size, kernel, stride, padding, dilation, counts)]
    if divisor_override is not None:
        axes = [a._replace(divisor=np.ones(a.windows)) for a in axes]
        axes[-1].divisor[:] = divisor_override
    return Windows(axes)


def _sliding_axis(size, kernel, stride, padding, dilation, count, count_include_pad=True):
    first = np.arange(count) * stride - padding
    end = first + dilation * (kernel - 1) + 1
    start = np.where(first < 0, first % dilation, first)        # the first tap in the image
    stop = np.minimum(end, size)
    divisor = (np.minimum(end, size + padding) - first if count_include_pad else stop - start).astype(np.float64)
    taps = []
    for tap in range(kernel):
        column = tap * dilation - padding
        j0, j1 = inside.python(size, count, stride, column)
        if j0 < j1:
            taps.append((j0, j1, j0 * stride + column))
    taps = np.array(taps, np.int64).reshape(-1, 3)
    return Axis(size, start[None], stop[None], dilation, divisor, stride, taps)


@lru_cache(maxsize=512)
def adaptive_windows(size: tuple[int, ...], output: tuple[int, ...]) -> Windows:
    """`output` regions that cover the image: region i of m reaches from ⌊i·n/m⌋ up to ⌈(i + 1)·n/m⌉."""
    return Windows([_adaptive_axis(n, m) for n, m in zip(size, output)])


def _adaptive_axis(n, m):
    if m and n % m == 0:
        return _sliding_axis(n, n // m, n // m, 0, 1, m)
    i = np.arange(m)
    start, stop = i * n // max(m, 1), -(-(i + 1) * n // max(m, 1))
    return Axis(n, start[None], stop[None], 1, (stop - start).astype(np.float64))


def fractional_windows(size: Sequence[int], kernel: Sequence[int], starts: Sequence[np.ndarray]) -> Windows:
    """Windows of `kernel` pixels that start at `starts`, [planes, windows] for each axis.

    Raises
    ------
    RuntimeError
        If a window does not lie inside of the image.
    """
    axes = []
    for n, k, start in zip(size, kernel, starts):
        if start.size and (start.min() < 0 or start.max() + k > n):
            raise RuntimeError(f"fractional windows of {k} pixels from {start.min()} to {start.max() + k} do not lie in "
                               f"an image of {n}")
        start = start.astype(np.int64)
        axes.append(Axis(n, start, start + k, 1, np.full(start.shape[1], float(k))))
    return Windows(axes)


@jit
def split(row, stride, phases):
    """phases[p, q] = row[q·stride + p]: what windows `stride` apart see through a tap becomes a stretch of memory.

    Pairs are shuffled vectors to the compiler; a single element of each pair would be fetched one by one.
    """
    if stride == 2:
        even, odd = phases[0], phases[1]
        for q in range(len(row) // 2):
            even[q] = row[2 * q]
            odd[q] = row[2 * q + 1]
        if len(row) % 2:
            even[len(row) // 2] = row[len(row) - 1]
    elif stride > 2:
        for p in range(stride):
            for q in range((len(row) - p + stride - 1) // stride):
                phases[p, q] = row[q * stride + p]


@jit
def seen_through(row, stride, phases, column, count):
    """The pixels column, column + stride, ... of a row that has been `split`, which stride 1 does not need."""
    if stride == 1:
        return row[column:column + count]
    start = column // stride
    return phases[column % stride, start:start + count]
