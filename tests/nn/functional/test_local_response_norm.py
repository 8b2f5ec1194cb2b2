"""Local response norm: gradients to second order, kernel against definition, torch, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

sizes = st.integers(1, 5)


@given(shapes(3, 5, min_side=1, max_side=3), seeds(), sizes, st.sampled_from([0.75, 1.0, 2.0]))
def test_gradients(fused_equals_composed, shape, seed, size, beta):
    def norm(x):
        return F.local_response_norm(x, size, alpha=0.5, beta=beta, k=0.7)

    check_gradient(norm, values(shape, seed))
    fused_equals_composed(norm, values(shape, seed), rtol=1e-7, atol=1e-9)


@given(shapes(3, 5), seeds(), sizes, st.sampled_from([np.float32, np.float64]))
def test_against_torch(shape, seed, size, dtype):
    x = values(shape, seed, dtype=dtype)
    check_against_torch("nn.functional.local_response_norm", x, size)
    check_against_torch("nn.functional.local_response_norm", x, size, alpha=0.5, beta=0.5, k=2)


def test_an_example_by_hand():
    """Of the squares 1, 4, 4 the windows of three channels sum to 5, 9, 8; divided by 3, plus 1: 8/3, 4, 11/3."""
    x = Tensor(np.array([[[1.0], [2.0], [2.0]]]))
    y = F.local_response_norm(x, 3, alpha=1.0, beta=1.0)
    np.testing.assert_allclose(y.array[0, :, 0], [3 / 8, 1 / 2, 6 / 11])


@pytest.mark.parametrize("args", [(np.ones((2, 3)), 3), (np.ones((2, 3, 4)), 0), (np.ones(3), 1)])
def test_refusals_are_those_of_torch(args):
    check_against_torch("nn.functional.local_response_norm", *args)


@pytest.mark.parametrize("text", ["LocalResponseNorm(2)", "LocalResponseNorm(3, alpha=0.1, beta=0.5, k=2.0)"])
def test_layer(check_module, text):
    check_module(text, values((2, 4, 3, 2), 0))
