"""What a kernel does with an array that says it is on a GPU."""

import sys
import types

import numpy as np
import pytest

from scratchnet.kernels import im2col, registry


class OnGpu:
    """All that the registry looks at."""

    __cuda_array_interface__: dict = {}


@pytest.fixture(autouse=True)
def cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", types.ModuleType("cupy"))


def test_the_cuda_twin_runs_and_nothing_else(monkeypatch):
    monkeypatch.setattr(im2col, "cuda_twin", lambda x, size: (x, size))
    x = OnGpu()
    assert im2col(x, 2) == (x, 2)


@pytest.mark.parametrize("twin", [None, lambda x: NotImplemented])
def test_without_a_kernel_nothing_is_copied_to_the_host(twin):
    lonely = registry.kernel(lambda x: pytest.fail("the reference ran"))
    lonely.cuda(twin)
    with pytest.raises(NotImplementedError, match="no CUDA kernel for these arguments"):
        lonely(OnGpu())


def test_mixed_devices_are_refused():
    with pytest.raises(RuntimeError, match="im2col: expected all arrays to be on the same device"):
        im2col(OnGpu(), np.zeros(2))
