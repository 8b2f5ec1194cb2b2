"""Sizes of sliding windows in any number of dimensions, shared by convolution, im2col and pooling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scratchnet.kernels.jit import jit


def per_axis(value: Any, axes: int, name: str, least: int) -> tuple[int, ...]:
    """``value`` as one int for each spatial axis: an int stands for all of them."""
    values = (value,) * axes if hasattr(value, "__index__") else tuple(value)
    if len(values) != axes or not all(hasattr(v, "__index__") for v in values):
        raise TypeError(f"{name}: expected an int or {axes}, got {value!r}")
    ints = tuple(int(v) for v in values)
    if min(ints, default=least) < least:
        kind = "positive" if least == 1 else "non-negative"
        raise RuntimeError(f"{name}: expected {kind} values, got {value!r}")
    return ints


def window_count(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode=False) -> int:
    """How many windows fit along one axis: ⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1.

    With ceil_mode the quotient is rounded up, but no window starts in the padding on the right.
    """
    free = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return free // stride + 1
    count = -(-free // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def window_counts(name: str, size, kernel, stride, padding, dilation, ceil_mode=False) -> tuple[int, ...]:
    """`window_count` of every axis; an error where no window fits."""
    counts = tuple(window_count(*axis, ceil_mode) for axis in zip(size, kernel, stride, padding, dilation))
    if min(counts) < 1:
        extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
        padded = tuple(n + 2 * p for n, p in zip(size, padding))
        raise RuntimeError(f"{name}: the kernel covers {extent} pixels, but the padded input has "
                           f"only {padded}")
    return counts


def seen_through(tap: Iterable[int], stride, dilation, counts) -> tuple[slice, ...]:
    """What the windows see of a padded image through one tap of the kernel: a slice of each axis."""
    return tuple(slice(t * d, t * d + s * n, s) for t, s, d, n in zip(tap, stride, dilation, counts))


@jit
def inside(size, count, stride, start):
    """The range of i of [0, count) with 0 <= i·stride + start < size: windows whose tap lies in the image."""
    first = min(count, max(0, -(start // stride)))
    return first, min(count, max(first, (size - 1 - start) // stride + 1))
