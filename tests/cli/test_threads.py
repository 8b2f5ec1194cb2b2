"""--threads."""

import pytest

from scratchnet import kernels
from scratchnet.cli import main


@pytest.fixture(autouse=True)
def restored():
    before = kernels.get_num_threads()
    yield
    kernels.set_num_threads(before)


def test_kernels_use_as_many_as_asked_for(finished):
    assert main(["evaluate", str(finished), "--threads", "3", "--quiet"]) == 0
    assert kernels.get_num_threads() == 3
