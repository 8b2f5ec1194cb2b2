"""The simulator of CUDA on right kernels: their results, no false alarm, and each barrier is missed when it goes."""

from typing import Any

import numpy as np
import pytest

from scratchnet.testing import lockstep
from tests.testing.lockstep_cases import CASES, floats

cuda: Any = None  # the simulator puts itself in its place

cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def run(case, kernel, seed=0):
    arrays = case.arrays()
    expected = case.expected(*[np.array(a) for a in arrays])
    report = lockstep.launch(kernel, case.grid, case.block, *arrays, seed=seed, **case.options)
    np.testing.assert_allclose(arrays[-1], expected, rtol=1e-5, atol=1e-5)
    return report


@cases
@pytest.mark.parametrize("seed", range(5))
def test_right_kernels_pass_with_right_results(case, seed):
    run(case, case.kernel, seed)


@cases
def test_each_deleted_barrier_is_noticed(case):
    noticed = lockstep.check_barriers(lambda kernel: run(case, kernel) and None, case.kernel)
    assert len(noticed) == len(lockstep.barriers(case.kernel)) > 0


def needs_no_barrier(x):
    cuda.syncthreads()
    x[cuda.threadIdx.x] = 1


def has_no_barrier(x):
    x[cuda.threadIdx.x] = 1


def test_a_needless_barrier_is_named():
    def fills(kernel):
        x = floats(4)
        lockstep.launch(kernel, 1, 4, x)
        return x.all()

    with pytest.raises(AssertionError, match=r"deleted, and nothing noticed:\n.*syncthreads\(\) in needs_no_barrier"):
        lockstep.check_barriers(fills, needs_no_barrier)
    with pytest.raises(AssertionError, match="has no barrier to delete"):
        lockstep.check_barriers(fills, has_no_barrier)
    with pytest.raises(AssertionError, match="does not pass with all its barriers: wrong result"):
        lockstep.check_barriers(lambda kernel: False, needs_no_barrier)
    with pytest.raises(IndexError, match="has 1 barriers, got k=1"):
        lockstep.without_barrier(needs_no_barrier, 1)
