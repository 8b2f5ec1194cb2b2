"""Each kind of error but races, planted in a kernel, found, and told with its line, threads, array and element."""

import sys
from typing import Any

import numpy as np
import pytest

from scratchnet.testing import lockstep
from scratchnet.testing.lockstep import launch
from tests.testing.lockstep_cases import floats, line_of
from tests.testing.lockstep_kernels import FULL

cuda: Any = None  # the simulator puts itself in its place


def reads_at(x, out, i, j):
    out[0] = x[i, j]


def writes_at(x, i, j):
    x[i][j] = 1


def adds_at(x, i, j):
    cuda.atomic.add(x, (i, j), 1)


@pytest.mark.parametrize("i, j", [(2, 0), (0, 3), (1, 99)])
def test_indices_out_of_range(i, j):
    x = floats(2, 3)
    with pytest.raises(
        lockstep.OutOfRange, match=r"x\[\d, \d+\] .* index \d+ is out of range: dimension [01] has [23]"
    ):
        launch(reads_at, 1, 1, x, floats(1), i, j)
    with pytest.raises(lockstep.OutOfRange, match="out of range"):
        launch(writes_at, 1, 1, x, i, j)
    with pytest.raises(lockstep.OutOfRange, match="out of range"):
        launch(adds_at, 1, 1, x, i, j)


def test_negative_indices():
    for index in ((-1, 0), (0, -3)):
        with pytest.raises(lockstep.NegativeIndex, match="is negative") as found:
            launch(reads_at, 1, 1, floats(2, 3), floats(1), *index)
        assert found.value.element == index


def too_many_indices(x, out):
    out[0] = x[0, 0, 0]


def a_float_for_an_index(x, out):
    out[0] = x[0.5, 0]


def test_indices_that_are_none():
    with pytest.raises(lockstep.OutOfRange, match="2 dimensions, and 3 indices"):
        launch(too_many_indices, 1, 1, floats(2, 3), floats(1))
    with pytest.raises(lockstep.Unsupported, match="index of type float"):
        launch(a_float_for_an_index, 1, 1, floats(2, 3), floats(1))


def sums_shared_unwritten(out):
    shared = cuda.shared.array(4, np.float32)
    if cuda.blockIdx.x == 0:
        shared[0] = 1
    out[cuda.blockIdx.x] = shared[0]


def sums_local_unwritten(out):
    local = cuda.local.array(4, np.float32)
    local[1] = 1
    out[0] = local[0]


def adds_to_shared_unwritten(out):
    shared = cuda.shared.array(4, np.int32)
    cuda.atomic.add(shared, 0, 1)


def reads_dynamic_unwritten(out):
    shared = cuda.shared.array(0, np.float32)
    out[0] = shared[1]


@pytest.mark.parametrize(
    "kernel, array",
    [
        (sums_shared_unwritten, "shared"),  # also where an earlier block wrote: seeds run the blocks in both orders
        (sums_local_unwritten, "local"),
        (adds_to_shared_unwritten, "shared"),
        (reads_dynamic_unwritten, "shared"),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_before_it_is_written(kernel, array, seed):
    with pytest.raises(lockstep.UninitialisedRead, match=f"{array}.* is read before it is written") as found:
        launch(kernel, 2, 1, floats(2), seed=seed, shared=16)
    assert found.value.array == array


def adds_to_output(out):
    out[cuda.threadIdx.x] += 1


def test_declared_outputs_are_undefined():
    launch(adds_to_output, 1, 2, floats(2))
    with pytest.raises(lockstep.UninitialisedRead, match="out"):
        launch(adds_to_output, 1, 2, floats(2), undefined=("out",))
    with pytest.raises(ValueError, match="has no parameter result"):
        launch(adds_to_output, 1, 2, floats(2), undefined=("result",))


def returns_early(n):
    if cuda.threadIdx.x >= n:
        return
    cuda.syncthreads()


def waits_in_two_places():
    if cuda.threadIdx.x < 3:
        cuda.syncthreads()
    else:
        cuda.syncthreads()


def test_divergent_barriers():
    launch(returns_early, 1, 8, 8)
    with pytest.raises(
        lockstep.DivergentBarrier, match="5 of 8 threads wait at syncthreads in line .* returned"
    ) as found:
        launch(returns_early, 1, 8, 5)
    assert found.value.line == line_of(returns_early, "syncthreads")
    with pytest.raises(lockstep.DivergentBarrier, match="two different barriers"):
        launch(waits_in_two_places, 1, 8)


def votes(mask, lanes):
    if cuda.laneid < lanes:
        cuda.any_sync(mask, True)


def reads_lane(mask, source, out):
    if mask >> cuda.laneid & 1:
        out[cuda.laneid] = cuda.shfl_sync(mask, cuda.laneid, source)


def barrier_for_half_a_warp():
    if cuda.laneid < 16:
        cuda.syncwarp()
    cuda.syncthreads()


def test_masks_of_warps():
    launch(votes, 1, 32, FULL, 32)
    launch(votes, 1, 40, FULL, 32)  # lanes that the block does not have are not waited for
    with pytest.raises(lockstep.WarpMask, match="does not name lane [89]"):
        launch(votes, 1, 32, 0xFF, 10)
    with pytest.raises(lockstep.WarpMask, match=r"any_sync with mask 0xffffffff for lanes 30, 31 .* has returned"):
        launch(votes, 1, 32, FULL, 30)
    out = floats(32)
    launch(reads_lane, 1, 32, 0xFF, 7, out)
    np.testing.assert_array_equal(out, [7] * 8 + [0] * 24)
    with pytest.raises(lockstep.WarpMask, match="reads lane 8 of its warp, which does not take part"):
        launch(reads_lane, 1, 32, 0xFF, 8, out)


def waits_for_a_flag(flag):
    while cuda.atomic.cas(flag, 0, 1, 1) == 0:
        pass


def spins_on_a_plain_element(flag):
    if cuda.threadIdx.x == 0:
        while flag[0] == 0:
            pass
    flag[cuda.threadIdx.x] = 1


def takes_turns(lock, turns):
    """Each thread waits until all before it were here."""
    while cuda.atomic.add(lock, 0, 0) != cuda.threadIdx.x:
        pass
    cuda.atomic.add(turns, cuda.threadIdx.x, cuda.atomic.add(lock, 0, 1))


def test_deadlocks(monkeypatch):
    with pytest.raises(lockstep.Deadlock, match=r"syncwarp .* waits at syncthreads in line"):
        launch(barrier_for_half_a_warp, 1, 32)
    monkeypatch.setattr("scratchnet.testing.lockstep.launching.SPIN_LIMIT", 500)
    turns = np.zeros(6, np.int32)
    launch(takes_turns, 1, 6, np.zeros(1, np.int32), turns)
    np.testing.assert_array_equal(turns, range(6))
    with pytest.raises(lockstep.Deadlock, match="500 atomic operations changed nothing"):
        launch(waits_for_a_flag, 1, 2, np.zeros(1, np.int32))
    monkeypatch.setattr("scratchnet.testing.lockstep.memory.REREAD_LIMIT", 500)
    with pytest.raises(lockstep.Deadlock, match=r"flag\[0\] .* is read again and again \(500 times\)") as found:
        launch(spins_on_a_plain_element, 1, 2, np.zeros(2, np.int32))
    assert found.value.line == line_of(spins_on_a_plain_element, "while flag")


def does_nothing():
    pass


def does_nothing_with(x):
    pass


@pytest.mark.parametrize(
    "grid, block, message",
    [
        (0, 32, "x must be 1 to 2147483647"),
        ((1, 0), 32, "y must be 1 to 65535"),
        ((1, 1, 65536), 32, "z must be 1 to 65535"),
        (1, 0, "x must be 1 to 1024"),
        (1, 1025, "x must be 1 to 1024"),
        (1, (1, 1, 65), "z must be 1 to 64"),
        (1, (32, 33), "has 1056 threads, and may have 1024"),
    ],
)
def test_limits_of_a_launch(grid, block, message):
    with pytest.raises(lockstep.LaunchLimit, match=message):
        launch(does_nothing, grid, block)


def takes_shared(out):
    a = cuda.shared.array((64, 64), np.float64)
    a[0, 0] = 1
    b = cuda.shared.array((64, 33), np.float64)
    b[0, 0] = 1


def test_limits_of_shared_memory():
    with pytest.raises(lockstep.SharedMemoryLimit, match="b brings shared memory to 49664 bytes") as found:
        launch(takes_shared, 1, 1, floats(1))
    assert found.value.array == "b" and found.value.line == line_of(takes_shared, "b = cuda")
    launch(does_nothing, 1, 1, shared=227 * 1024, shared_limit=227 * 1024)
    for shared, limit in ((48 * 1024 + 1, 48 * 1024), (1, 227 * 1024 + 1)):
        with pytest.raises(lockstep.SharedMemoryLimit, match=f"the limit is {limit}"):
            launch(does_nothing, 1, 1, shared=shared, shared_limit=limit)


def divides(x, n):
    x[0] = 3 // n


def stores_nothing(x):
    x[0] = None


def asks_for_textures(x):
    cuda.texture(x)


def writes_a_constant(x):
    TABLE[0] = x[0]


TABLE = np.arange(3.0)


def test_what_a_device_does_not_do():
    with pytest.raises(lockstep.Failure, match=r"divides: .*ZeroDivisionError.*\n    x\[0\] = 3 // n") as found:
        launch(divides, 1, 1, floats(1), 0)
    assert isinstance(found.value.__cause__, ZeroDivisionError)
    with pytest.raises(lockstep.Unsupported, match="is given None"):
        launch(stores_nothing, 1, 1, floats(1))
    with pytest.raises(lockstep.Unsupported, match=r"cuda\.texture"):
        launch(asks_for_textures, 1, 1, floats(1))
    with pytest.raises(lockstep.Unsupported, match="is a constant"):
        launch(writes_a_constant, 1, 1, floats(1))


def test_arguments_that_are_none():
    with pytest.raises(TypeError, match="x: a kernel takes arrays, numbers and tuples of them, got list"):
        launch(does_nothing_with, 1, 1, [1])
    with pytest.raises(TypeError, match="takes 1 arguments, got 0"):
        launch(does_nothing_with, 1, 1)
    with pytest.raises(TypeError, match="a kernel is a Python function"):
        launch("kernel", 1, 1)
    with pytest.raises(TypeError, match="block must be an int or a tuple of 1 to 3"):
        launch(does_nothing, 1, (1, 1, 1, 1))


def test_greenlet_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "greenlet", None)
    with pytest.raises(ImportError, match="pip install greenlet"):
        launch(does_nothing, 1, 1)
