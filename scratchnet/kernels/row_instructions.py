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

_I64, _I32, _I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)


class Row:
    """Masked loads and stores of vectors of one type."""

    def __init__(self, builder: Any, element: ir.Type, lanes: int):
        self.builder, self.lanes, self.bytes = builder, lanes, 4 if element == ir.FloatType() else 8
        self.vector, self.mask_type = ir.VectorType(element, lanes), ir.VectorType(_I1, lanes)
        suffix = f"v{lanes}f{8 * self.bytes}.p0"
        pointer = self.vector.as_pointer()
        self._load = cgutils.get_or_insert_function(builder.module, ir.FunctionType(
            self.vector, [pointer, _I32, self.mask_type, self.vector]), f"llvm.masked.load.{suffix}")
        self._store = cgutils.get_or_insert_function(builder.module, ir.FunctionType(
            ir.VoidType(), [self.vector, pointer, _I32, self.mask_type]), f"llvm.masked.store.{suffix}")

    def mask(self, remaining: ir.Value, first: int = 0) -> ir.Value:
        """Lanes of which number first + lane is below ``remaining``."""
        numbers = ir.Constant(ir.VectorType(_I64, self.lanes), [first + lane for lane in range(self.lanes)])
        return self.builder.icmp_signed("<", numbers, self.everywhere(remaining))

    def everywhere(self, number: ir.Value) -> ir.Value:
        kind = ir.VectorType(number.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), number, _I32(0))
        places = ir.Constant(ir.VectorType(_I32, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), places)

    def _pointer(self, start: ir.Value, distance: ir.Value) -> ir.Value:
        return self.builder.bitcast(self.builder.gep(start, [distance]), self.vector.as_pointer())

    def load(self, start: ir.Value, distance: ir.Value, mask: ir.Value) -> ir.Value:
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        return self.builder.call(self._load, [self._pointer(start, distance), _I32(self.bytes), mask, zero])

    def store(self, start: ir.Value, distance: ir.Value, mask: ir.Value, value: ir.Value) -> None:
        self.builder.call(self._store, [value, self._pointer(start, distance), _I32(self.bytes), mask])


def _emitter(source: Any, lanes: int, read: Callable) -> Callable:
    """Code that writes what ``read(row, start, j, remaining, arguments)`` makes, vector by vector."""

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row = Row(builder, context.get_data_type(source.dtype), lanes)
        start, target = (context.make_array(signature.args[i])(context, builder, args[i]).data for i in (1, 2))
        count = args[3]
        with cgutils.for_range_slice(builder, _I64(0), count, _I64(lanes), _I64) as (j, _):
            remaining = builder.sub(count, j)
            row.store(target, j, row.mask(remaining), read(row, start, j, remaining, args))
        return context.get_dummy_value()

    return emit


def _read_next(row: Row, start: ir.Value, j: ir.Value, remaining: ir.Value, args: Any) -> ir.Value:
    return row.load(start, j, row.mask(remaining))


def _read_plus(row: Row, start: ir.Value, j: ir.Value, remaining: ir.Value, args: Any) -> ir.Value:
    return row.builder.fadd(_read_next(row, start, j, remaining, args), row.everywhere(args[4]))


def _read_even(row: Row, start: ir.Value, j: ir.Value, remaining: ir.Value, args: Any) -> ir.Value:
    b, lanes = row.builder, row.lanes
    at, last = b.mul(j, _I64(2)), b.sub(b.mul(remaining, _I64(2)), _I64(1))     # numbers up to the last even one
    first = row.load(start, at, row.mask(last))
    second = row.load(start, b.add(at, _I64(lanes)), row.mask(last, lanes))
    even = ir.Constant(ir.VectorType(_I32, lanes), [2 * lane for lane in range(lanes)])
    return b.shuffle_vector(first, second, even)


@intrinsic(prefer_literal=True)
def move(typing_context, L, source, target, count):
    if isinstance(L, types.IntegerLiteral):
        return types.void(L, source, target, types.int64), _emitter(source, L.literal_value, _read_next)


@intrinsic(prefer_literal=True)
def move_even(typing_context, L, source, target, count):
    if isinstance(L, types.IntegerLiteral):
        return types.void(L, source, target, types.int64), _emitter(source, L.literal_value, _read_even)


@intrinsic(prefer_literal=True)
def move_plus(typing_context, L, source, target, count, add):
    if isinstance(L, types.IntegerLiteral):
        return types.void(L, source, target, types.int64, source.dtype), _emitter(source, L.literal_value, _read_plus)


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
