"""Freed memory is kept, so that the next array needs no new pages; unless it is asked not to be."""

import os
import subprocess
import sys

import pytest

from scratchnet.config import keep_freed_memory
from scratchnet.kernels.memory import keep_by_default

COUNT = """
import resource
import numpy as np
from scratchnet.kernels import softmax
softmax(np.ones((2, 5)))                                # the first kernel sets it
for _ in range(3):
    np.ones(2**18)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    a, b = np.ones(2**18), np.ones(2**18)               # 2 MiB each, 512 pages
    del a, b
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(**variables):
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "0", **variables}  # it is compiling that sets it
    result = subprocess.run([sys.executable, "-c", COUNT], env=environment, capture_output=True, text=True, check=True)
    return int(result.stdout)


def test_pages_are_used_again():
    if not sys.platform.startswith("linux"):
        assert not keep_freed_memory()
        return
    assert page_faults() < 2_000 < 10_000 < page_faults(SCRATCHNET_KEEP_MEMORY="0")


@pytest.mark.parametrize("limit", [-1, 1 << 31, 0.5])
def test_limits(limit):
    with pytest.raises(ValueError, match="expected 0 <= limit < 2\\^31 bytes"):
        keep_freed_memory(limit)


@pytest.mark.parametrize("value", ["much", "-1", "1.5", str(1 << 31)])
def test_the_environment_is_checked(monkeypatch, value):
    monkeypatch.setenv("SCRATCHNET_KEEP_MEMORY", value)
    with pytest.raises(ValueError, match="SCRATCHNET_KEEP_MEMORY: expected a number of bytes"):
        keep_by_default()
