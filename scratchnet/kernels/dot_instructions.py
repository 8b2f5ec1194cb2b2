"""The instructions of a tile of dot products: for sums over pixels where there are too few filters to fill the lanes.

    dots(M, V, L, g, g_row, x, taps, rows, width, g_pitch, x_pitch, out)

    out[m·V + t] += Σ_{i < rows, j < width} g[m·g_row + i·g_pitch + j] · x[taps[t] + i·x_pitch + j],    m < M, t < V

The lanes are L neighbouring pixels; M·V vectors of partial sums stay in registers over all rows.  At the end of a row, a mask
keeps out what lies behind it: nothing that is not part of the sum is multiplied, not even by 0 (0·NaN is NaN).
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from scratchnet.kernels.vector_builder import I64, Vectors, data_of, literals


@intrinsic(prefer_literal=True)
def dots(typing_context, M, V, L, g, g_row, x, taps, rows, width, g_pitch, x_pitch, out):
    constants = literals(M, V, L)
    if constants is None:
        return None
    filters, offsets, lanes = constants
    signature = types.void(M, V, L, g, types.int64, x, taps, *[types.int64] * 4, out)

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vectors = Vectors(builder, context.get_data_type(g.dtype), lanes)
        g_data, x_data, tap_data, out_data = data_of(context, builder, signature, args, 3, 5, 6, 11)
        g_row, (rows, width, g_pitch, x_pitch) = args[4], args[7:11]
        grid = [(m, t) for m in range(filters) for t in range(offsets)]
        g_starts = [builder.gep(g_data, [builder.mul(g_row, I64(m))]) for m in range(filters)]
        x_starts = [builder.gep(x_data, [builder.load(builder.gep(tap_data, [I64(t)]))]) for t in range(offsets)]
        sums = {at: cgutils.alloca_once_value(builder, vectors.zero) for at in grid}    # LLVM turns them into registers

        with cgutils.for_range(builder, rows) as row:
            g_at, x_at = builder.mul(row.index, g_pitch), builder.mul(row.index, x_pitch)
            with cgutils.for_range_slice(builder, I64(0), width, I64(lanes), I64) as (j, _):
                mask = vectors.below(j, width)
                g_vectors = [vectors.load(start, builder.add(g_at, j), mask) for start in g_starts]
                for t in range(offsets):
                    pixels = vectors.load(x_starts[t], builder.add(x_at, j), mask)
                    for m in range(filters):
                        builder.store(vectors.fma(g_vectors[m], pixels, builder.load(sums[m, t])), sums[m, t])
        for m, t in grid:
            place = builder.gep(out_data, [I64(m * offsets + t)])
            builder.store(builder.fadd(builder.load(place), vectors.sum(builder.load(sums[m, t]))), place)
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
