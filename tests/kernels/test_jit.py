"""Loops are compiled lazily, with the loops they call, for the types they meet."""

import os
import subprocess
import sys

import numpy as np
import pytest

from scratchnet.kernels import tile
from scratchnet.kernels.conv import channels_loops
from scratchnet.kernels.jit import ENABLED, jit
from scratchnet.kernels.vector_loops import copy, fill


@jit
def twice(x):
    return 2 * x


@jit(reassociate=True)
def sum_of_doubles(values):
    total = 0.0
    for i in range(len(values)):
        total += twice(values[i])
    return total


def run_python(code, **environment):
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_kernels_does_not_import_numba():
    assert run_python("import sys; import scratchnet.kernels; print('numba' in sys.modules)") == "False"


def test_without_the_compiler_references_run_and_numba_is_not_imported():
    code = """
import sys, numpy as np
from scratchnet import kernels
y = kernels.softmax(np.zeros((1, 4)))
z = kernels.softmax.twin(np.zeros((1, 4)))
print(y, z, 'numba' in sys.modules)
"""
    assert run_python(code, NUMBA_DISABLE_JIT="1") == "[[0.25 0.25 0.25 0.25]] [[0.25 0.25 0.25 0.25]] False"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_loops_call_loops(dtype):
    values = np.arange(5, dtype=dtype)
    assert sum_of_doubles(values) == 20
    assert sum_of_doubles.python(values) == 20
    if ENABLED:
        assert len(sum_of_doubles.compiled().signatures) >= 1
        assert sum_of_doubles.compiled() is sum_of_doubles.compiled()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_reordered_sums_keep_nan_and_infinity(value):
    values = np.ones(1000)
    values[37] = value
    assert np.array_equal(sum_of_doubles(values), 2 * value, equal_nan=True)


def test_copy_and_fill():
    a, b = np.arange(10.0), np.zeros(10)
    copy(b[2:6], a[3:7])
    fill(b[8:], 7)
    assert b.tolist() == [0, 0, 3, 4, 5, 6, 0, 0, 7, 7]


def test_no_other_thread_calls_a_loop_before_its_cache_is_there(monkeypatch):
    """It would find nothing on the disk, and compile what is there."""
    loop, seen = jit(twice.python), []
    monkeypatch.setattr("scratchnet.kernels.jit._cache_on_disk", lambda *_: seen.append(loop._compiled))
    loop.compiled()
    assert seen == [None]


class TestSources:
    """Compiled code is kept on disk until any file changes that it was made of."""

    @staticmethod
    def result(folder):
        path = os.pathsep.join([str(folder), *sys.path])
        environment = {**os.environ, "PYTHONPATH": path, "NUMBA_CACHE_DIR": str(folder / "cache"),
                       "NUMBA_DISABLE_JIT": "0"}  # fmt: skip
        code = "import caller; print(caller.loop(1.0), sum(caller.loop.compiled().stats.cache_hits.values()))"
        answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        value, hits = answer.split()
        return float(value), int(hits)

    def test_a_change_in_what_is_called_is_seen(self, tmp_path):
        head = "from scratchnet.kernels.jit import jit\n"
        callee = head + "@jit\ndef inner(x):\n    return x + {}\n"
        (tmp_path / "callee.py").write_text(callee.format(1))
        (tmp_path / "caller.py").write_text(head + "from callee import inner\n@jit\ndef loop(x):\n    return inner(x)\n")
        assert self.result(tmp_path) == (2.0, 0)
        assert self.result(tmp_path) == (2.0, 1)
        (tmp_path / "callee.py").write_text(callee.format(2))       # as long as before
        assert self.result(tmp_path) == (3.0, 0)

    def test_instructions_are_among_them_with_what_they_are_built_of(self):
        loop = tile.specialised(channels_loops.forward_loop, tile.Shape(6, 4, 16))
        names = {path.replace("\\", "/").rpartition("/")[2] for path in loop.sources()}
        assert {"channels_loops.py", "patch_loops.py", "tile_instructions.py", "vector_builder.py"} <= names
