"""Products of several matrices, powers, cross products, and the aliases at the top level."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet as sn
from scratchnet import Tensor, linalg
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes
from tests.ops.linalg.matrices import check, definite, regular


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (3, 2)], [(3,), (3,)], [(3,), (3, 2), (2,)], [(2,), (2, 3), (3, 4), (4,)],
        [(2, 3), (3, 1), (1, 4), (4, 2)], [(2, 3), (3,)], [(0, 3), (3, 2), (2, 2)],
    ],
    ids=str,
)  # fmt: skip
def test_multi_dot(shapes):
    inputs = [values(shape, seed) for seed, shape in enumerate(shapes)]
    check(lambda *xs: linalg.multi_dot(xs), lambda *xs: torch.linalg.multi_dot(xs), *inputs)


def test_multi_dot_takes_the_cheapest_order():
    """The example of Cormen et al., Introduction to Algorithms, 15.2: ((A1 (A2 A3)) ((A4 A5) A6))."""
    from scratchnet.ops.linalg.products import _cheapest_splits

    split = _cheapest_splits([30, 35, 15, 5, 10, 20, 25])
    assert (split[0, 5], split[0, 2], split[3, 5]) == (2, 0, 4)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5])
def test_matrix_power(n):
    check(lambda a: linalg.matrix_power(a, n), lambda a: torch.linalg.matrix_power(a, n), regular((2, 3, 3)) / 3)
    if n > 0:
        check_against_torch("linalg.matrix_power", (10 * regular((3, 3))).astype(np.int64), n)


@given(shapes(min_dims=1, max_dims=3, min_side=1, max_side=2), seeds(), st.data())
def test_cross(shape, seed, data):
    dim = data.draw(st.integers(0, len(shape)))
    a = (*shape[:dim], 3, *shape[dim:])
    b = tuple(1 if d != dim and data.draw(st.booleans()) else n for d, n in enumerate(a))
    x, y = values(a, seed), values(b, seed + 1)
    check_against_torch("linalg.cross", x, y, dim=dim)
    check_gradient(lambda x, y: linalg.cross(x, y, dim=dim - len(a)), x, y)


def test_cross_by_hand():
    ex, ey = Tensor(np.array([1.0, 0.0, 0.0])), Tensor(np.array([0.0, 1.0, 0.0]))
    assert linalg.cross(ex, ey).tolist() == [0, 0, 1] and linalg.cross(ey, ex).tolist() == [0, 0, -1]


def test_small_ones():
    x = values((2, 3, 3), 0)
    check_against_torch("linalg.diagonal", x)
    check_against_torch("linalg.diagonal", x, offset=1, dim1=0, dim2=2)
    check_against_torch("linalg.vecdot", x, values((3,), 1))
    check_against_torch("linalg.vecdot", x, x, dim=0)
    check_against_torch("linalg.matmul", x, x)


@pytest.mark.parametrize("name", ["inverse", "det", "slogdet", "logdet", "cholesky", "pinverse"])
def test_aliases(name):
    check_against_torch(name, definite((3, 3)))
    check_against_torch(f"Tensor.{name}", definite((3, 3)))


def test_older_signatures():
    A = values((4, 3), 0)
    check_against_torch("cholesky", definite((3, 3)), upper=True)
    check_against_torch("qr", A)
    check_against_torch("Tensor.qr", A, some=False, grad=False)
    check_against_torch("matrix_power", A[:3], 2)
    check_against_torch("cross", A.T, A.T)
    check_against_torch("cross", A, A, dim=1)
    check_against_torch("cross", A[:2, :2], A[:2, :2])
    for some in (True, False):
        U, S, V = sn.svd(Tensor(A), some=some)
        assert np.allclose((U[:, :3] * S @ V.mT).array, A)
    check_against_torch("svd", A, compute_uv=False, grad=False)


def test_results_are_named():
    A = Tensor(definite((2, 2)))
    assert linalg.qr(A)._fields == ("Q", "R") and linalg.svd(A)._fields == ("U", "S", "Vh")
    assert linalg.eigh(A)._fields == ("eigenvalues", "eigenvectors")
    assert linalg.slogdet(A)._fields == ("sign", "logabsdet") and sn.svd(A)._fields == ("U", "S", "V")
