"""Norms of vectors and matrices."""

import numpy as np
import pytest
import torch

import scratchnet as sn
from scratchnet import linalg
from scratchnet.testing import check_against_torch, check_gradient, values
from tests.ops.linalg.matrices import check

ORDERS = ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("ord", ORDERS)
def test_matrix_norm(ord):
    A = values((2, 3, 4), 6, distinct=True)
    check(lambda a: linalg.matrix_norm(a, ord), lambda a: torch.linalg.matrix_norm(a, ord), A)
    check_against_torch("linalg.matrix_norm", A, ord, dim=(0, 2), keepdim=True)
    check_against_torch("linalg.matrix_norm", A, ord, dim=(2, 1))
    check_gradient(lambda a: linalg.matrix_norm(a, ord, dim=(2, 0)), A, order=1)
    for shape in [(2, 0), (0, 2), (0, 0), (3, 0, 2)]:
        check_against_torch("linalg.matrix_norm", np.zeros(shape), ord)


@pytest.mark.parametrize("ord", [0, 0.5, 1, 1.5, 2, 3, -1, np.inf, -np.inf])
def test_vector_norm(ord):
    x = values((2, 3, 2), 7, distinct=True)
    for dim in (None, 1, -1, (0, 2), ()):
        check_against_torch("linalg.vector_norm", x, ord, dim)
        check_against_torch("linalg.vector_norm", x.astype(np.float32), ord, dim, keepdim=True)
    check_against_torch("linalg.vector_norm", x.astype(np.float32), ord, dtype=sn.float64)
    for shape, dim in [((2, 0), None), ((2, 0), 0), ((2, 0), 1), ((), None)]:
        check_against_torch("linalg.vector_norm", np.ones(shape), ord, dim)
    if ord != 0:
        check_gradient(lambda x: linalg.vector_norm(x, ord, (0, 2)), x)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)], ids=str)
def test_norm_chooses(shape):
    A = values(shape, 8)
    for ord in (None, 1, 2, 3, "fro", "nuc", np.inf):
        for dim in (None, 0, (0,), (0, 1), (0, 1, 2)):
            check_against_torch("linalg.norm", A, ord, dim)
