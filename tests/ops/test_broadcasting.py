"""Repeating without copying."""

import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, values
from tests.ops.expressions import agree

X = values((3, 1, 4), 0)


@pytest.mark.parametrize(
    "code",
    [
        *("x.expand(3, 2, 4)", "x.expand(5, 3, 2, 4)", "x.expand(-1, 2, -1)", "x.expand((2, 3, 1, -1))"),
        *("x.expand(0, 4)", "x.expand(3, 0, 4)", "x.expand(3, 2, 5)", "x.expand(-1, 3, 1, 4)", "x.expand(4)"),
        *("x.expand(3, -2, 4)", "x.expand()", "x.expand(size=(3, 3, 4))", "x.expand_as(F.zeros(3, 2, 4))"),
        *("x.broadcast_to((2, 3, 1, 4))", "x.sum().expand(2)", "F.broadcast_to(x, (3, 2, 4))"),
        *("F.broadcast_tensors(x, x[0], x[:1])", "F.broadcast_tensors(x, F.zeros(5))"),
        *("F.broadcast_shapes((2, 1), (3,))", "F.broadcast_shapes((2,), (3,))", "F.broadcast_shapes(2, (1, 2))"),
        *("F.broadcast_shapes((-1,), (3,))", "F.broadcast_shapes()", "F.broadcast_shapes((0,), (1,))"),
        *("x.sum_to_size(3, 1, 1)", "x.sum_to_size((1, 4))", "x.sum_to_size(4)", "x.sum_to_size(2, 3, 1, 4)"),
        *("x.sum_to_size(3)",),
        "y = x * 1; y.expand(3, 1, 4).mul_(2)",  # nothing is repeated: it may be written to
        "y = x * 1; y.expand(1, 3, 1, 4).mul_(2)",
        "y = x * 1; y.expand(3, 2, 4).mul_(2)",
    ],
)
def test_against_torch(code):
    agree(code, x=X)


@given(pair=broadcastable(2, max_dims=3), seed=seeds())
def test_gradient(pair, seed):
    small, other = pair
    whole = scratchnet.broadcast_shapes(small, other)
    check_gradient(lambda t: t.expand(whole), values(small, seed))


def test_by_hand():
    """Each of 2 elements appears 3 times: its gradient is the sum of 3."""
    x = scratchnet.tensor([1.0, 2.0], requires_grad=True)
    y = x.expand(3, 2)
    assert y.stride() == (0, 1)
    (y * scratchnet.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).sum().backward()
    assert x.grad.tolist() == [9, 12]
