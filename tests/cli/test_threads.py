"""--threads, and the library behind matrix products."""

import numpy as np
import pytest

from scratchnet import kernels
from scratchnet.cli import main, threads


@pytest.fixture(autouse=True)
def restored():
    before = kernels.get_num_threads()
    yield
    kernels.set_num_threads(before)


def test_kernels_use_as_many_as_asked_for(finished):
    assert main(["evaluate", str(finished), "--threads", "3", "--quiet"]) == 0
    assert kernels.get_num_threads() == 3


def test_matrix_products_use_one(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    threads.use(None)
    for library in threads._openblas():
        name = next(name for name in threads._SETTERS if hasattr(library, name))
        assert getattr(library, name.replace("_set_", "_get_"))() == 1
    a = np.arange(6.0).reshape(2, 3)
    assert (a @ a.T).tolist() == [[5, 14], [14, 50]]


def test_a_number_that_was_set_outside_is_left_alone(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    monkeypatch.setattr(threads, "_openblas", lambda: pytest.fail("touched"))
    threads.use(None)


def test_another_library_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads.np, "__file__", str(tmp_path / "numpy" / "__init__.py"))
    assert threads._openblas() == []
    threads.use(None)
