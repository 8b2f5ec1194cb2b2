"""Short rows moved in whole vectors, the last one masked.

Compilers vectorise a loop over a row for long rows and leave the rest to be done one by one; rows of images are short.

    move(L, source, target, count)              target[j] = source[j]               j < count
    move_even(L, source, target, count)         target[j] = source[2·j]
    move_plus(L, source, target, count, add)    target[j] = source[j] + add

Nothing behind the last number is read or written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from scratchnet.kernels.vector_builder import I64, Vectors, data_of, literals


def _emitter(source: Any, lanes: int, read: Callable) -> Callable:
    """Code that writes what ``read(vectors, start, j, remaining, arguments)`` makes, vector by vector."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = Vectors(builder, context.get_data_type(source.dtype), lanes)
        start, target = data_of(context, builder, signature, args, 1, 2)
        count = args[3]
        with cgutils.for_range_slice(builder, I64(0), count, I64(lanes), I64) as (j, _):
            remaining = builder.sub(count, j)
            vectors.store(read(vectors, start, j, remaining, args), target, j, vectors.below(I64(0), remaining))
        return context.get_dummy_value()

    return emit


def _read_next(vectors: Vectors, start: ir.Value, j: ir.Value, remaining: ir.Value, args: Any) -> ir.Value:
    return vectors.load(start, j, vectors.below(I64(0), remaining))


def _read_plus(vectors: Vectors, start: ir.Value, j: ir.Value, remaining: ir.Value, args: Any) -> ir.Value:
    return vectors.builder.fadd(_read_next(vectors, start, j, remaining, args), vectors.everywhere(args[4]))


def _read_even(vectors: Vectors, start: ir.Value, j: ir.Value, remaining: ir.Value, args: Any) -> ir.Value:
    b, lanes = vectors.builder, I64(vectors.lanes)
    at, last = b.mul(j, I64(2)), b.sub(b.mul(remaining, I64(2)), I64(1))       # numbers up to the last even one
    first = vectors.load(start, at, vectors.below(I64(0), last))
    second = vectors.load(start, b.add(at, lanes), vectors.below(lanes, last))
    return vectors.shuffled(first, second, [2 * lane for lane in range(vectors.lanes)])


@intrinsic(prefer_literal=True)
def move(typing_context, L, source, target, count):
    if constants := literals(L):
        return types.void(L, source, target, types.int64), _emitter(source, *constants, _read_next)


@intrinsic(prefer_literal=True)
def move_even(typing_context, L, source, target, count):
    if constants := literals(L):
        return types.void(L, source, target, types.int64), _emitter(source, *constants, _read_even)


@intrinsic(prefer_literal=True)
def move_plus(typing_context, L, source, target, count, add):
    if constants := literals(L):
        return types.void(L, source, target, types.int64, source.dtype), _emitter(source, *constants, _read_plus)


@register_jitable
def plain_move(L, source, target, count):
    for j in range(count):
        target[j] = source[j]


@register_jitable
def plain_move_even(L, source, target, count):
    for j in range(count):
        target[j] = source[2 * j]


@register_jitable
def plain_move_plus(L, source, target, count, add):
    for j in range(count):
        target[j] = source[j] + add
