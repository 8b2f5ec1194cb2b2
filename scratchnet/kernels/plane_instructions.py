"""One image plane and one small filter: the instructions of depthwise convolutions.

    correlate(L, KH, KW, DOWN, UP, ROWS_UP, x, w, bias, y, g)   y[i, j] = bias + Σ_{a, b} w[a, b] · x[r(i, a), c(j, b)]
    dots_of_plane(L, KH, KW, DOWN, x, gy, gw, g)                gw[a, b] += Σ_{i, j} gy[i, j] · x[r(i, a), c(j, b)]

with c(j, b) = (j·DOWN + first_column + b·column_step) / UP and r(i, a) = (i·rows_down + first_row + a·row_step) / ROWS_UP; taps
that fall beside the plane, or between its pixels (where the division leaves a rest), are left out.  ``g`` is a `Plane`: all ints.

The lanes are neighbouring pixels of a row of results.  There is no padded copy: masks, the same for all rows, keep a tap's lanes
inside the plane.  With so few products per pixel, copying would take longer than computing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from scratchnet.kernels.vector_builder import I64, Vectors, data_of, literals


class Plane(NamedTuple):
    """Sizes and distances, for both axes."""

    height: int                     # of x
    width: int
    rows: int                       # of results
    columns: int
    rows_down: int                  # rows of x from one row of results to the next
    first_row: int                  # what the first tap sees of the first result
    first_column: int
    row_step: int                   # from one tap to the next
    column_step: int


class _Emitter:
    """The loops over vectors of columns and over rows that both instructions are."""

    def __init__(self, context: Any, builder: Any, plane_type: Any, plane: Any, element: ir.Type, lanes: int,
                 window: tuple[int, int], down: int, up: int, rows_up: int):  # fmt: skip
        self.builder, self.lanes, self.window = builder, lanes, window
        self.down, self.up, self.rows_up = down, up, rows_up
        self.vectors = Vectors(builder, element, lanes)
        self.g = Plane(*cgutils.unpack_tuple(builder, plane, len(plane_type)))

    def _column(self, j: ir.Value, tap: int) -> tuple[ir.Value, list[ir.Value], ir.Value]:
        """For a column tap: the first column of x that it reads, masks, and whether the first lane lies on a pixel (UP = 2)."""
        b = self.builder
        first = b.add(b.mul(j, I64(self.down)), b.add(self.g.first_column, b.mul(I64(tap), self.g.column_step)))
        odd = b.trunc(first, ir.IntType(1))
        if self.up == 2:
            first = b.ashr(b.add(first, I64(1)), I64(1))
        masks = [self.vectors.below(b.add(first, I64(self.lanes * i)), self.g.width) for i in range(self.down)]
        return first, masks, odd

    def _pixels(self, start: ir.Value, column: tuple) -> ir.Value:
        """What a column tap reads of the row of x that begins at ``start``."""
        first, masks, odd = column
        vectors, lanes = self.vectors, self.lanes
        vector = vectors.load(start, first, masks[0])
        if self.down == 2:
            second = vectors.load(start, self.builder.add(first, I64(lanes)), masks[1])
            return vectors.shuffled(vector, second, [2 * lane for lane in range(lanes)])
        if self.up == 2:                # numbers on every other lane, zeros between
            even_lanes = vectors.shuffled(vector, vectors.zero, [lanes if lane & 1 else lane // 2 for lane in range(lanes)])
            odd_lanes = vectors.shuffled(vector, vectors.zero, [lane // 2 if lane & 1 else lanes for lane in range(lanes)])
            return self.builder.select(odd, odd_lanes, even_lanes)
        return vector

    def loops(self, x: ir.Value, begin: Callable, tap: Callable, end: Callable) -> None:
        """begin(j, mask, i), then tap(a, b, pixels, mask) of every tap that row i sees, then end(j, mask, i)."""
        b = self.builder
        with cgutils.for_range_slice(b, I64(0), self.g.columns, I64(self.lanes), I64) as (j, _):
            mask = self.vectors.below(j, self.g.columns)
            columns = [self._column(j, t) for t in range(self.window[1])]
            with cgutils.for_range(b, self.g.rows) as rows:
                begin(j, mask, rows.index)
                for a in range(self.window[0]):
                    place = b.add(b.mul(rows.index, self.g.rows_down), b.add(self.g.first_row, b.mul(I64(a), self.g.row_step)))
                    line = b.sdiv(place, I64(self.rows_up))        # by a constant: no division is left for 1
                    seen = b.icmp_unsigned("<", line, self.g.height)
                    seen = b.and_(seen, b.icmp_signed("==", b.mul(line, I64(self.rows_up)), place))
                    with b.if_then(seen):
                        start = b.gep(x, [b.mul(line, self.g.width)])
                        for t in range(self.window[1]):
                            tap(a, t, self._pixels(start, columns[t]), mask)
                end(j, mask, rows.index)


@intrinsic(prefer_literal=True)
def correlate(typing_context, L, KH, KW, DOWN, UP, ROWS_UP, x, w, bias, y, g):
    numbers = literals(L, KH, KW, DOWN, UP, ROWS_UP)
    if numbers is None:
        return None
    lanes, kh, kw, down, up, rows_up = numbers

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x_data, w_data, y_data = data_of(context, builder, signature, args, 6, 7, 9)
        e = _Emitter(context, builder, g, args[10], context.get_data_type(x.dtype), lanes, (kh, kw), down, up, rows_up)
        factors = {(a, b): e.vectors.everywhere(builder.load(builder.gep(w_data, [I64(a * kw + b)])))
                   for a in range(kh) for b in range(kw)}  # fmt: skip
        start = e.vectors.everywhere(args[8])
        total = cgutils.alloca_once(builder, e.vectors.type)

        def begin(j: ir.Value, mask: ir.Value, i: ir.Value) -> None:
            builder.store(start, total)

        def tap(a: int, b: int, pixels: ir.Value, mask: ir.Value) -> None:
            builder.store(e.vectors.fma(factors[a, b], pixels, builder.load(total)), total)

        def end(j: ir.Value, mask: ir.Value, i: ir.Value) -> None:
            e.vectors.store(builder.load(total), y_data, builder.add(builder.mul(i, e.g.columns), j), mask)

        e.loops(x_data, begin, tap, end)
        return context.get_dummy_value()

    return types.void(L, KH, KW, DOWN, UP, ROWS_UP, x, w, x.dtype, y, g), emit


@intrinsic(prefer_literal=True)
def dots_of_plane(typing_context, L, KH, KW, DOWN, x, gy, gw, g):
    numbers = literals(L, KH, KW, DOWN)
    if numbers is None:
        return None
    lanes, kh, kw, down = numbers

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x_data, g_data, w_data = data_of(context, builder, signature, args, 4, 5, 6)
        e = _Emitter(context, builder, g, args[7], context.get_data_type(x.dtype), lanes, (kh, kw), down, 1, 1)
        taps = [(a, b) for a in range(kh) for b in range(kw)]
        sums = {at: cgutils.alloca_once_value(builder, e.vectors.zero) for at in taps}
        gradient = cgutils.alloca_once(builder, e.vectors.type)

        def begin(j: ir.Value, mask: ir.Value, i: ir.Value) -> None:
            builder.store(e.vectors.load(g_data, builder.add(builder.mul(i, e.g.columns), j), mask), gradient)

        def tap(a: int, b: int, pixels: ir.Value, mask: ir.Value) -> None:
            # a pixel behind the last result must not meet its 0: it may be a NaN
            pixels = builder.select(mask, pixels, e.vectors.zero)
            builder.store(e.vectors.fma(builder.load(gradient), pixels, builder.load(sums[a, b])), sums[a, b])

        e.loops(x_data, begin, tap, lambda j, mask, i: None)
        for a, b in taps:
            place = builder.gep(w_data, [I64(a * kw + b)])
            builder.store(builder.fadd(builder.load(place), e.vectors.sum(builder.load(sums[a, b]))), place)
        return context.get_dummy_value()

    return types.void(L, KH, KW, DOWN, x, gy, gw, g), emit
