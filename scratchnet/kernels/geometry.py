"""Sizes of sliding windows, shared by convolution, im2col and pooling."""

from __future__ import annotations

from collections.abc import Sequence

from scratchnet.kernels.jit import jit


def pair(value: int | Sequence[int], name: str, least: int) -> tuple[int, int]:
    """``value`` as (rows, columns): an int stands for both."""
    values = (value, value) if isinstance(value, int) else tuple(value)
    if len(values) != 2 or not all(isinstance(v, int) or hasattr(v, "__index__") for v in values):
        raise TypeError(f"{name}: expected an int or two, got {value!r}")
    rows, columns = int(values[0]), int(values[1])
    if min(rows, columns) < least:
        kind = "positive" if least == 1 else "non-negative"
        raise RuntimeError(f"{name}: expected {kind} values, got {value!r}")
    return rows, columns


def window_count(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode=False) -> int:
    """How many windows fit along one axis: ⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1.

    With ceil_mode the quotient is rounded up, but no window starts in the padding on the right.
    """
    free = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return free // stride + 1
    count = -(-free // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def window_counts(name: str, size, kernel, stride, padding, dilation, ceil_mode=False) -> tuple[int, int]:
    """`window_count` of rows and of columns; an error where no window fits."""
    rows, columns = (window_count(*axis, ceil_mode) for axis in zip(size, kernel, stride, padding, dilation))
    if min(rows, columns) < 1:
        extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
        padded = tuple(n + 2 * p for n, p in zip(size, padding))
        raise RuntimeError(f"{name}: the kernel covers {extent} pixels, but the padded input has "
                           f"only {padded}")
    return rows, columns


def tap_slices(a: int, b: int, stride, dilation, counts) -> tuple[slice, slice]:
    """The rows and columns of a padded image that its windows see through tap (a, b)."""
    rows, columns = (slice(t * d, t * d + s * n, s) for t, s, d, n in zip((a, b), stride, dilation, counts))
    return rows, columns


@jit
def inside(size, count, stride, start):
    """The range of i of [0, count) with 0 <= i·stride + start < size: windows whose tap lies in the image."""
    first = min(count, max(0, -(start // stride)))
    return first, min(count, max(first, (size - 1 - start) // stride + 1))
