"""Dimensions in another order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values
from tests.ops.expressions import agree

X = values((2, 3, 4), 0)


@pytest.mark.parametrize(
    "code",
    [
        *("x.transpose(0, 1)", "x.transpose(-1, 0)", "x.transpose(0, 3)", "F.transpose(x, dim0=1, dim1=1)"),
        *("x.transpose(0)", "x.swapaxes(0, 2)", "F.swapdims(x, 1, 2)", "x.sum().transpose(0, -1)"),
        *("x.sum().transpose(0, 1)", "x[0].t()", "x.t()", "x[0, 0].t()", "x.sum().t()", "F.t(x[0])", "x[0].T"),
        *("x.mT", "x[0, 0].mT", "x.mH", "x[0].H", "x.H", "x.adjoint()", "F.adjoint(x[0])", "x[0, 0].adjoint()"),
        *("x.transpose(1.5, 0)", "x.permute(2, 0, 1)", "x.permute((-1, 0, 1))", "F.permute(x, (1, 0, 2))"),
        *("F.permute(x, dims=(0, 1, 2))", "x.permute(0, 1)", "x.permute(0, 0, 1)", "x.permute(0, 1, 3)"),
        *("x.permute()", "x.sum().permute(())", "x.movedim(0, 2)", "x.movedim((0, 1), (2, 0))"),
        *("F.moveaxis(x, -1, 0)", "x.movedim((0, 1), (0,))", "x.movedim((0, 0), (0, 1))"),
        *("x.movedim((0, 1), (1, 1))", "x.movedim(0, 3)", "x.sum().movedim(0, 0)"),
    ],
)
def test_against_torch(code):
    agree(code, x=X)


@given(shape=shapes(), seed=seeds(), data=st.data())
def test_gradients(shape, seed, data):
    x = values(shape, seed)
    a, b = data.draw(axis(len(shape))), data.draw(axis(len(shape)))
    order = data.draw(st.permutations(range(len(shape))))
    check_gradient(lambda t: t.transpose(a, b), x)
    check_gradient(lambda t: t.permute(order).movedim(a, b), x)


@given(shape=shapes(min_dims=1), data=st.data())
def test_movedim_is_numpys(shape, data):
    n = len(shape)
    order, places = data.draw(st.permutations(range(n))), data.draw(st.permutations(range(n)))
    k = data.draw(st.integers(0, n))
    x = np.arange(np.prod(shape)).reshape(shape)
    y = scratchnet.tensor(x).movedim(tuple(order[:k]), tuple(places[:k]))
    np.testing.assert_array_equal(y.array, np.moveaxis(x, order[:k], places[:k]))


def test_fused_backward_is_backward():
    x = scratchnet.tensor(X, requires_grad=True)
    y = x.permute(2, 0, 1)
    g = values((4, 2, 3), 1)
    np.testing.assert_array_equal(y.grad_fn.fused_backward(g), y.grad_fn.backward(scratchnet.tensor(g)).array)


def test_by_hand():
    x = scratchnet.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    y = x.permute(1, 0)
    assert y.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert y.stride() == (1, 3)
    y[2].sum().backward()
    assert x.grad.tolist() == [[0, 0, 1], [0, 0, 1]]
    with scratchnet.no_grad():
        y[0, 1] = 9
    assert x[1, 0] == 9
