"""Matrices to test linear algebra with, and the check that most of its functions pass."""

import numpy as np

from scratchnet.testing import check_against_torch, check_gradient, values

SQUARES = [(1, 1), (3, 3), (2, 3, 3), (0, 0), (0, 2, 2), (2, 0, 0)]
RECTANGLES = [(4, 3), (3, 3), (3, 5), (2, 4, 2), (1, 3), (0, 3), (3, 0)]


def regular(shape, seed=0):
    """Well-conditioned square matrices."""
    return values(shape, seed) + 3 * np.eye(shape[-1])


def definite(shape, seed=0):
    """Symmetric positive-definite ones, with distinct eigenvalues."""
    x = values(shape, seed)
    return x @ np.swapaxes(x, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1))


def of_symmetric(function):
    """As a function of any matrix: differences move one element at a time."""
    return lambda a: function((a + a.mT) / 2)


def check(ours, theirs, *inputs, **kwargs):
    """Against torch in float64 and float32, and with differences to second order."""
    check_against_torch(ours, *inputs, torch_fn=theirs)
    singles = [x.astype(np.float32) for x in inputs]
    check_against_torch(ours, *singles, torch_fn=theirs, rtol=2e-3, atol=2e-3)
    check_gradient(ours, *inputs, **kwargs)
