"""The register tile: how a convolution, or a matrix product, reaches the machine's peak.

A core of today multiplies and adds whole vectors of L numbers (L float32: 16 with AVX-512, 8 with AVX2, 4 with
NEON), one or two vectors a cycle, if only it has the operands in registers.  Loading is as slow as computing,
so a number that was loaded must be used several times.  The tile does so for an outer product, summed over k:

    C[m, v] += a[m, k] · B[k, v]        m < M rows,  v < V vectors of L numbers

A step k loads V vectors of B, spreads M numbers of a over all lanes, and does M·V multiply-adds:

    loads per multiply-add  (M + V) / (M·V)       M = 6, V = 4: 10 loads for 24 multiply-adds
    registers               M·V + V + 1           6·4 + 4 + 1 = 29 of AVX-512's 32;  6·2 + 2 + 1 = 15 of AVX2's 16

A multiply-add takes about 4 cycles, and the next step needs its result: M·V of them in flight, 24 against the
4 to 8 that fill the pipelines, hide that.  The M·V sums stay in registers for the whole reduction; that is what
the `phi` nodes say, and what a compiler does not find by itself in six nested loops.

Where the numbers lie is all that tells one use from another.  Row m of a begins at ``a_rows[m]``, step k is
``a_steps[k]`` further, and the vectors of step k begin at ``b_steps[k]``; each of these is a table, or one number,
the distance from each to the next:

    use                   rows m            lanes v             steps k          a                      B
    convolution, pixels   filters           neighbouring pixels taps (c, i, j)   weights [O, K]         image
    convolution, channels output pixels     filters             taps (c, i, j)   image                  weights [K, V·L]
    gradient to weight    taps (c, i, j)    filters             output pixels    image                  gradient [P, V·L]
    matrix product        rows              columns             inner            [rows, K]              [K, columns]

The method is that of K. Goto and R. van de Geijn, *Anatomy of high-performance matrix multiplication* (2008), and
without a column matrix that of E. Georganas et al., *Anatomy of high-performance deep learning convolutions on
SIMD architectures* (2018).  docs/internals/convolution.md walks there from six nested loops.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from scratchnet.kernels.jit import ENABLED, Loop


class Shape(NamedTuple):
    """A tile of M rows of V vectors of L lanes."""

    M: int
    V: int
    L: int

    @property
    def width(self) -> int:
        return self.V * self.L


@lru_cache(1)
def vector_bytes() -> int:
    """The width of the processor's vectors in bytes: 64, 32 or 16; 0 has the plain loop in place of the tile.

    ``SCRATCHNET_VECTOR_BYTES`` in the environment sets another: any width runs anywhere, if slowly.
    """
    forced = os.environ.get("SCRATCHNET_VECTOR_BYTES")
    if forced is not None:
        if forced not in ("0", "16", "32", "64"):
            raise ValueError(f"SCRATCHNET_VECTOR_BYTES: expected 0, 16, 32 or 64, got {forced!r}")
        return int(forced)
    if not ENABLED:
        return 0
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    if features.get("avx512f"):
        return 64
    if features.get("avx2") and features.get("fma"):
        return 32
    return 16 if features.get("neon") or binding.get_default_triple().startswith(("aarch64", "arm64")) else 0


def has_instructions() -> bool:
    """Whether vector instructions are emitted: Python itself, with the JIT off, runs plain loops, of whatever width."""
    return ENABLED and vector_bytes() > 0


def lanes(dtype: Any) -> int:
    """Numbers of this dtype in a vector; the plain loop counts as vectors of 32 bytes."""
    return (vector_bytes() or 32) // np.dtype(dtype).itemsize


def registers() -> int:
    """How many vectors a core keeps at hand."""
    return 16 if vector_bytes() == 32 else 32


# Rows of a tile of 1, 2, ... vectors, by number of registers: no more than LLVM keeps in registers, with a pointer to each row.
_ROWS = {32: {1: 14, 2: 7, 4: 6}, 16: {1: 8, 2: 5}}


def tile_shape(dtype: Any, columns: int) -> Shape:
    """A tile for rows of so many columns: as few lanes idle as can be; of those, the widest."""
    width = lanes(dtype)
    rows = _ROWS[registers()]
    vectors = min(sorted(rows, reverse=True), key=lambda v: -(-columns // (v * width)) * v)
    return Shape(rows[vectors], vectors, width)


@lru_cache(256)             # every call of a kernel asks
def specialised(loop: Loop, shape: Shape) -> Loop:
    """The loop with this tile in it.

    What the loop calls ``tile(M, V, L, ...)``, ``transposed(T, ...)``, ``dots(M, V, L, ...)``, ``move(L, ...)`` and so on,
    and M, V, L, WIDTH = V·L and T, become the instructions and numbers for this processor.
    """
    block = min(shape.L, 8)         # larger blocks are transposed no faster, and compiled more slowly
    return loop.specialised(M=shape.M, V=shape.V, L=shape.L, WIDTH=shape.width, T=block, **_instructions())


@lru_cache(1)
def _instructions() -> dict[str, Any]:
    """Imported late: they need Numba."""
    from scratchnet.kernels import dot_instructions, row_instructions, tile_instructions

    plain = "" if has_instructions() else "plain_"
    modules = {tile_instructions: ("tile", "transposed"), dot_instructions: ("dots",),
               row_instructions: ("move", "move_even", "move_plus")}  # fmt: skip
    return {name: getattr(module, plain + name) for module, names in modules.items() for name in names}
