"""Cholesky and QR."""

from functools import partial

import numpy as np
import pytest

from scratchnet import Tensor, linalg
from scratchnet.testing import check_against_torch, check_gradient, values
from tests.ops.linalg.matrices import RECTANGLES, SQUARES, definite, of_symmetric


@pytest.mark.parametrize("shape", SQUARES, ids=str)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(shape, upper):
    A = definite(shape)
    check_against_torch("linalg.cholesky", A, upper=upper)
    check_gradient(of_symmetric(lambda a: linalg.cholesky(a, upper=upper)), A)
    L = linalg.cholesky(Tensor(A), upper=upper).array
    product = np.swapaxes(L, -1, -2) @ L if upper else L @ np.swapaxes(L, -1, -2)
    assert np.allclose(product, A) and np.array_equal(L, np.triu(L) if upper else np.tril(L))


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_reads_one_triangle(upper):
    A = definite((3, 3))
    half = np.triu(A) if upper else np.tril(A)
    assert np.allclose(linalg.cholesky(Tensor(half), upper=upper).array, linalg.cholesky(Tensor(A), upper=upper).array)


@pytest.mark.parametrize("shape", RECTANGLES, ids=str)
def test_qr(shape):
    A = values(shape, 3)
    for mode in ("reduced", "complete", "r"):
        check_against_torch("linalg.qr", A, mode, grad=False)
        if mode == "reduced" or (mode == "complete" and shape[-2] <= shape[-1]):
            check_against_torch("linalg.qr", A, mode)
            check_gradient(partial(linalg.qr, mode=mode), A)
    Q, R = linalg.qr(Tensor(A))
    assert np.allclose((Q @ R).array, A) and np.allclose((Q.mT @ Q).array, np.eye(min(shape[-2:])))
    assert np.array_equal(R.array, np.triu(R.array))


def test_qr_without_gradient():
    A = Tensor(values((4, 3), 0), True)
    for mode in ("complete", "r"):
        with pytest.raises(RuntimeError, match="mode='reduced'"):
            linalg.qr(A, mode).R.sum().backward()
