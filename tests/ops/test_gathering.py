"""Elements picked by index tensors and masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, broadcastable, seeds, shapes, values
from tests.ops.expressions import agree

X = values((3, 4), 0)
I, K = np.array([2, 0, 0]), np.array([[0, 1, 3], [2, 2, 0]])
M = X > 0


@pytest.mark.parametrize(
    "code",
    [
        *("x.gather(1, k)", "x.gather(-1, k)", "F.gather(x, 0, k[:, :2].clamp(max=2))", "x.gather(0, k)"),
        *("x.gather(2, k)", "x.gather(1, -k)", "x.gather(1, k + 4)", "x.gather(1, k.int())"),
        *("x.gather(1, k.double())", "x.gather(1, i)", "x[0].gather(0, i)", "x[0].gather(0, i[0])"),
        *("x.sum().gather(0, i - i)", "x.sum().gather(0, i[1])", "x.gather(1, k[:0])"),
        *("x.gather(0, F.tensor([], dtype=F.int64))", "F.gather(x, dim=1, index=k)", "x.int().gather(1, k)"),
        *("x.gather(1, 0)", "x.index_select(0, i)", "x.index_select(-1, i)"),
        *("F.index_select(x, dim=1, index=i.int())", "x.index_select(0, i - 1)", "x.index_select(0, i + 1)"),
        *("x.index_select(0, k)", "x.index_select(0, i[0])", "x.index_select(0, i.double())"),
        *("x.sum().index_select(0, i[1:2])", "x.sum().index_select(0, i[1:])", "x.index_select(2, i)"),
        *("x.index_select(0, i[:0])", "x.take(k)", "x.take(-k)", "x.take(i[0])", "x.take(k + 10)"),
        *("x.take(k.int())", "x[:0].take(k)", "F.take(x, i)", "x.take_along_dim(k, 1)", "x.take_along_dim(k)"),
        *("x.take_along_dim(i, 1)", "x.take_along_dim(k[:, :1], 1)"),
        *("x.take_along_dim(x.argmax(1, keepdim=True), 1)", "x.take_along_dim(x.argsort(0), dim=0)"),
        *("x[:1].take_along_dim(-k, 1)", "x.take_along_dim(k, 2)", "x.take_along_dim(k + 4, 1)"),
        *("x.take_along_dim(i)", "F.take_along_dim(x, i[:, None], 0)", "x.masked_select(m)"),
        *("x.masked_select(m[0])", "x[0].masked_select(m)", "x.masked_select(x > 9)", "x.masked_select(i)"),
        *("x.masked_select(m[:2])", "F.masked_select(x, F.tensor(True))", "x.sum().masked_select(m)"),
        *("x.sum().masked_select(F.tensor(False))", "x.nonzero()", "m.nonzero()", "F.nonzero(i)"),
        *("F.nonzero(i, as_tuple=True)", "m.nonzero(as_tuple=True)", "i[1].nonzero()", "x.sum().nonzero()"),
        *("i[0].nonzero(as_tuple=True)", "x[:0].nonzero()", "F.argwhere(m)", "i.argwhere()"),
        *("x[x.nonzero(as_tuple=True)]",),
    ],
)
def test_against_torch(code):
    agree(code, x=X, i=I, k=K, m=M)


@pytest.mark.parametrize(
    "code",
    [
        *("one_hot(i)", "one_hot(k, 5)", "one_hot(i, 2)", "one_hot(-i)", "one_hot(i.double())"),
        *("one_hot(i.int(), 3)", "one_hot(i[0], 3)", "one_hot(i[1])", "one_hot(i[:0])", "one_hot(i[:0], 3)"),
        *("one_hot(i, num_classes=3)", "one_hot(i, 0)"),
    ],
)
def test_one_hot(code):
    agree(f"one_hot = F.nn.functional.one_hot; y = {code}", i=I, k=K)


@given(shape=shapes(min_dims=1, max_dims=3, min_side=1), seed=seeds(), data=st.data())
def test_gradients(shape, seed, data):
    x, rng = values(shape, seed), np.random.default_rng(seed)
    d = data.draw(axis(len(shape)))
    smaller = [data.draw(st.integers(1, n)) for n in shape]
    smaller[d] = data.draw(st.integers(0, 5))
    check_gradient(lambda t, i: t.gather(d, i), x, rng.integers(0, shape[d], smaller))
    check_gradient(lambda t, i: t.index_select(d, i), x, rng.integers(0, shape[d], 3))
    check_gradient(lambda t, i: t.take(i), x, rng.integers(-x.size, x.size, (2, 3)))
    agree(f"x.gather({d}, i)", x=x, i=rng.integers(0, shape[d], smaller))


@given(pair=broadcastable(2, max_dims=3, min_side=1), seed=seeds())
def test_mask_gradient(pair, seed):
    mask = np.asarray(values(pair[1], seed, away_from=()) > 0)
    check_gradient(lambda t, m: t.masked_select(m), values(pair[0], seed), mask)


@given(shape=shapes(min_dims=1, max_dims=3, min_side=1), seed=seeds(), data=st.data())
def test_take_along_dim_gradient(shape, seed, data):
    d = data.draw(axis(len(shape)))
    other = [data.draw(st.sampled_from([1, n])) for n in shape]
    check_gradient(lambda t: t.take_along_dim(t.argsort(d), d), values(shape, seed, distinct=True))
    index = np.random.default_rng(seed).integers(0, shape[d], other)
    check_gradient(lambda t, i: t.take_along_dim(i, d), values(shape, seed), index)


def test_by_hand():
    """One number of each row: the scores of the true classes, as a loss picks them."""
    scores = scratchnet.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    labels = scratchnet.tensor([2, 0])
    y = scores.gather(1, labels[:, None])
    assert y.tolist() == [[3], [4]]
    (y * scratchnet.tensor([[10.0], [100.0]])).sum().backward()
    assert scores.grad.tolist() == [[0, 0, 10], [100, 0, 0]]
    assert scratchnet.one_hot(labels).tolist() == [[0, 0, 1], [1, 0, 0]]
