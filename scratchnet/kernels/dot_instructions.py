"""The instructions of a tile of dot products: for sums over pixels where there are too few filters to fill the lanes.

    dots(M, V, L, g, g_row, x, taps, rows, width, g_pitch, x_pitch, out)

    out[m·V + t] += Σ_{i < rows, j < width} g[m·g_row + i·g_pitch + j] · x[taps[t] + i·x_pitch + j],    m < M, t < V

The lanes are L neighbouring pixels; M·V vectors of partial sums stay in registers over all rows.  At the end of a row, a mask
keeps out what lies behind it: nothing that is not part of the sum is multiplied, not even by 0 (0·NaN is NaN).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

_I64, _I32, _I1 = ir.IntType(64), ir.IntType(32), ir.IntType(1)


@intrinsic(prefer_literal=True)
def dots(typing_context, M, V, L, g, g_row, x, taps, rows, width, g_pitch, x_pitch, out):
    if not all(isinstance(n, types.IntegerLiteral) for n in (M, V, L)):
        return None
    filters, offsets, lanes = (n.literal_value for n in (M, V, L))
    signature = types.void(M, V, L, g, types.int64, x, taps, *[types.int64] * 4, out)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = context.get_data_type(g.dtype)
        is_single = element == ir.FloatType()
        vector, mask_type = ir.VectorType(element, lanes), ir.VectorType(_I1, lanes)
        zero, suffix = ir.Constant(vector, [0.0] * lanes), f"v{lanes}f{32 if is_single else 64}"

        def intrinsic_function(name: str, result: ir.Type, *arguments: ir.Type) -> Any:
            return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), name)

        fma = intrinsic_function(f"llvm.fma.{suffix}", vector, vector, vector, vector)
        add_up = intrinsic_function(f"llvm.vector.reduce.fadd.{suffix}", element, element, vector)
        load = intrinsic_function(f"llvm.masked.load.{suffix}.p0", vector, vector.as_pointer(), _I32, mask_type, vector)
        g_data, x_data, tap_data, out_data = (
            context.make_array(signature.args[i])(context, builder, args[i]).data for i in (3, 5, 6, 11))
        g_row, (rows, width, g_pitch, x_pitch) = args[4], args[7:11]
        grid = [(m, t) for m in range(filters) for t in range(offsets)]
        g_starts = [builder.gep(g_data, [builder.mul(g_row, _I64(m))]) for m in range(filters)]
        x_starts = [builder.gep(x_data, [builder.load(builder.gep(tap_data, [_I64(t)]))]) for t in range(offsets)]
        sums = {at: cgutils.alloca_once_value(builder, zero) for at in grid}     # LLVM turns them into registers
        lane_numbers = ir.Constant(ir.VectorType(_I64, lanes), list(range(lanes)))

        def everywhere(number: ir.Value) -> ir.Value:
            kind = ir.VectorType(_I64, lanes)
            one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, _I32(0))
            return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined),
                                          ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes))

        def load_masked(start: ir.Value, distance: ir.Value, mask: ir.Value) -> ir.Value:
            place = builder.bitcast(builder.gep(start, [distance]), vector.as_pointer())
            return builder.call(load, [place, _I32(4 if is_single else 8), mask, zero])

        with cgutils.for_range(builder, rows) as row:
            g_at, x_at = builder.mul(row.index, g_pitch), builder.mul(row.index, x_pitch)
            with cgutils.for_range_slice(builder, _I64(0), width, _I64(lanes), _I64) as (j, _):
                mask = builder.icmp_signed("<", lane_numbers, everywhere(builder.sub(width, j)))
                g_vectors = [load_masked(start, builder.add(g_at, j), mask) for start in g_starts]
                for t in range(offsets):
                    pixels = load_masked(x_starts[t], builder.add(x_at, j), mask)
                    for m in range(filters):
                        total = builder.call(fma, [g_vectors[m], pixels, builder.load(sums[m, t])])
                        builder.store(total, sums[m, t])
        for m, t in grid:
            total = builder.call(add_up, [ir.Constant(element, 0.0), builder.load(sums[m, t])], fastmath=("reassoc",))
            place = builder.gep(out_data, [_I64(m * offsets + t)])
            builder.store(builder.fadd(builder.load(place), total), place)
        return context.get_dummy_value()

    return signature, emit


@register_jitable
def plain_dots(M, V, L, g, g_row, x, taps, rows, width, g_pitch, x_pitch, out):
    """The same sums in plain loops, for processors whose vectors are not known."""
    for m in range(M):
        for t in range(V):
            total = out.dtype.type(0)
            for i in range(rows):
                start, other = m * g_row + i * g_pitch, taps[t] + i * x_pitch
                for j in range(width):
                    total += g[start + j] * x[other + j]
            out[m * V + t] += total
