"""What the kernels of recurrent layers share: the order of steps, weights packed for the register tile, threads.

Sequences of several lengths lie in one matrix, longest first: the first elements of all, then the second elements of
those that have one, ...  (torch's PackedSequence).  Step t has ``batch_sizes[t]`` rows, never more than the step
before; a batch of equal lengths has N rows at every step.  A sequence whose direction is reversed joins when the walk
from the last step back reaches its own last element.

A step needs the state that the step before has made, but only that of its own sequence.  So every thread takes some
sequences through all steps and waits for nobody; per step it adds h·Wᵀ to the inputs' share, with W packed once for
all steps in the order in which the tile reads it, and applies the nonlinearities while the numbers are in the cache.
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels import matrix_tile, tile
from scratchnet.kernels.blas import matmul
from scratchnet.kernels.jit import jit
from scratchnet.kernels.matrix_tile import multiply_add_narrow, multiply_add_wide
from scratchnet.kernels.parallel import get_num_threads, parallel_for
from scratchnet.kernels.registry import dense
from scratchnet.kernels.vector_math import like


def steps(batch_sizes, reverse: bool) -> list[slice]:
    """The rows of every step, in the order in which the steps are computed."""
    ends = np.cumsum(batch_sizes)
    slices = [slice(int(end - n), int(end)) for end, n in zip(ends, batch_sizes)]
    return slices[::-1] if reverse else slices


def previous_states(states, initial, batch_sizes, reverse: bool):
    """The state before every step [S, H], from the states after every step and the initial ones [N, H]."""
    before, last = np.empty_like(states), initial.copy()
    for rows in steps(batch_sizes, reverse):
        n = rows.stop - rows.start
        before[rows] = last[:n]
        last[:n] = states[rows]
    return before


def check(name, batch_sizes, rows: int, initial, gates: int, w_ih, w_hh, x=None, biases=(), /, **others) -> None:
    """Refuse what compiled loops would read or write beside.

    Parameters
    ----------
    rows : S;  initial : states [N, H];  gates : how many times H rows the weights have
    others : arrays of S rows, with the times H columns expected of them, or of N rows with 0 for H columns
    """
    sizes = np.asarray(batch_sizes)
    if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or (sizes[1:] > sizes[:-1]).any() or (sizes[-1:] < 0).any():
        raise ValueError(f"{name}: expected batch_sizes to be counts that never increase, got {batch_sizes}")
    if initial.ndim != 2 or w_ih.ndim != 2:
        raise RuntimeError(f"{name}: expected states and w_ih to be matrices, got {initial.shape} and {w_ih.shape}")
    (batch, size), features = initial.shape, w_ih.shape[1]
    if sizes.sum() != rows or (len(sizes) and sizes[0] > batch):
        raise ValueError(f"{name}: batch_sizes {batch_sizes} do not fit {rows} rows and {batch} initial states")

    def expect(label, array, *shape):
        if array.shape != shape:
            raise RuntimeError(f"{name}: expected {label} of shape {shape}, got {array.shape}")

    expect("w_ih", w_ih, gates * size, features)
    expect("w_hh", w_hh, gates * size, size)
    for bias in biases:
        if bias is not None:
            expect("a bias", bias, gates * size)
    if x is not None:
        expect("x", x, rows, features)
    for label, (array, times) in others.items():
        expect(label, array, rows if times else batch, (times or 1) * size)


def flat(array):
    return dense(array).reshape(-1)


def padded(array, columns: int):
    """Rows with zeros behind them."""
    wide = np.zeros((len(array), columns), array.dtype)
    wide[:, :array.shape[1]] = array
    return wide


# ---- the product of a step: rows · packed weights ----------------------------------------------------------
_FEW = 8                # sequences, below which the inputs' share is quicker as one product of all steps
_DOTS = 2               # rows, up to which dot products are quicker than packing


class Product:
    """c += a·W for few rows at a time, many times: W [depth, columns] in the order in which it is read.

    For the register tile, blocks of columns as wide as a tile lie one behind the other, each row by row; zeros fill the
    last one. One or two rows are quicker without packing, as dot products with the columns.

    Parameters
    ----------
    uses : how many products there are.  A single one is left to the caller: W counts as empty.
    rows : of a at a time, roughly
    """

    def __init__(self, w, uses: int, rows: int = _DOTS + 1):
        self.depth: int = w.shape[0] if uses > 1 else 0
        columns = w.shape[1]
        self.packed = uses <= 1 or rows > _DOTS
        if not self.packed:
            self.weights, self.columns = flat(w.T), columns
            return
        lanes = tile.lanes(w.dtype)
        self.columns = -(-columns // lanes) * lanes
        self.weights = np.zeros(max(self.depth * self.columns, 1), w.dtype)
        if uses > 1:
            self._pack(w, columns)

    def _pack(self, w, columns):
        by_rows = w.flags.c_contiguous
        source = dense(w if by_rows else w.T)
        row, column = (columns, 1) if by_rows else (1, self.depth)
        shape = matrix_tile.shape(w.dtype)
        whole = self.columns // shape.width * shape.width
        for first, end, width in ((0, whole, shape.width), (whole, self.columns, shape.L)):
            parallel_for(_pack_loop, (end - first) // width, self.depth * width, source.reshape(-1), row, column,
                         self.depth, columns, width, first, self.weights)

    def rows(self, count: int):
        """Zeros for that many rows of c, [count, columns]."""
        return np.zeros((count, self.columns), self.weights.dtype)

    @property
    def work(self) -> int:
        """Operations for a row, and for the nonlinearities behind it."""
        return (self.depth + 10) * self.columns

    @property
    def plan(self) -> tuple:
        """What `add_product` takes."""
        return self.weights, self.columns, self.depth, self.packed


@jit
def _pack_loop(start, stop, w, row, column, depth, columns, width, first, packed):
    for block in range(start, stop):
        begin = first + block * width
        for k in range(depth):
            at = begin * depth + k * width
            for v in range(min(width, columns - begin)):
                packed[at + v] = w[k * row + (begin + v) * column]


L = WIDTH = 1               # columns of a vector and of a tile, as in `matrix_tile`


@jit(reassociate=True)
def _add_dots(a, a_at, a_row, c, c_at, rows, weights, columns, depth):
    """c[r, j] += Σ_k a[r, k]·w[j, k], four columns at a time."""
    for r in range(rows):
        x, out = a[a_at + r * a_row:a_at + r * a_row + depth], c[c_at + r * columns:c_at + (r + 1) * columns]
        whole = columns // 4 * 4
        for j in range(0, whole, 4):
            w = weights[j * depth:(j + 4) * depth]
            s, t, u, v = like(0, x[0]), like(0, x[0]), like(0, x[0]), like(0, x[0])
            for k in range(depth):
                s += x[k] * w[k]
                t += x[k] * w[depth + k]
                u += x[k] * w[2 * depth + k]
                v += x[k] * w[3 * depth + k]
            out[j] += s
            out[j + 1] += t
            out[j + 2] += u
            out[j + 3] += v
        for j in range(whole, columns):
            s = like(0, x[0])
            for k in range(depth):
                s += x[k] * weights[j * depth + k]
            out[j] += s


@jit
def add_product(a, a_at, a_row, c, c_at, rows, plan):
    """c += a·W for rows of flat arrays, c's one behind the other: see `Product`."""
    weights, columns, depth, packed = plan
    if not packed:
        _add_dots(a, a_at, a_row, c, c_at, rows, weights, columns, depth)
        return
    whole = columns // WIDTH * WIDTH
    for column in range(0, whole, WIDTH):
        multiply_add_wide(a[a_at:], a_row, 1, weights[column * depth:], WIDTH, c[c_at + column:], columns, rows, depth,
                          False)
    for column in range(whole, columns, L):
        multiply_add_narrow(a[a_at:], a_row, 1, weights[column * depth:], L, c[c_at + column:], columns, rows, depth,
                            False)


class InputShare:
    """W_ih x + b for every step: computed step by step beside W_hh h, while both are in the cache, or, where steps have
    few rows, for all steps at once.

    Loops take ``arguments``: x, its columns, the plan of the product to add, and what to start from, ``start[row·step:]``:
    the biases, or the finished shares.
    """

    def __init__(self, x, w_ih, bias, batch_sizes, batch: int):
        by_step = batch >= _FEW and len(batch_sizes) > 1
        self.share = np.zeros((1, len(w_ih)), x.dtype) if by_step else matmul(x, w_ih.T)
        if bias is not None:
            self.share += bias
        plan = Product(w_ih.T, len(batch_sizes) if by_step else 0).plan
        self.arguments = flat(x), x.shape[1], plan, self.share.reshape(-1), 0 if by_step else len(w_ih)


class InputGradient:
    """W_ihᵀ gz for every step, computed like `InputShare`; not at all if it is not wanted."""

    def __init__(self, gz, w_ih, wanted: bool, batch_sizes, batch: int):
        self.gz, self.w_ih, self.wanted = gz, w_ih, wanted
        self.by_step = wanted and batch >= _FEW and len(batch_sizes) > 1
        product = Product(w_ih, len(batch_sizes) if self.by_step else 0)
        self.gx = product.rows(len(gz) if self.by_step else 0)
        self.arguments = product.plan, self.gx.reshape(-1)

    def result(self):
        """gx, when the loop has been run."""
        if self.by_step:
            return np.ascontiguousarray(self.gx[:, :self.w_ih.shape[1]])
        return matmul(self.gz, self.w_ih) if self.wanted else None


# ---- the steps ---------------------------------------------------------------------------------------------
@jit
def turn(share, i, walk, back):
    """Of the i-th step on the way there or back: the first sequence of a share, their number, their first row, and t."""
    shares, batch, sizes, firsts, reverse = walk
    t = i if reverse == back else len(sizes) - 1 - i
    low = share * batch // shares
    return low, min((share + 1) * batch // shares, sizes[t]) - low, firsts[t] + low, t


@jit
def row_before(t, sequence, walk):
    """The row of the state that a sequence's step t started from, or -1: that was the initial one."""
    shares, batch, sizes, firsts, reverse = walk
    before = t + 1 if reverse else t - 1
    if before < 0 or before >= len(sizes) or sequence >= sizes[before]:
        return -1
    return firsts[before] + sequence


def run(loop, batch_sizes, reverse, batch: int, work: float, *args) -> None:
    """Take all sequences through all steps, each thread an equal share of them.

    The loop gets ``start, stop, walk, *args``, where `turn` reads the walk of the shares from start to stop.  The first
    of args is an array of the dtype that all are of.
    """
    sizes = np.ascontiguousarray(batch_sizes, np.int64)
    firsts = np.cumsum(sizes) - sizes
    shares = max(min(get_num_threads(), batch), 1)
    walk = (shares, batch, sizes, firsts, bool(reverse))
    loop = matrix_tile.with_tile(loop, args[0].dtype)
    parallel_for(loop, shares, len(sizes) * work * batch / shares, walk, *args)
