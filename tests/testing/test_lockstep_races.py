"""Each kind of race planted in a kernel, found, and told with its lines, threads, array and element."""

from typing import Any

import numpy as np
import pytest

from scratchnet.testing import lockstep
from scratchnet.testing.lockstep import launch
from tests.testing.lockstep_cases import floats, line_of
from tests.testing.lockstep_kernels import FULL

cuda: Any = None  # the simulator puts itself in its place


def reads_what_another_writes(x, out):
    i = cuda.threadIdx.x
    x[i] = i
    out[i] = x[(i + 1) % 8]


def writes_what_another_read(x, out):
    i = cuda.threadIdx.x
    out[i] = x[(i + 1) % 8]
    x[i] = i


def writes_one_element(x):
    x[0] = cuda.threadIdx.x


def writes_what_another_changes_atomically(x):
    if cuda.threadIdx.x == 0:
        x[0] = 1
    else:
        cuda.atomic.add(x, 0, 1)


def reads_what_another_changes_atomically(x, out):
    if cuda.threadIdx.x == 0:
        out[0] = x[0]
    else:
        cuda.atomic.add(x, 0, 1)


def relies_on_warps_in_step(out):
    shared = cuda.shared.array(32, np.float32)
    i = cuda.threadIdx.x
    shared[i] = i
    cuda.shfl_sync(FULL, i, 0)
    out[i] = shared[31 - i]


def relies_on_a_syncwarp_of_others(out):
    shared = cuda.shared.array(32, np.float32)
    i = cuda.threadIdx.x
    shared[i] = i
    if i < 16:
        cuda.syncwarp(0x0000FFFF)
    else:
        cuda.syncwarp(0xFFFF0000)
    out[i] = shared[31 - i]


@pytest.mark.parametrize(
    "kernel, arrays, threads, array",
    [
        (reads_what_another_writes, (floats(8), floats(8)), 8, "x"),
        (writes_what_another_read, (floats(8), floats(8)), 8, "x"),
        (writes_one_element, (floats(1),), 2, "x"),
        (writes_what_another_changes_atomically, (floats(1),), 2, "x"),
        (reads_what_another_changes_atomically, (floats(1), floats(1)), 2, "x"),
        (relies_on_warps_in_step, (floats(32),), 32, "shared"),
        (relies_on_a_syncwarp_of_others, (floats(32),), 32, "shared"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_races_within_a_block(kernel, arrays, threads, array, seed):
    with pytest.raises(lockstep.Race, match=f"^{kernel.__name__}: .*with nothing to order") as found:
        launch(kernel, 1, threads, *arrays, seed=seed)
    assert found.value.array == array
    assert len(set(found.value.threads)) == 2


def blocks_add_to_one_element(out):
    out[0] += 1


def blocks_write_what_others_read(x):
    if cuda.blockIdx.x == 0:
        x[0] = 1
    elif cuda.blockIdx.x == 1:
        x[1] = x[0]
    else:
        x[2] = x[0]


def last_block_without_fence(partial, arrived, out):
    partial[cuda.blockIdx.x] = 1
    if cuda.atomic.add(arrived, 0, 1) == cuda.gridDim.x - 1:
        out[0] = partial[0] + partial[1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "kernel, blocks, arrays",
    [
        (blocks_add_to_one_element, 2, (floats(1),)),
        (blocks_write_what_others_read, 3, (floats(3),)),
        (last_block_without_fence, 2, (floats(2), np.zeros(1, np.int32), floats(1))),
    ],
)
def test_races_between_blocks(kernel, blocks, arrays, seed):
    with pytest.raises(lockstep.Race):
        launch(kernel, blocks, 1, *[a.copy() for a in arrays], seed=seed)


def test_a_race_is_told_with_both_lines_and_threads():
    with pytest.raises(lockstep.Race) as found:
        launch(reads_what_another_writes, 1, (4, 2), floats(8), floats(8))
    race = found.value
    lines = {line_of(reads_what_another_writes, text) for text in ("x[i] = i", "out[i] =")}
    assert race.line in lines
    other = (lines - {race.line}).pop()
    (a, _), (b, _) = [thread.split(" of ") for thread in race.threads]
    assert f"test_lockstep_races.py:{race.line}: x[{race.element[0]}] (global float32 of shape (8,))" in str(race)
    assert f"in line {other}, with nothing to order the two" in str(race)
    assert a != b and race.kernel == "reads_what_another_writes"


def shifted(x, y):
    i = cuda.threadIdx.x
    y[i] = x[i] + 1


def test_views_of_one_buffer_are_one_memory():
    x = floats(9)
    launch(shifted, 1, 8, x[:8], x[:8])
    with pytest.raises(lockstep.Race):
        launch(shifted, 1, 8, x[:8], x[1:])


def flags(x, values):
    x[0] = values[cuda.threadIdx.x]


def test_equal_values_may_be_allowed():
    x = np.zeros(1, np.int32)
    with pytest.raises(lockstep.Race):
        launch(flags, 2, 4, x, np.ones(4))
    launch(flags, 2, 4, x, np.ones(4), allow_same_value=True)
    assert x[0] == 1
    with pytest.raises(lockstep.Race):
        launch(flags, 1, 4, x, np.arange(4.0), allow_same_value=True)
