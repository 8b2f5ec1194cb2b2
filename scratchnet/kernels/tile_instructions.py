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
from numba.extending import intrinsic, overload, register_jitable

from scratchnet.kernels.vector_builder import I64, Vectors, data_of, literals


def _distance(builder: Any, context: Any, kind: Any, value: Any, index: ir.Value) -> ir.Value:
    """table[index], or number · index"""
    if isinstance(kind, types.Array):
        return builder.load(builder.gep(context.make_array(kind)(context, builder, value).data, [index]))
    if isinstance(kind, types.IntegerLiteral):
        return builder.mul(I64(kind.literal_value), index)
    return builder.mul(value, index)


@intrinsic(prefer_literal=True)
def tile(typing_context, M, V, L, a, a_rows, a_steps, b, b_steps, count, c, c_row, fresh):
    known = literals(M, V, L)
    if known is None:
        return None
    rows, wide, lanes = known
    steps = [t if isinstance(t, types.Array) else types.int64 for t in (a_rows, a_steps, b_steps)]
    constants = [t if isinstance(t, types.IntegerLiteral) else s for t, s in zip((a_rows, a_steps, b_steps), steps)]
    signature = types.void(M, V, L, a, constants[0], constants[1], b, constants[2], types.int64, c, types.int64,
                           types.boolean)  # fmt: skip

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = Vectors(builder, context.get_data_type(a.dtype), lanes)

        def step(i: int, index: ir.Value) -> ir.Value:
            return _distance(builder, context, signature.args[i], args[i], index)

        a_start, b_start, c_start = data_of(context, builder, signature, args, 3, 6, 9)
        count, c_row, fresh = args[8], args[10], args[11]
        a_rows = [builder.gep(a_start, [step(4, I64(m))]) for m in range(rows)]
        c_rows = [builder.gep(c_start, [builder.mul(c_row, I64(m))]) for m in range(rows)]
        grid, starts = [(m, v) for m in range(rows) for v in range(wide)], [I64(v * lanes) for v in range(wide)]

        entry = builder.block
        resume, begin, loop, done = (builder.append_basic_block(n) for n in ("resume", "begin", "loop", "done"))
        builder.cbranch(fresh, begin, resume)

        builder.position_at_end(resume)
        earlier = {(m, v): vectors.load(c_rows[m], starts[v]) for m, v in grid}
        builder.branch(begin)

        builder.position_at_end(begin)
        sums = {at: builder.phi(vectors.type) for at in grid}
        for at, phi in sums.items():
            phi.add_incoming(vectors.zero, entry)
            phi.add_incoming(earlier[at], resume)
        builder.cbranch(builder.icmp_signed("<", I64(0), count), loop, done)

        builder.position_at_end(loop)
        k = builder.phi(I64)
        k.add_incoming(I64(0), begin)
        running = {at: builder.phi(vectors.type) for at in grid}
        b_here, a_step = builder.gep(b_start, [step(7, k)]), step(5, k)
        b_vectors = [vectors.load(b_here, start) for start in starts]
        new = {}
        for m in range(rows):
            factor = vectors.everywhere(builder.load(builder.gep(a_rows[m], [a_step])))
            for v in range(wide):
                new[m, v] = vectors.fma(factor, b_vectors[v], running[m, v])
        after = builder.add(k, I64(1))
        k.add_incoming(after, loop)
        for at, phi in running.items():
            phi.add_incoming(sums[at], begin)
            phi.add_incoming(new[at], loop)
        builder.cbranch(builder.icmp_signed("<", after, count), loop, done)

        builder.position_at_end(done)
        totals = {at: builder.phi(vectors.type) for at in grid}
        for at, phi in totals.items():
            phi.add_incoming(sums[at], begin)
            phi.add_incoming(new[at], loop)
        for m, v in grid:
            vectors.store(totals[m, v], c_rows[m], starts[v])
        return context.get_dummy_value()

    return signature, emit


@intrinsic(prefer_literal=True)
def transposed(typing_context, T, source, source_row, target, target_row):
    """target[j·target_row + i] = source[i·source_row + j] for i, j < T, a power of 2.

    In log₂ T rounds, rows i and i + w trade the elements whose place has bit w in the one and lacks it in the other:
    the upper right and the lower left quarter of every block of 2w × 2w.
    """
    known = literals(T)
    if known is None:
        return None
    (lanes,) = known

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = Vectors(builder, context.get_data_type(source.dtype), lanes)
        at, to = data_of(context, builder, signature, args, 1, 3)
        rows = [vectors.load(at, builder.mul(args[2], I64(i))) for i in range(lanes)]
        w = 1
        while w < lanes:
            for i in (i for i in range(lanes) if not i & w):
                a, b = rows[i], rows[i + w]
                first = [lanes + lane - w if lane & w else lane for lane in range(lanes)]
                second = [lanes + lane if lane & w else lane + w for lane in range(lanes)]
                rows[i] = vectors.shuffled(a, b, first)
                rows[i + w] = vectors.shuffled(a, b, second)
            w *= 2
        for i in range(lanes):
            vectors.store(rows[i], to, builder.mul(args[4], I64(i)))
        return context.get_dummy_value()

    return types.void(T, source, types.int64, target, types.int64), emit


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
