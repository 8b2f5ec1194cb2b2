"""Nothing is imported before a kernel starts, and what is missing is named."""

import subprocess
import sys

import pytest

from scratchnet.kernels.cuda import target


@pytest.mark.parametrize("state, words", [
    (target.State(("numba-cuda", "cupy"), 0, 0), "numba-cuda and cupy, which is not installed"),
    (target.State((), 0, 0), "version 580 or newer: found none"),
    (target.State((), 12040, 1), "the one here is for CUDA 12.4"),
    (target.State((), 13000, 0), "needs an NVIDIA GPU"),
])
def test_what_is_missing_is_named(state, words):
    assert words in state.missing


def test_nothing_is_missing():
    assert target.State((), 13010, 1).missing is None


def test_kernels_import_without_their_compiler():
    code = "import scratchnet.kernels.cuda, sys; assert not {'numba.cuda', 'numba_cuda', 'cupy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
