"""Sliding windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values
from tests.ops.expressions import agree

X = values((3, 7), 0)


@pytest.mark.parametrize(
    "code",
    [
        *("x.unfold(1, 3, 2)", "x.unfold(-1, 2, 1)", "x.unfold(0, 3, 1)", "x.unfold(1, 7, 9)", "x.unfold(1, 0, 2)"),
        *("x.unfold(1, 8, 1)", "x.unfold(0, 2, 0)", "x.unfold(0, -2, 1)", "x.unfold(2, 1, 1)"),
        *("x.sum().unfold(0, 1, 1)", "x.sum().unfold(0, 0, 1)", "x.sum().unfold(0, 2, 1)"),
        *("x.unfold(dimension=1, size=2, step=2)", "x.unfold(0, 2, 1).unfold(1, 2, 3)"),
        *("y = x * 1; y.unfold(1, 2, 3).mul_(2); y = y * y", "x.t().unfold(0, 2, 2)"),
    ],
)
def test_against_torch(code):
    agree(code, x=X)


@given(
    shape=shapes(min_dims=1, max_dims=3, min_side=1, max_side=6), seed=seeds(), step=st.integers(1, 4), data=st.data()
)
def test_gradient(shape, seed, step, data):
    d = data.draw(axis(len(shape)))
    size = data.draw(st.integers(1, shape[d]))
    check_gradient(lambda t: t.unfold(d, size, step), values(shape, seed))


def test_overlapping_windows_are_not_written_to():
    """Torch writes, and what an element then holds depends on the order in which its windows are visited."""
    x = scratchnet.zeros(4)
    with pytest.raises(RuntimeError, match="more than one element"):
        x.unfold(0, 2, 1).add_(1)
    x.unfold(0, 2, 2).add_(1)
    assert x.tolist() == [1, 1, 1, 1]


def test_by_hand():
    """Windows of 3, 1 apart, of 4 numbers: the inner two lie in both."""
    x = scratchnet.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = x.unfold(0, 3, 1)
    assert y.tolist() == [[1, 2, 3], [2, 3, 4]]
    assert np.shares_memory(y.array, x.array)
    (y * scratchnet.tensor([[1.0], [10.0]])).sum().backward()
    assert x.grad.tolist() == [1, 11, 11, 10]
