"""The CUDA twins where there is no GPU: in the simulator, or only looked at."""

import numpy as np

from scratchnet.kernels.cuda import target
from scratchnet.testing import lockstep


def simulated(twin, *args, instead=None, seed=0):
    """The twin's results, its kernels run in the simulator; ``instead`` maps a kernel to what runs in its place."""
    def runner(kernel, grid, arguments):
        function = kernel.py_func if instead is None else instead(kernel)
        lockstep.launch(function, grid, kernel.threads, *arguments, seed=seed)
    with target.started_by(runner):
        return as_tuple(twin(*args))


def launched(twin, *args):
    """What the twin would start: kernels, grids and arguments."""
    starts = []
    with target.started_by(lambda *start: starts.append(start)):
        twin(*args)
    return starts


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def assert_close(actual, expected, tolerance=2e-5):
    for one, other in zip(actual, expected, strict=True):
        if one is None or (isinstance(one, np.ndarray) and one.dtype.kind in "iub"):
            np.testing.assert_array_equal(one, other)
        else:
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * max(1, np.abs(other).max(initial=0)))
            assert one.dtype == other.dtype and one.shape == other.shape
