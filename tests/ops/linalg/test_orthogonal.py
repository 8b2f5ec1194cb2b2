"""Exponentials of matrices and products of reflections: gradients, torch's numbers, by hand, refusals."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor, linalg
from scratchnet.testing import check_gradient, values


@pytest.mark.parametrize("scale", [0.0, 0.1, 1.0, 20.0])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2, 2), (1, 1), (0, 0)])
def test_matrix_exp(shape, scale):
    a = values(shape, 0) * scale
    expected = torch.linalg.matrix_exp(torch.from_numpy(a)).numpy()
    largest = np.abs(expected).max(initial=1)
    np.testing.assert_allclose(linalg.matrix_exp(Tensor(a)).array, expected, rtol=1e-9, atol=1e-12 * largest)
    if 0 < scale <= 1 and a.size:
        check_gradient(linalg.matrix_exp, a)


def test_a_rotation():
    """exp of [[0, −θ], [θ, 0]] turns by θ."""
    t = np.pi / 3
    turned = linalg.matrix_exp(Tensor(np.array([[0, -t], [t, 0]], np.float32)))
    np.testing.assert_allclose(turned.array, [[0.5, -(0.75**0.5)], [0.75**0.5, 0.5]], rtol=1e-6)


@pytest.mark.parametrize("shape, taus", [((4, 2), 2), ((3, 3), 2), ((2, 3, 2), 2)])
def test_householder_product(shape, taus):
    a, tau = values(shape, 0), values((*shape[:-2], taus), 1)
    expected = torch.linalg.householder_product(torch.from_numpy(a), torch.from_numpy(tau)).numpy()
    np.testing.assert_allclose(linalg.householder_product(Tensor(a), Tensor(tau)).array, expected, rtol=1e-9, atol=1e-12)
    check_gradient(linalg.householder_product, a, tau)


def test_refusals():
    with pytest.raises(RuntimeError, match="matrix_exp"):
        linalg.matrix_exp(Tensor(np.ones((2, 3))))
    for shape, taus in (((2, 3), 1), ((3, 2), 3)):
        with pytest.raises(RuntimeError, match="n >= k >= m"):
            linalg.householder_product(Tensor(np.ones(shape)), Tensor(np.ones(taus)))
