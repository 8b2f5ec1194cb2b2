"""Matrix products on our threads, and OpenBLAS's own threads."""

import numpy as np
import pytest

from scratchnet import kernels
from scratchnet.kernels import blas, blas_threads, jit
from tests.kernels.calls import on_threads

SHAPES = [
    ((300, 400), (400, 350)), ((1000, 64), (64, 700)), ((64, 300), (300, 3000)), ((24, 24, 300, 64), (64, 70)),
    ((12, 90, 64), (12, 64, 300)), ((1, 400, 300), (7, 300, 100)), ((3, 1, 200, 100), (4, 100, 300)),
    ((2, 3), (3, 4)), ((0, 5), (5, 7)), ((4, 0), (0, 3)), ((5000, 0), (0, 5000)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("a_shape, b_shape", SHAPES)
def test_equals_numpy(a_shape, b_shape, dtype):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(a_shape).astype(dtype), rng.standard_normal(b_shape).astype(dtype)
    for left in (a, a.swapaxes(-1, -2).copy().swapaxes(-1, -2)):
        c = kernels.matmul(left, b)
        np.testing.assert_allclose(c, a @ b, atol=3e-4 if dtype == np.float32 else 1e-11, rtol=0)
        assert c.dtype == dtype


def test_large_products_are_shared_and_results_do_not_depend_on_the_threads(monkeypatch):
    calls = []
    monkeypatch.setattr(blas, "_pieces_of", lambda *args, f=blas._pieces_of: (calls.append(args[:2]), f(*args)))
    a, b = np.random.default_rng(1).standard_normal((2, 600, 600)).astype(np.float32)
    a = a.T         # not by panels
    first, *others = on_threads(lambda: kernels.matmul(a, b))
    assert len(calls) > 10 if jit.ENABLED else not calls        # without the JIT all is NumPy's
    assert all((r == first).all() for r in others)


def test_shapes_that_do_not_fit_are_numpys_error():
    with pytest.raises(ValueError, match="mismatch"):
        kernels.matmul(np.ones((2, 3)), np.ones((4, 5)))


@pytest.fixture
def threads_of_openblas():
    def count():
        return [getattr(library, name.replace("_set_", "_get_"))() for library in blas_threads._openblas()
                for name in blas_threads._SETTERS if hasattr(library, name)]  # fmt: skip

    yield count
    blas_threads.use_blas_threads()


@pytest.mark.parametrize("asked, given", [("1", 1), ("2", 2), (None, 1)])
def test_openblas_gets_what_the_environment_asks_for(asked, given, monkeypatch, threads_of_openblas):
    if asked is None:
        monkeypatch.delenv("SCRATCHNET_BLAS_THREADS", raising=False)
    else:
        monkeypatch.setenv("SCRATCHNET_BLAS_THREADS", asked)
    blas_threads.use_blas_threads()
    assert set(threads_of_openblas()) <= {given}


def test_zero_leaves_it_alone(monkeypatch):
    monkeypatch.setenv("SCRATCHNET_BLAS_THREADS", "0")
    monkeypatch.setattr(blas_threads, "_openblas", lambda: pytest.fail("touched"))
    blas_threads.use_blas_threads()


def test_what_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv("SCRATCHNET_BLAS_THREADS", "two")
    with pytest.raises(ValueError, match="SCRATCHNET_BLAS_THREADS: expected a number"):
        blas_threads.use_blas_threads()


def test_another_library_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(blas_threads.np, "__file__", str(tmp_path / "numpy" / "__init__.py"))
    assert blas_threads._openblas() == []
