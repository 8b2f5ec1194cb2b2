"""Inverses, systems, determinants: also of singular matrices."""

import numpy as np
import pytest
import torch

import scratchnet as sn
from scratchnet import Tensor, linalg
from scratchnet.testing import check_against_torch, check_gradient, values
from tests.ops.linalg.matrices import SQUARES, check, definite, regular


@pytest.mark.parametrize("shape", SQUARES, ids=str)
@pytest.mark.parametrize("name", ["inv", "det", "slogdet"])
def test_of_square_matrices(name, shape):
    check(getattr(linalg, name), getattr(torch.linalg, name), regular(shape))


@pytest.mark.parametrize(
    "a, b",
    [
        ((3, 3), (3,)), ((3, 3), (3, 2)), ((3, 3), (2, 3, 4)), ((2, 3, 3), (2, 3)), ((2, 3, 3), (3,)),
        ((2, 3, 3), (3, 2)), ((2, 1, 3, 3), (4, 3, 2)), ((0, 0), (0,)), ((2, 2, 2), (2, 2)),
    ],
    ids=str,
)  # fmt: skip
def test_solve(a, b):
    A, B = regular(a), values(b, 1)
    check(linalg.solve, torch.linalg.solve, A, B)
    right = np.swapaxes(B, -1, -2) if len(b) > 1 else B
    if len(b) > 1 and a[:-1] not in (b, right.shape):
        check_against_torch("linalg.solve", A, right, left=False)
        check_gradient(lambda A, B: linalg.solve(A, B, left=False), A, right)


SINGULAR = {
    "rank 2 of 3": np.arange(9.0).reshape(3, 3),
    "rank 1 of 2": np.array([[1.0, 2.0], [2.0, 4.0]]),
    "rank 1 of 3": np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]),
    "zero": np.zeros((3, 3)),
    "number": np.zeros((1, 1)),
    "one of a batch": np.stack([np.eye(2), np.ones((2, 2))]),
}


@pytest.mark.parametrize("case", SINGULAR)
def test_det_of_singular_matrices(case):
    """det is a polynomial: it has derivatives where A has no inverse."""
    check_gradient(linalg.det, SINGULAR[case])


def test_third_derivative_of_a_singular_det_is_refused():
    x = Tensor(np.ones((2, 2)), True)
    (g,) = sn.autograd.grad(linalg.det(x), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="third derivative"):
        sn.autograd.grad(g.sum(), x, create_graph=True)


def test_logdet():
    check(sn.logdet, torch.logdet, definite((2, 3, 3)))
    check_against_torch("logdet", np.diag([1.0, -2.0]), grad=False)  # NaN
    check_against_torch("logdet", np.zeros((2, 2)), grad=False)  # −∞


def test_by_hand():
    """A = [[2, 1], [1, 3]]: det A = 5, the cofactors are [[3, −1], [−1, 2]], and A (1, 2) = (4, 7)."""
    A = Tensor(np.array([[2.0, 1.0], [1.0, 3.0]]), True)
    y = linalg.det(A)
    y.backward()
    cofactors = np.array([[3.0, -1.0], [-1.0, 2.0]])
    assert np.isclose(y.item(), 5) and np.allclose(A.grad.array, cofactors)
    assert np.allclose(linalg.inv(A).array, cofactors / 5)
    assert np.allclose(linalg.solve(A, Tensor(np.array([4.0, 7.0]))).array, [1, 2])
