"""Eigenvalues, singular values, pseudo-inverses: vectors up to their signs."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor, linalg
from scratchnet.testing import check_against_torch, check_gradient, values
from tests.ops.linalg.matrices import RECTANGLES, SQUARES, check, definite, of_symmetric


def signless_eigh(module):
    def function(a):
        eigenvalues, v = module.eigh(a)
        return eigenvalues, v * v, v * eigenvalues.sqrt()[..., None, :] @ v.mT

    return function


@pytest.mark.parametrize("shape", SQUARES, ids=str)
def test_eigh(shape):
    A = definite(shape)
    check(of_symmetric(signless_eigh(linalg)), of_symmetric(signless_eigh(torch.linalg)), A)
    check(of_symmetric(linalg.eigvalsh), of_symmetric(torch.linalg.eigvalsh), A)
    check_against_torch(signless_eigh(linalg), A, torch_fn=signless_eigh(torch.linalg))  # not symmetrised
    w, V = linalg.eigh(Tensor(A))
    assert np.allclose((V * w[..., None, :] @ V.mT).array, A) and (np.diff(w.array, axis=-1) >= 0).all()


def test_eigh_reads_one_triangle():
    A = values((3, 3), 0)
    for triangle in "LU":
        check_against_torch("linalg.eigvalsh", A, triangle)


def test_equal_eigenvalues_and_singular_values():
    """What depends on them alone is differentiable where they are equal, and where they are 0."""
    check_gradient(of_symmetric(lambda a: (linalg.eigvalsh(a) ** 2).sum()), np.eye(3), order=1)
    check_gradient(of_symmetric(lambda a: (linalg.eigh(a).eigenvalues ** 2).sum()), np.eye(3), order=1)
    check_gradient(lambda a: (linalg.svdvals(a) ** 2).sum(), np.eye(3), order=1)
    check_gradient(lambda a: (linalg.svd(a).S ** 2).sum(), np.eye(3), order=1)
    check_gradient(lambda a: (linalg.svd(a, False).S ** 2).sum(), np.zeros((3, 2)), order=1)


def signless_svd(module, full=False):
    def function(a):
        u, s, vt = module.svd(a, full_matrices=full)
        k = s.shape[-1]
        u, vt = u[..., :k], vt[..., :k, :]
        return u * u, s, vt * vt, u @ vt

    return function


@pytest.mark.parametrize("shape", RECTANGLES, ids=str)
def test_svd(shape):
    A = values(shape, 4)
    for full in (False, True):
        check(signless_svd(linalg, full), signless_svd(torch.linalg, full), A)
        assert all(
            x.shape == y.shape
            for x, y in zip(linalg.svd(Tensor(A), full), torch.linalg.svd(torch.from_numpy(A), full), strict=True)
        )
    check(linalg.svdvals, torch.linalg.svdvals, A)
    U, S, Vh = linalg.svd(Tensor(A), full_matrices=False)
    assert np.allclose((U * S[..., None, :] @ Vh).array, A) and np.allclose((U.mT @ U).array, np.eye(min(shape[-2:])))


@pytest.mark.parametrize("shape", RECTANGLES, ids=str)
def test_pinv(shape):
    check(linalg.pinv, torch.linalg.pinv, values(shape, 5))


def test_pinv_of_deficient_matrices():
    a, b = values((4, 2), 0), values((2, 3), 1)
    product = a @ b
    check_against_torch("linalg.pinv", product, grad=False)
    check_against_torch("linalg.pinv", values((3, 3), 0), atol=1.5, grad=False)
    check_against_torch("linalg.pinv", values((3, 3), 0), rtol=0.5, grad=False)
    check_gradient(lambda a, b: linalg.pinv(a @ b), a, b)  # the rank stays 2
    check_against_torch("linalg.pinv", definite((3, 3)), hermitian=True)
    check_gradient(of_symmetric(lambda a: linalg.pinv(a, hermitian=True)), definite((3, 3)))


def test_matrix_rank():
    for A in (np.eye(3), np.ones((3, 3)), np.zeros((2, 3)), np.eye(3) * 1e-9, values((2, 3, 4), 0), np.zeros((0, 3))):
        check_against_torch("linalg.matrix_rank", A, grad=False)
    check_against_torch("linalg.matrix_rank", np.diag([1.0, 1e-3, 0.0]), atol=1e-2, grad=False)
    check_against_torch("linalg.matrix_rank", np.diag([1.0, -1.0, 0.0]), hermitian=True, grad=False)
