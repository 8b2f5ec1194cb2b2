"""Loops over contiguous vectors that several kernels are made of."""

from __future__ import annotations

from scratchnet.kernels.instructions import Intrinsic
from scratchnet.kernels.jit import jit

# Slice assignment: Numba's own takes a second to compile wherever it stands.  Like all loops that are to be
# vectorised, these count from 0: the compiler must see that no index is negative.

@jit
def copy(target, source):
    """target[:] = source"""
    for i in range(len(target)):
        target[i] = source[i]


@jit
def fill(target, value):
    """target[:] = value"""
    for i in range(len(target)):
        target[i] = value


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


def _maximum(a, b):
    """The larger number; NaN if one is NaN."""
    return a if a > b or a != a else b


def _emit_maximum(typingctx, a, b):
    """One instruction whose reduction the compiler may reorder: that of a comparison it must not, for NaN's sake."""
    from llvmlite import ir

    def codegen(context, builder, signature, args):
        number = args[0].type
        function = builder.module.declare_intrinsic("llvm.maximum", [number], ir.FunctionType(number, [number] * 2))
        return builder.call(function, args)
    return a(a, b), codegen


maximum = Intrinsic(_maximum, _emit_maximum)


@jit
def largest_of(x):
    """The largest number; NaN if one is NaN."""
    largest = x[0]
    for i in range(len(x)):
        largest = maximum(largest, x[i])
    return largest
