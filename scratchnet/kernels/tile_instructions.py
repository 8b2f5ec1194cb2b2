"""The instructions of the register tile (see `tile`), written down one by one through LLVM's builder.

    tile(M, V, L, a, a_rows, a_steps, b, b_steps, count, c, c_row, fresh)

    c[m·c_row + v·L + l]  (+)=  Σ_{k < count} a[a_rows[m] + a_steps[k]] · b[b_steps[k] + v·L + l]

`a`, `b`, `c` are one-dimensional and contiguous; `a_rows`, `a_steps`, `b_steps` are tables (int64 arrays), or numbers s that
mean the table 0, s, 2s, ...  M, V, L are constants at compile time.  `fresh` starts the sums from 0, else from `c`.
Nothing checks bounds: that is the caller's duty.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload, register_jitable

_I64, _I32 = ir.IntType(64), ir.IntType(32)


class _Operand:
    """An array argument, as a pointer to its numbers."""

    def __init__(self, builder: Any, context: Any, kind: Any, value: Any, vector: ir.Type):
        self.builder, self.vector = builder, vector
        self.start = context.make_array(kind)(context, builder, value).data

    def moved(self, distance: ir.Value) -> _Operand:
        other = object.__new__(_Operand)
        other.builder, other.vector = self.builder, self.vector
        other.start = self.builder.gep(self.start, [distance])
        return other

    def number(self) -> ir.Value:
        return self.builder.load(self.start)

    def everywhere(self) -> ir.Value:
        """One number in all lanes of a vector."""
        one = self.builder.insert_element(ir.Constant(self.vector, ir.Undefined), self.number(), _I32(0))
        first = ir.Constant(ir.VectorType(_I32, self.vector.count), [0] * self.vector.count)
        return self.builder.shuffle_vector(one, ir.Constant(self.vector, ir.Undefined), first)

    def _vector_pointer(self, v: int) -> ir.Value:
        place = self.builder.gep(self.start, [_I64(v * self.vector.count)])
        return self.builder.bitcast(place, self.vector.as_pointer())

    def load(self, v: int) -> ir.Value:
        return self.builder.load(self._vector_pointer(v), align=self._alignment)

    def store(self, v: int, value: ir.Value) -> None:
        self.builder.store(value, self._vector_pointer(v), align=self._alignment)

    @property
    def _alignment(self) -> int:
        """Vectors may begin at any number."""
        return 4 if self.vector.element == ir.FloatType() else 8


def _distance(builder: Any, context: Any, kind: Any, value: Any, index: ir.Value) -> ir.Value:
    """table[index], or number · index"""
    if isinstance(kind, types.Array):
        return builder.load(builder.gep(context.make_array(kind)(context, builder, value).data, [index]))
    if isinstance(kind, types.IntegerLiteral):
        return builder.mul(_I64(kind.literal_value), index)
    return builder.mul(value, index)


@intrinsic(prefer_literal=True)
def tile(typing_context, M, V, L, a, a_rows, a_steps, b, b_steps, count, c, c_row, fresh):
    if not all(isinstance(n, types.IntegerLiteral) for n in (M, V, L)):
        return None
    rows, vectors, lanes = (n.literal_value for n in (M, V, L))
    steps = [t if isinstance(t, types.Array) else types.int64 for t in (a_rows, a_steps, b_steps)]
    constants = [t if isinstance(t, types.IntegerLiteral) else s for t, s in zip((a_rows, a_steps, b_steps), steps)]
    signature = types.void(M, V, L, a, constants[0], constants[1], b, constants[2], types.int64, c, types.int64,
                           types.boolean)  # fmt: skip

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = context.get_data_type(a.dtype)
        vector = ir.VectorType(element, lanes)
        zero = ir.Constant(vector, [0.0] * lanes)
        name = f"llvm.fma.v{lanes}f{32 if element == ir.FloatType() else 64}"
        fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)

        def step(i: int, index: ir.Value) -> ir.Value:
            return _distance(builder, context, signature.args[i], args[i], index)

        a_start, b_start, c_start = (_Operand(builder, context, signature.args[i], args[i], vector) for i in (3, 6, 9))
        count, c_row, fresh = args[8], args[10], args[11]
        row_starts = [a_start.moved(step(4, _I64(m))) for m in range(rows)]
        c_rows = [c_start.moved(builder.mul(c_row, _I64(m))) for m in range(rows)]
        grid = [(m, v) for m in range(rows) for v in range(vectors)]

        entry = builder.block
        resume, begin, loop, done = (builder.append_basic_block(n) for n in ("resume", "begin", "loop", "done"))
        builder.cbranch(fresh, begin, resume)

        builder.position_at_end(resume)
        earlier = {(m, v): c_rows[m].load(v) for m, v in grid}
        builder.branch(begin)

        builder.position_at_end(begin)
        sums = {at: builder.phi(vector) for at in grid}
        for at, phi in sums.items():
            phi.add_incoming(zero, entry)
            phi.add_incoming(earlier[at], resume)
        builder.cbranch(builder.icmp_signed("<", _I64(0), count), loop, done)

        builder.position_at_end(loop)
        k = builder.phi(_I64)
        k.add_incoming(_I64(0), begin)
        running = {at: builder.phi(vector) for at in grid}
        b_here, a_step = b_start.moved(step(7, k)), step(5, k)
        b_vectors = [b_here.load(v) for v in range(vectors)]
        new = {}
        for m in range(rows):
            factor = row_starts[m].moved(a_step).everywhere()
            for v in range(vectors):
                new[m, v] = builder.call(fma, [factor, b_vectors[v], running[m, v]])
        after = builder.add(k, _I64(1))
        k.add_incoming(after, loop)
        for at, phi in running.items():
            phi.add_incoming(sums[at], begin)
            phi.add_incoming(new[at], loop)
        builder.cbranch(builder.icmp_signed("<", after, count), loop, done)

        builder.position_at_end(done)
        for m, v in grid:
            total = builder.phi(vector)
            total.add_incoming(sums[m, v], begin)
            total.add_incoming(new[m, v], loop)
            new[m, v] = total
        for m, v in grid:
            c_rows[m].store(v, new[m, v])
        return context.get_dummy_value()

    return signature, emit


@intrinsic(prefer_literal=True)
def transposed(typing_context, T, source, source_row, target, target_row):
    """target[j·target_row + i] = source[i·source_row + j] for i, j < T, a power of 2.

    In log₂ T rounds, rows i and i + w trade the elements whose place has bit w in the one and lacks it in the other:
    the upper right and the lower left quarter of every block of 2w × 2w.
    """
    if not isinstance(T, types.IntegerLiteral):
        return None
    lanes = T.literal_value

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(context.get_data_type(source.dtype), lanes)
        at, to = (_Operand(builder, context, signature.args[i], args[i], vector) for i in (1, 3))
        rows = [at.moved(builder.mul(args[2], _I64(i))).load(0) for i in range(lanes)]
        w = 1
        while w < lanes:
            for i in (i for i in range(lanes) if not i & w):
                a, b = rows[i], rows[i + w]
                first = [lanes + lane - w if lane & w else lane for lane in range(lanes)]
                second = [lanes + lane if lane & w else lane + w for lane in range(lanes)]
                rows[i] = _shuffled(builder, a, b, first)
                rows[i + w] = _shuffled(builder, a, b, second)
            w *= 2
        for i in range(lanes):
            to.moved(builder.mul(args[4], _I64(i))).store(0, rows[i])
        return context.get_dummy_value()

    return types.void(T, source, types.int64, target, types.int64), emit


def _shuffled(builder: Any, a: ir.Value, b: ir.Value, places: list[int]) -> ir.Value:
    """The elements of a and b, one behind the other, at these places."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(places)), places))


def _at(distances, index):
    return distances[index] if hasattr(distances, "__len__") else distances * index


@overload(_at, inline="always")
def _at_compiled(distances, index):
    if isinstance(distances, types.Array):
        return lambda distances, index: distances[index]
    return lambda distances, index: distances * index


@register_jitable
def plain_tile(M, V, L, a, a_rows, a_steps, b, b_steps, count, c, c_row, fresh):
    """The same sums in plain loops, for processors whose vectors are not known."""
    for m in range(M):
        out = c[m * c_row:m * c_row + V * L]
        if fresh:
            for j in range(V * L):
                out[j] = 0
        for k in range(count):
            factor, start = a[_at(a_rows, m) + _at(a_steps, k)], _at(b_steps, k)
            vectors = b[start:start + V * L]
            for j in range(V * L):
                out[j] += factor * vectors[j]


@register_jitable
def plain_transposed(T, source, source_row, target, target_row):
    """The same in plain loops."""
    for i in range(T):
        for j in range(T):
            target[j * target_row + i] = source[i * source_row + j]
