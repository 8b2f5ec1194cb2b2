"""Sums and maxima over a block: right for every thread, again and again, and no barrier is needless."""

import numpy as np
import pytest

from scratchnet.kernels.cuda import reduction, target
from scratchnet.testing import lockstep

cuda = target.cuda
REDUCTIONS = reduction.block_sum, reduction.block_max
reduce = reduction.block_sum        # stands for either


@target.kernel(threads=64, registers=32, shared=128)
def twice(x, y):
    i = cuda.threadIdx.x
    y[0, i] = reduce(x[0, i])
    y[1, i] = reduce(x[1, i])


@pytest.mark.parametrize("function, formula", [*zip(REDUCTIONS, (np.sum, np.max), strict=True)])
def test_every_thread_has_the_result_and_each_barrier_is_needed(function, formula):
    x = np.random.default_rng(0).integers(-9, 9, (2, 64)).astype(np.float32)    # sums are exact in any order
    expected = np.broadcast_to(formula(x, axis=1, keepdims=True), x.shape)

    def run(kernel):
        y = np.full_like(x, np.nan)
        lockstep.launch(kernel, 1, 64, x, y)
        np.testing.assert_array_equal(y, expected)

    assert len(lockstep.check_barriers(run, twice.specialised(reduce=function).py_func)) == 2


def test_the_largest_of_nan_is_nan():
    x = np.zeros((2, 64), np.float32)
    x[1, 40] = np.nan
    y = np.full_like(x, 7)
    lockstep.launch(twice.specialised(reduce=reduction.block_max).py_func, 1, 64, x, y)
    assert (y[0] == 0).all() and np.isnan(y[1]).all()
