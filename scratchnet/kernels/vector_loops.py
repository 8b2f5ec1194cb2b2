"""Loops over contiguous vectors that several kernels are made of."""

from __future__ import annotations

from scratchnet.kernels.jit import jit


@jit
def add(target, source):
    """target[:] += source"""
    for i in range(len(target)):
        target[i] += source[i]


@jit(reassociate=True)
def sum_of(x):
    """Σ x, in x's dtype: each lane of the processor's vectors adds up a part, whose sums are added in the end."""
    total = x.dtype.type(0)
    for i in range(len(x)):
        total += x[i]
    return total
