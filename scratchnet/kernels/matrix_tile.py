"""c += a·b for blocks that lie in the cache: the inner tile of a matrix product, in vector instructions.

A tile is ROWS rows by a few vectors of c.  Its numbers stay in registers while k runs over the depth: in each
turn a vector of b is loaded once for all rows, and each number of a, in all lanes, once for all vectors,

    c[m, v] += a[m, k]·b[k, v]          ROWS·V multiply-adds for ROWS + V loads

so that the multiply-adds and not the loads take the time.  With AVX-512 there are 32 registers of 64 bytes:
4 × 4 of them hold the tile.  Elsewhere a vector of 64 bytes is two or four registers, and the tile 4 × 1.

K. Goto and R. van de Geijn, *Anatomy of High-Performance Matrix Multiplication* (2008).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from scratchnet.kernels.jit import Loop, jit

ROWS = 4
VECTOR_BYTES = 64


def lanes(dtype) -> int:
    """Numbers in a vector: rows of b and c must be a multiple of them long."""
    return VECTOR_BYTES // dtype.itemsize


@cache
def _vectors() -> int:
    """Vectors in a row of the wide tile."""
    from llvmlite import binding

    return 4 if binding.get_host_cpu_features().get("avx512f") else 1


def wide_columns(dtype) -> int:
    """Columns of the wide tile."""
    return _vectors() * lanes(dtype)


class _Tile(Loop):
    """A tile of ``rows`` rows: 64 bytes wide, or as wide as the registers hold.

    It is called as ``tile(a, at, row, column, b, at, row, c, at, row, depth)``: flat arrays, where the block
    begins in each, and the steps from row to row (and in a from column to column).
    """

    def __init__(self, rows: int, wide: bool) -> None:
        super().__init__(_plain(rows, wide), False)
        self.rows, self.wide = rows, wide

    def compiled(self):
        if self._compiled is None:
            self._compiled = _emit(self.rows, _vectors() if self.wide else 1)
        return self._compiled


def _plain(rows: int, wide: bool) -> Callable:
    """The tile in Python."""

    def tile(a, a_at, a_row, a_column, b, b_at, b_row, c, c_at, c_row, depth):
        columns = wide_columns(c.dtype) if wide else lanes(c.dtype)
        for m in range(rows):
            target = c[c_at + m * c_row:c_at + m * c_row + columns]
            for k in range(depth):
                target += a[a_at + m * a_row + k * a_column] * b[b_at + k * b_row:b_at + k * b_row + columns]

    return tile


def _emit(rows: int, vectors: int):
    """The tile as LLVM instructions."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    word = ir.IntType(64)

    @intrinsic
    def tile(context, a, a_at, a_row, a_column, b, b_at, b_row, c, c_at, c_row, depth):
        def generate(context, builder, signature, args):
            a, a_at, a_row, a_column, b, b_at, b_row, c, c_at, c_row, depth = args
            number = context.get_data_type(signature.args[0].dtype)
            count = VECTOR_BYTES // signature.args[0].dtype.bitwidth * 8
            vector = ir.VectorType(number, count)
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
            fma = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * 3),
                f"llvm.fma.v{count}f{signature.args[0].dtype.bitwidth}")

            def start(i):
                array = context.make_array(signature.args[i])(context, builder, args[i])
                return builder.gep(array.data, [args[i + 1]])

            def at(pointer, row, step, column=0):
                offset = builder.add(builder.mul(ir.Constant(word, row), step), ir.Constant(word, column))
                return builder.gep(pointer, [offset])

            def as_vector(pointer):
                return builder.bitcast(pointer, vector.as_pointer())

            def in_all_lanes(x):
                undefined = ir.Constant(vector, ir.Undefined)
                x = builder.insert_element(undefined, x, ir.Constant(ir.IntType(32), 0))
                return builder.shuffle_vector(x, undefined, zeros)

            align = signature.args[0].dtype.bitwidth // 8
            a_start, b_start, c_start = start(0), start(4), start(7)
            places = [[as_vector(at(c_start, m, c_row, v * count)) for v in range(vectors)] for m in range(rows)]
            before = [[builder.load(p, align=align) for p in row] for row in places]

            entry, loop = builder.block, builder.append_basic_block("depth")
            done = builder.append_basic_block("done")
            builder.cbranch(builder.icmp_signed("<", ir.Constant(word, 0), depth), loop, done)
            builder.position_at_end(loop)
            k = builder.phi(word)
            k.add_incoming(ir.Constant(word, 0), entry)
            sums = [[builder.phi(vector) for _ in row] for row in before]
            a_here = builder.gep(a_start, [builder.mul(k, a_column)])
            b_here = builder.gep(b_start, [builder.mul(k, b_row)])
            loaded = [builder.load(as_vector(at(b_here, 0, b_row, v * count)), align=align)
                      for v in range(vectors)]
            new = []
            for m in range(rows):
                x = in_all_lanes(builder.load(at(a_here, m, a_row)))
                new.append([builder.call(fma, [x, y, s]) for y, s in zip(loaded, sums[m])])
            following = builder.add(k, ir.Constant(word, 1))
            k.add_incoming(following, loop)
            for m in range(rows):
                for v in range(vectors):
                    sums[m][v].add_incoming(before[m][v], entry)
                    sums[m][v].add_incoming(new[m][v], loop)
            builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)
            builder.position_at_end(done)
            for m in range(rows):
                for v in range(vectors):
                    result = builder.phi(vector)
                    result.add_incoming(before[m][v], entry)
                    result.add_incoming(new[m][v], loop)
                    new[m][v] = result
            for m in range(rows):
                for v in range(vectors):
                    builder.store(new[m][v], places[m][v], align=align)
            return context.get_dummy_value()

        return types.void(a, types.int64, types.int64, types.int64, b, types.int64, types.int64, c,
                          types.int64, types.int64, types.int64), generate

    return tile


_wide_rows, _wide_row = _Tile(ROWS, True), _Tile(1, True)
_narrow_rows, _narrow_row = _Tile(ROWS, False), _Tile(1, False)


@jit
def multiply_add(a, a_at, a_row, a_column, b, b_at, b_row, c, c_at, c_row, rows, columns, depth, wide, narrow):
    """c += a·b of blocks of flat arrays: a [rows, depth], b [depth, columns], c [rows, columns].

    Parameters
    ----------
    a_at, a_row, a_column : where a begins, and its steps from row to row and column to column; b, c alike
    wide, narrow : columns of a wide tile and of a vector; `narrow` divides `columns`
    """
    for column in range(0, columns - wide + 1, wide):
        for row in range(0, rows - 3, 4):
            _wide_rows(a, a_at + row * a_row, a_row, a_column, b, b_at + column, b_row,
                       c, c_at + row * c_row + column, c_row, depth)
        for row in range(rows // 4 * 4, rows):
            _wide_row(a, a_at + row * a_row, a_row, a_column, b, b_at + column, b_row,
                      c, c_at + row * c_row + column, c_row, depth)
    for column in range(columns // wide * wide, columns, narrow):
        for row in range(0, rows - 3, 4):
            _narrow_rows(a, a_at + row * a_row, a_row, a_column, b, b_at + column, b_row,
                         c, c_at + row * c_row + column, c_row, depth)
        for row in range(rows // 4 * 4, rows):
            _narrow_row(a, a_at + row * a_row, a_row, a_column, b, b_at + column, b_row,
                        c, c_at + row * c_row + column, c_row, depth)
