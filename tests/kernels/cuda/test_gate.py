"""What kernels become for sm_90, linked without a driver: nothing spilled, nothing in double precision, within bounds."""

import numpy as np
import pytest

from scratchnet.kernels import col2im, im2col
from scratchnet.kernels.cuda import target
from scratchnet.kernels.cuda.assembly import assemble
from scratchnet.kernels.cuda.target import cuda
from tests.kernels.cuda.running import launched
from tests.kernels.cuda.test_reduction import REDUCTIONS, twice

pytestmark = pytest.mark.filterwarnings("ignore")       # numba-cuda's own

IMAGES = np.zeros((2, 3, 9, 8), np.float32)
COLUMNS = im2col.reference(IMAGES, 3, (2, 1), 1, (1, 2))
CALLS = {"im2col": lambda: im2col.cuda_twin(IMAGES, 3, (2, 1), 1, (1, 2)),
         "col2im": lambda: col2im.cuda_twin(COLUMNS, (9, 8), 3, (2, 1), 1, (1, 2))}


@pytest.mark.parametrize("name", CALLS)
def test_kernel_keeps_to_its_bounds(name):
    started = launched(CALLS[name])
    assert started
    for kernel, _, args in started:
        assert assemble(kernel, args).faults(kernel) == []


@pytest.mark.parametrize("function", REDUCTIONS)
def test_reductions_keep_to_their_bounds(function):
    kernel, x = twice.specialised(reduce=function), np.zeros((2, 64), np.float32)
    assert assemble(kernel, (x, x)).faults(kernel) == []


def test_double_precision_and_local_memory_are_found():
    @target.kernel(threads=32, registers=128)
    def bad(x, y):
        part = cuda.local.array(64, np.float32)
        for i in range(64):
            part[i] = x[i]
        i = cuda.threadIdx.x
        y[i] = 0.1 * part[i % x.size]

    x = np.zeros(64, np.float32)
    found = assemble(bad, (x, x))
    assert found.float64 and found.local and found.stack and found.divisions
    assert [fault.split()[0] for fault in found.faults(bad)] == ["stack", "float64", "local", "divisions"]
