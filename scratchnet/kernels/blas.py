"""Matrix products on the threads of the kernels: by panels (see `matrix_panels`), or by the BLAS (see `blas_threads`)."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels import matrix_panels
from scratchnet.kernels.blas_threads import one_thread_by_default
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, kernel

_PIECE = 8_000_000          # multiply-adds of a piece: about 0.1 ms of a core
_LEAST = 192                # rows or columns of a piece, of which each packs the other matrix anew


@kernel
def matmul(a, b, bias=None):
    """C = A·B + bias of the last two dimensions, as numpy.matmul: [..., M, K] · [..., K, N] -> [..., M, N]; bias [N] or [1]."""
    c = np.matmul(a, b)
    if bias is not None:
        c += bias
    return c


@matmul.cpu
def _matmul_cpu(a, b, bias=None):
    if a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0] and compilable(a, b) and matrix_panels.serves(a, b):
        return matrix_panels.product(a, b, bias)
    c = _shared(a, b)
    if c is not NotImplemented and bias is not None:
        c += bias
    return c


def _shared(a, b):
    """A·B by the BLAS, large ones by all threads."""
    if not compilable(a, b) or min(a.ndim, b.ndim) < 2 or a.shape[-1] != b.shape[-2]:
        return NotImplemented
    (m, k), n = a.shape[-2:], b.shape[-1]
    work = m * k * n
    if b.ndim == 2 and a.ndim > 2 and a.flags.c_contiguous:      # the same matrix for all: one tall product
        return matmul(a.reshape(-1, k), b).reshape(*a.shape[:-1], n)
    if a.ndim == b.ndim == 2:
        if work < 2 * _PIECE:
            return np.matmul(a, b)
        one_thread_by_default()
        out = np.empty((m, n), a.dtype)
        parallel_for(_pieces_of, *_pieces(m, n, work), a, b, out)
        return out
    one_thread_by_default()
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if work * math.prod(batch) < 2 * _PIECE:
        return np.matmul(a, b)
    out = np.empty((*batch, m, n), a.dtype)
    a, b = (np.broadcast_to(x, (*batch, *x.shape[-2:])).reshape(-1, *x.shape[-2:]) for x in (a, b))
    together = max(1, _PIECE // max(work, 1))
    parallel_for(_batch, -(-len(a) // together), work * together, together, a, b, out.reshape(-1, m, n))
    return out


def _pieces(m: int, n: int, work: int) -> tuple[int, float, bool, int]:
    """(pieces, work of one, by rows?, rows or columns of one): they depend on shapes alone, and so do the results."""
    by_rows = m >= n
    length = max(m, n)
    size = max(_LEAST, math.ceil(length * _PIECE / work))
    size = -(-size // 16) * 16
    count = -(-length // size)
    return count, work / count, by_rows, size


def _pieces_of(start, stop, by_rows, size, a, b, out):
    """Not compiled: the BLAS lets go of Python's lock."""
    for piece in range(start, stop):
        part = slice(piece * size, (piece + 1) * size)
        if by_rows:
            np.matmul(a[part], b, out=out[part])
        else:
            np.matmul(a, b[:, part], out=out[:, part])


def _batch(start, stop, together, a, b, out):
    part = slice(start * together, stop * together)
    np.matmul(a[part], b[part], out=out[part])
