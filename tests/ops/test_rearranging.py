"""Repeating and moving elements."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values
from tests.ops.expressions import agree

X, N = values((3, 4), 0), np.array([1, 2, 0])


@pytest.mark.parametrize(
    "code",
    [
        *("x.repeat(2, 3)", "x.repeat((2, 1, 1))", "x.repeat(1, 1)", "x.repeat(0, 2)", "x.repeat(2)"),
        *("x.repeat(-1, 2)", "x.repeat()", "x.sum().repeat(2, 2)", "x.repeat(repeats=(1, 2))", "x[:0].repeat(2, 2)"),
        *("x.t().repeat(1, 2)", "x.tile(2)", "x.tile((2, 1, 2))", "F.tile(x, (2, 2))", "F.tile(x, dims=(3,))"),
        *("x.tile(())", "x.sum().tile(2)", "x.repeat_interleave(2)", "x.repeat_interleave(2, 0)"),
        *("x.repeat_interleave(3, dim=-1)", "x.repeat_interleave(0, 1)", "x.repeat_interleave(n, 0)"),
        *("x.repeat_interleave(n)", "x.repeat_interleave(n, 1)", "x.repeat_interleave(n[:1], 0)"),
        *("x.repeat_interleave(n[1], 0)", "F.repeat_interleave(n)", "x.repeat_interleave(-n, 0)"),
        *("x.repeat_interleave(-1)", "x.repeat_interleave(n, 0, output_size=3)"),
        *("x.repeat_interleave(n, 0, output_size=4)", "x.repeat_interleave(1.5)"),
        *("x.repeat_interleave(n.double(), 0)", "x.repeat_interleave([1, 2, 0], 0)", "F.repeat_interleave(n.int())"),
        *("x.roll(1)", "x.roll(-5)", "x.roll(1, 0)", "x.roll((1, -2), (0, 1))", "x.roll((1, 1), (0, 0))"),
        *("x.roll(1, 2)", "x.roll((1, 2))", "x.roll((1, 2), (0,))", "x.sum().roll(1)", "x.sum().roll(1, 0)"),
        *("F.roll(x, shifts=7, dims=-1)", "x[:0].roll(2, 1)", "x.flip(0)", "x.flip((0, -1))", "x.flip(0, 1)"),
        *("x.flip()", "x.flip([])", "x.flip(2)", "x.flip(0, 0)", "F.flip(x, dims=(1,))", "x.sum().flip(0)"),
        *("x.fliplr()", "x[0].fliplr()", "x.flipud()", "x.sum().flipud()", "x.rot90()", "x.rot90(2)"),
        *("x.rot90(-1, (1, 0))", "x.rot90(4)", "F.rot90(x[None], k=1, dims=(0, 2))", "x.rot90(1, (0,))"),
        *("x.rot90(1, (0, 0))", "x[0].rot90()", "x.rot90(1, (0, 2))", "x.rot90(3)"),
    ],
)
def test_against_torch(code):
    agree(code, x=X, n=N)


@given(shape=shapes(max_dims=3), seed=seeds(), data=st.data())
def test_gradients(shape, seed, data):
    x, d = values(shape, seed), data.draw(axis(len(shape)))
    k = data.draw(st.integers(-3, 3))
    times = data.draw(st.lists(st.integers(0, 2), min_size=len(shape), max_size=len(shape) + 1))
    check_gradient(lambda t: t.repeat(*times) if times else t.tile(()), x)
    check_gradient(lambda t: t.flip(d), x)
    check_gradient(lambda t: t.roll(k), x)
    if shape:
        check_gradient(lambda t: t.roll((k, 1), (d, 0)), x)
        check_gradient(lambda t: t.repeat_interleave(2, d), x)


def test_more_gradients():
    check_gradient(lambda t, n: t.repeat_interleave(n, 0), X, N)
    for k in range(4):
        check_gradient(lambda t, k=k: t.rot90(k, (1, 0)), X)


@pytest.mark.parametrize(
    "move", [lambda x: x.repeat(1, 1), lambda x: x.flip(()), lambda x: x.flip(0), lambda x: x.rot90(4)]
)
def test_results_are_copies(move):
    x = scratchnet.tensor(X)
    y = move(x)
    assert not np.shares_memory(x.array, y.array)
    y.add_(1)


def test_by_hand():
    x = scratchnet.tensor([1.0, 2.0, 3.0], requires_grad=True)
    weights = scratchnet.tensor([1.0, 10.0, 100.0])
    assert x.roll(1).tolist() == [3, 1, 2]
    (x.roll(1) * weights).sum().backward()
    assert x.grad.tolist() == [10, 100, 1]
    assert x.repeat_interleave(scratchnet.tensor([2, 0, 1])).tolist() == [1, 1, 3]
    assert scratchnet.tensor([[1, 2], [3, 4]]).rot90().tolist() == [[2, 4], [1, 3]]
