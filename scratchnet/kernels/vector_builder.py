"""Vectors of numbers, as the instruction files of this folder write them down through LLVM's builder."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

I64, _I32, _I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)


class Vectors:
    """Operations on vectors of so many lanes of one type.  Places in memory are a pointer to a number, and a distance from it."""

    def __init__(self, builder: Any, element: ir.Type, lanes: int):
        self.builder, self.element, self.lanes = builder, element, lanes
        self.bytes = 4 if element == ir.FloatType() else 8
        self.type, self._mask_type = ir.VectorType(element, lanes), ir.VectorType(_I1, lanes)
        self.zero = ir.Constant(self.type, [0.0] * lanes)

    def _call(self, name: str, result: ir.Type, *arguments: ir.Value, pointer: bool = False, fastmath: tuple = ()) -> ir.Value:
        """An intrinsic function of LLVM's, whose name ends in the type of the vectors."""
        kind = ir.FunctionType(result, [argument.type for argument in arguments])
        full = f"llvm.{name}.v{self.lanes}f{8 * self.bytes}" + ".p0" * pointer
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, full), arguments, fastmath=fastmath)

    # ---- memory ----------------------------------------------------------------------------------------------
    def _pointer(self, start: ir.Value, distance: ir.Value) -> ir.Value:
        return self.builder.bitcast(self.builder.gep(start, [distance]), self.type.as_pointer())

    def load(self, start: ir.Value, distance: ir.Value, mask: ir.Value | None = None) -> ir.Value:
        """The numbers from there on; those that the mask leaves out are not read, and 0."""
        place = self._pointer(start, distance)
        if mask is None:
            return self.builder.load(place, align=self.bytes)           # vectors may begin at any number
        return self._call("masked.load", self.type, place, _I32(self.bytes), mask, self.zero, pointer=True)

    def store(self, value: ir.Value, start: ir.Value, distance: ir.Value, mask: ir.Value | None = None) -> None:
        """Write the numbers there, but for those that the mask leaves out."""
        place = self._pointer(start, distance)
        if mask is None:
            self.builder.store(value, place, align=self.bytes)
        else:
            self._call("masked.store", ir.VoidType(), value, place, _I32(self.bytes), mask, pointer=True)

    # ---- lanes -----------------------------------------------------------------------------------------------
    def everywhere(self, number: ir.Value) -> ir.Value:
        """The number in all lanes."""
        kind = ir.VectorType(number.type, self.lanes)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), number, _I32(0))
        return self.shuffled(one, ir.Constant(kind, ir.Undefined), [0] * self.lanes)

    def counting(self, first: ir.Value) -> ir.Value:
        """first, first + 1, … as int64"""
        numbers = ir.Constant(ir.VectorType(I64, self.lanes), list(range(self.lanes)))
        return self.builder.add(self.everywhere(first), numbers)

    def below(self, first: ir.Value, limit: ir.Value) -> ir.Value:
        """The lanes, numbered from ``first`` on, whose number n has 0 <= n < limit."""
        return self.builder.icmp_unsigned("<", self.counting(first), self.everywhere(limit))    # -1 is a very large number

    def shuffled(self, a: ir.Value, b: ir.Value, places: list[int]) -> ir.Value:
        """The elements at these places of a and b, one behind the other."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, self.lanes), places))

    # ---- arithmetic ------------------------------------------------------------------------------------------
    def fma(self, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
        """a·b + c, rounded once"""
        return self._call("fma", self.type, a, b, c)

    def sum(self, vector: ir.Value) -> ir.Value:
        """The sum of all lanes, in whatever order is quickest."""
        return self._call("vector.reduce.fadd", self.element, ir.Constant(self.element, 0.0), vector, fastmath=("reassoc",))


def data_of(context: Any, builder: Any, signature: Any, args: Any, *places: int) -> list[ir.Value]:
    """Pointers to the first numbers of the arrays among the arguments, at these places."""
    return [context.make_array(signature.args[i])(context, builder, args[i]).data for i in places]


def literals(*numbers: Any) -> list[int] | None:
    """The values of arguments that are constants at compile time; None if one is not."""
    return [n.literal_value for n in numbers] if all(isinstance(n, types.IntegerLiteral) for n in numbers) else None
