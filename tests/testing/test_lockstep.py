"""The simulator of CUDA on right kernels: their results, no false alarm, and each barrier is missed when it goes."""

import numpy as np
import pytest

from scratchnet.testing import lockstep
from tests.testing.lockstep_kernels import CASES

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
