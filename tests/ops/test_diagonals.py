"""Diagonals, and triangles beside them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import seeds, shapes, values
from tests.ops.expressions import agree

X = values((3, 4), 0)


@pytest.mark.parametrize(
    "code",
    [
        *("x.tril()", "x.tril(1)", "x.triu(diagonal=-1)", "F.triu(x, 9)", "x[0].tril()", "x.tril(1.5)"),
        *("x[None].triu(1)", "x.bool().tril()", "x.int().triu(1)", "y = x * 2; y.tril_(); y = y * x"),
        *("y = x * 2; y.triu_(1)", "x.tril_()", "x.diagonal()", "x.diagonal(1)", "x.diagonal(-5)"),
        *("x.diagonal(0, 1, 0)", "x[None].diagonal(dim1=-1, dim2=0)", "F.diagonal(x, offset=2)"),
        *("x.diagonal(0, 0, 0)", "x[0].diagonal()", "x.diagonal(0, 0, 2)", "x[:0].diagonal()"),
        *("y = x * 2; y.diagonal(1).mul_(3); y = y * y", "y = x * 2; y.diagonal()[1:] = 5", "F.diag(x)"),
        *("F.diag(x, 1)", "F.diag(x[0])", "F.diag(x[0], diagonal=-2)", "F.diag(x[None])", "F.diag(x.sum())"),
        *("F.diag_embed(x)", "F.diag_embed(x, 1)", "F.diag_embed(x, -1, 0, 1)", "F.diag_embed(x, dim1=-1, dim2=0)"),
        *("F.diag_embed(x, 0, 0, 0)", "F.diag_embed(x, 0, 0, 5)", "F.diag_embed(x.sum())", "x[:0].diag_embed()"),
        *("y = x * 2; y.fill_diagonal_(3); y = y * x", "y = x[:, :3].expand(3, 3, 3) * 1; y.fill_diagonal_(2.5)"),
        *("y = x * 2; y.fill_diagonal_(3, wrap=True)", "y = x[0] * 2; y.fill_diagonal_(3)"),
        *("y = x[None] * 1; y.fill_diagonal_(1)", "F.diagflat(x)", "F.diagflat(x[0], offset=1)"),
        *("F.diagflat(x.sum())", "x.diag()"),
    ],
)
def test_against_torch(code):
    agree(code, x=X)


@given(shape=shapes(min_dims=2), offset=st.integers(-2, 2), seed=seeds(), data=st.data())
def test_gradients(shape, offset, seed, data):
    x = values(shape, seed)
    a, b = data.draw(st.permutations(range(len(shape))))[:2]
    check_gradient(lambda t: t.diagonal(offset, a, b - len(shape)), x)
    check_gradient(lambda t: t.diag_embed(offset, a, b), values(shape[1:], seed))
    check_gradient(lambda t: t.tril(offset), x)
    check_gradient(lambda t: t.triu(offset), x)


def test_diag_copies():
    x = scratchnet.zeros(2, 2)
    x.diag().fill_(1)
    assert x.sum() == 0
    x.diagonal().fill_(1)
    assert x.tolist() == [[1, 0], [0, 1]]


def test_by_hand():
    x = scratchnet.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    assert x.diagonal(1).tolist() == [2, 6]
    assert x.tril().tolist() == [[1, 0, 0], [4, 5, 0]]
    (x.diagonal(1) * scratchnet.tensor([10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [[0, 10, 0], [0, 0, 100]]
    assert scratchnet.tensor([1, 2]).diag(-1).tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
