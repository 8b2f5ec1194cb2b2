"""What a kernel may use under the simulator: arrays, the names of `cuda`, other functions."""

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numba.core import types

from scratchnet.testing import lockstep
from scratchnet.testing.lockstep import launch

cuda: Any = None  # the simulator puts itself in its place

FULL = 0xFFFFFFFF

# ---- arrays


def uses_arrays(x, shapes, out):
    rows = x[1:3]
    row = x[1]
    shapes[0], shapes[1], shapes[2], shapes[3] = len(x), x.size, x.ndim, rows.shape[1]
    out[0] = rows[1, 2]
    out[1] = row[3] + x[1][3] + x[2, 1:][0]
    out[2:5] = 7
    total = np.float32(0)
    for value in row:
        total += value
    out[5] = total


def test_parts_of_arrays():
    x = np.arange(12, dtype=np.float32).reshape(4, 3).T  # not contiguous
    shapes, out = np.zeros(4, np.int64), np.zeros(6, np.float32)
    launch(uses_arrays, 1, 1, x, shapes, out)
    np.testing.assert_array_equal(shapes, [3, 12, 2, 4])
    np.testing.assert_array_equal(out, [x[2, 2], 2 * x[1, 3] + x[2, 1], 7, 7, 7, x[1].sum()])


def reads_a_tuple(arrays):
    i = cuda.threadIdx.x
    arrays[0][0] += 1
    arrays[0][1] = arrays[1][i]


def races_through_views(x):
    i = cuda.threadIdx.x
    x[i:][0] = 1
    x[1:][i] = 2


def test_parts_remember_with_the_whole():
    with pytest.raises(lockstep.Race):
        launch(races_through_views, 1, 4, np.zeros(5))


def takes_tuples(sizes, pair, out):
    out[0] = sizes[0] * sizes[1]
    out[1] = pair[0][0] + pair[1][0]


def test_a_race_in_a_tuple_leaves_one_run_s_traces():
    arrays = np.zeros(2), np.zeros(2)
    with pytest.raises(lockstep.Race, match=r"arrays\[0\]\[0\].*with nothing to order"):
        launch(reads_a_tuple, 1, 2, arrays)
    assert arrays[0][0] == 1


def test_tuples_of_arguments():
    out = np.zeros(2)
    launch(takes_tuples, 1, 1, (3, np.int32(4)), (np.ones(1), np.ones(1)), out)
    np.testing.assert_array_equal(out, [12, 2])


def uses_dynamic(out):
    everything = cuda.shared.array(0, np.float32)
    again = cuda.shared.array(0, dtype=np.float32)
    local = cuda.local.array((2, 2), np.int32)
    i = cuda.threadIdx.x
    everything[i] = i
    local[1, 0] = i
    cuda.syncthreads()
    out[i] = again[again.size - 1 - i] + local[1, 0]


def test_dynamic_shared_memory_is_one_memory():
    out = np.zeros(8)
    assert launch(uses_dynamic, 1, 8, out, shared=32).shared_bytes == 32
    np.testing.assert_array_equal(out, np.full(8, 7))
    lockstep.check_barriers(lambda kernel: launch(kernel, 1, 8, out, shared=32), uses_dynamic)


# ---- the names of cuda


def places(out):
    x, y, z = cuda.grid(3)
    width, height, depth = cuda.gridsize(3)
    out[x, y, z, 0] = (cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x) * height + cuda.grid(2)[1]
    out[x, y, z, 1] = cuda.gridDim.y + cuda.gridsize(2)[0] + cuda.gridsize(1) + depth
    out[x, y, z, 2] = cuda.laneid + cuda.warpsize


def test_places_in_the_grid():
    out = np.zeros((4, 6, 5, 3))
    report = launch(places, (2, 3, 1), (2, 2, 5), out, seed=3)
    x, y, z = np.indices((4, 6, 5))
    np.testing.assert_array_equal(out[..., 0], 6 * x + y)
    np.testing.assert_array_equal(out[..., 1], 3 + 4 + 4 + 5)
    np.testing.assert_array_equal(out[..., 2], 32 + x % 2 + 2 * (y % 2) + 4 * z)
    assert (report.blocks, report.threads, report.barriers) == (6, 120, 0)


def shuffles(out):
    i = cuda.laneid
    out[0, i] = cuda.shfl_sync(FULL, i, 5)
    out[1, i] = cuda.shfl_up_sync(FULL, i, 3)
    out[2, i] = cuda.shfl_down_sync(FULL, i, 3)
    out[3, i] = cuda.shfl_xor_sync(FULL, i, 6)
    out[4, i] = cuda.ballot_sync(FULL, i % 3 == 0)
    out[5, i] = cuda.any_sync(FULL, i == 4) + 2 * cuda.any_sync(FULL, i == 40)
    out[6, i] = cuda.all_sync(FULL, i < 32) + 2 * cuda.all_sync(FULL, i < 31)
    out[7, i] = cuda.match_any_sync(FULL, i % 8)
    out[8, i] = cuda.match_all_sync(FULL, 1)[0] + cuda.match_all_sync(FULL, i)[1]
    out[9, i] = cuda.eq_sync(FULL, i < 40) + 2 * cuda.eq_sync(FULL, i < 20)
    out[10, i] = cuda.lanemask_lt() + cuda.activemask()


@pytest.mark.parametrize("seed", range(3))
def test_what_lanes_tell_each_other(seed):
    out = np.zeros((11, 32), np.int64)
    launch(shuffles, 1, 32, out, seed=seed)
    i = np.arange(32)
    expected = [5 + 0 * i, np.where(i < 3, i, i - 3), np.where(i > 28, i, i + 3), i ^ 6]
    expected += [0x49249249 + 0 * i, 1 + 0 * i, 1 + 0 * i, 0x01010101 << i % 8, FULL + 0 * i, 1 + 0 * i, (2 << i) - 1]
    np.testing.assert_array_equal(out, expected)


def counts(x, out):
    i = cuda.threadIdx.x
    out[0, i] = cuda.syncthreads_count(x[i] > 0)
    out[1, i] = cuda.syncthreads_and(x[i] > 0)
    out[2, i] = cuda.syncthreads_or(x[i] > 0)


def test_barriers_that_count():
    for x in ([0, 0, 0], [0, 5, 1], [1, 2, 3]):
        x, out = np.array(x), np.zeros((3, 3), np.int32)

        def run(kernel, x=x, out=out):
            launch(kernel, 1, 3, x, out)
            return (out == np.array([[(x > 0).sum()], [(x > 0).all()], [(x > 0).any()]])).all()

        assert run(counts)
        if x.any() and not x.all():
            assert set(lockstep.check_barriers(run, counts).values()) == {"wrong result"}


def atomics(x, old):
    a = cuda.atomic
    old[0], old[1], old[2] = a.add(x, 0, 5), a.sub(x, 1, 5), a.max(x, 2, 15)
    old[3], old[4], old[5] = a.min(x, 3, 5), a.and_(x, 4, 6), a.or_(x, 5, 5)
    old[6], old[7], old[8] = a.xor(x, 6, 3), a.exch(x, 7, 1), a.inc(x, 8, 10)
    old[9], old[10], old[11] = a.inc(x, 9, 20), a.dec(x, 10, 20), a.dec(x, 11, 9)
    old[12], old[13] = a.cas(x, 12, 10, 1), a.cas(x, 13, 11, 1)
    old[14] = a.compare_and_swap(x[14:], 10, 3)
    a.add(x, 15, 2**31)
    cuda.atomic.add(x, 15, -1)


def test_atomic_operations():
    x, old = np.full(16, 10, np.int32), np.zeros(16, np.int32)
    launch(atomics, 1, 1, x, old)
    np.testing.assert_array_equal(x, [15, 5, 15, 5, 2, 15, 9, 1, 0, 11, 9, 9, 1, 10, 3, 9 - 2**31])
    np.testing.assert_array_equal(old[:15], np.full(15, 10))


# ---- other functions, modules and captured values


class Dispatcher:
    """As Numba's: the function, and the code that it was compiled to."""

    def __init__(self, function):
        self.py_func = function

    def __call__(self, *args):
        raise AssertionError("compiled code does not run here")


@Dispatcher
def swap(x, i, j):
    kept = x[j]
    cuda.syncthreads()
    x[i] = kept


helpers = ModuleType("helpers")
helpers.swap = swap
helpers.constants = SimpleNamespace(one=1)


def make_reversal(scale, table, n=4):
    @Dispatcher
    def reversal(x, n=n):
        i = cuda.threadIdx.x
        helpers.swap(x, i, n - 1 - i)
        x[i] = x[i] * scale + table[i] + helpers.constants.one

    return reversal


def test_device_functions_modules_and_captured_values():
    kernel = make_reversal(np.float32(2), np.arange(4.0))

    def run(kernel):
        x = np.arange(4.0)
        launch(kernel, 1, 4, x, 4)
        return (x == [7, 6, 5, 4]).all()

    assert run(kernel)
    assert [(b.function, b.call) for b in lockstep.barriers(kernel)] == [("swap", "cuda.syncthreads()")]
    assert list(lockstep.check_barriers(run, kernel).values()) == ["Race"]


def factorial(n):
    return n * factorial(n - 1) if n > 1 else 1


def calls_itself(out):
    out[0] = factorial(5)


def test_functions_that_call_themselves():
    out = np.zeros(1)
    launch(calls_itself, 1, 1, out)
    assert out[0] == 120
    assert factorial.__globals__ is globals()  # the original is as it was


def captured_barrier(wait):
    def kernel(x):
        i = cuda.threadIdx.x
        value = x[3 - i]
        wait() if wait else cuda.syncthreads()
        x[i] = value

    return kernel


def test_mutants_keep_what_is_captured_and_their_lines():
    kernel = captured_barrier(None)
    mutant = lockstep.without_barrier(kernel, 0)
    assert mutant.__closure__[0].cell_contents is None
    with pytest.raises(lockstep.Race) as found:
        launch(mutant, 1, 4, np.arange(4.0))
    first = kernel.__code__.co_firstlineno
    assert first < found.value.line <= first + 4 and found.value.file == __file__
    launch(kernel, 1, 4, np.arange(4.0))


def test_numba_types_are_casts():
    float32, uint8 = types.float32, types.uint8

    def kernel(out):
        shared = cuda.shared.array(2, float32)
        shared[0] = uint8(257)
        shared[1] = float32(0.1)
        out[0] = shared[0]
        out[1] = shared[1]

    out = np.zeros(2)
    launch(kernel, 1, 1, out)
    np.testing.assert_array_equal(out, [1, np.float32(0.1)])


def draws(out):
    out[cuda.atomic.add(out, 3, 1)] = cuda.threadIdx.x


def test_seeds_choose_the_order_and_repeat_it():
    def order(seed):
        out = np.zeros(4, np.int64)
        launch(draws, 1, 3, out, seed=seed)
        return tuple(out)

    assert order(1) == order(1)
    assert len({order(seed) for seed in range(20)}) > 3
