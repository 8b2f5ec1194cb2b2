"""Reshaping: what shapes are allowed, when it is a view, and gradients through it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values
from tests.ops.expressions import agree

X = values((3, 4), 0)


@pytest.mark.parametrize(
    "code",
    [
        *("x.reshape(4, 3)", "F.reshape(x, (2, -1))", "F.reshape(x, shape=(12,))", "x.reshape([-1, 6])"),
        *("x.view(4, 3)", "x.view(size=(2, 6))", "x.view((12, 1))", "x.t().reshape(2, 6)", "x.view(-1)"),
        *("x.t().view(12)", "x.t().view(4, 3, 1)", "x[:, ::2].view(6)", "x[:, ::2].view(3, 2, 1)"),
        *("x.expand(2, 3, 4).view(6, 4)", "x.expand(2, 3, 4).view(2, 12)", "x.view(3, 2, 2).view(3, 4)"),
        *("x.reshape(5, -1)", "x.reshape(-1, -1)", "x.reshape(-2, 6)", "x.reshape()", "x.view()", "x.reshape(3, 5)"),
        *("x.reshape(2.0, 6)", "x[:0].reshape(0, -1)", "x[:0].reshape(-1, 4)", "x[:0].view(0, 7)"),
        *("x.view_as(F.zeros(6, 2))", "x.reshape_as(F.zeros(6, 2))", "x.view(shape=(12,))", "x[:1, :1].reshape(())"),
        *("x[:1, :1].view([])", "x.view(F.int64)", "x.float().view(F.int32)", "x.flatten()"),
        *("x.view(3, 2, 2).flatten(1)", "x.view(3, 2, 2).flatten(0, 1)", "x.flatten(1, 0)"),
        *("x.flatten(start_dim=-1)", "x.flatten(2)", "x.sum().flatten()", "F.flatten(x, end_dim=-2)", "x.ravel()"),
        *("x.unflatten(1, (2, 2))", "x.unflatten(-1, (2, -1))", "x.unflatten(1, (3, 2))", "x.unflatten(1, ())"),
        *("x.sum().unflatten(0, (1,))", "F.unflatten(x, dim=0, sizes=(3, 1))", "x.unflatten(5, (1,))"),
        *("x[None].squeeze()", "x[:1, None].squeeze(1)", "x[:1, None].squeeze((0, 1))", "x.squeeze(0)"),
        *("x.squeeze(2)", "x[:1].squeeze((0, 0))", "x.sum().squeeze(0)", "x.sum().squeeze(1)"),
        *("F.squeeze(x[:1, :1], dim=-1)", "x.unsqueeze(0)", "x.unsqueeze(-1)", "x.unsqueeze(2)", "x.unsqueeze(3)"),
        *("x.unsqueeze(-4)", "x.sum().unsqueeze(0)", "F.unsqueeze(x, axis=1)", "F.squeeze(x[None], axis=0)"),
    ],
)
def test_against_torch(code):
    agree(code, x=X)


@given(shape=shapes(min_side=1), seed=seeds(), data=st.data())
def test_gradients(shape, seed, data):
    x = values(shape, seed)
    size, d = x.size, data.draw(axis(len(shape) + 1))
    factor = data.draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    check_gradient(lambda t: t.reshape(factor, -1), x)
    check_gradient(lambda t: t.unsqueeze(d).squeeze(d).flatten(), x)


@given(shape=shapes(), data=st.data(), seed=seeds())
def test_views_are_torchs(shape, data, seed):
    """`view` copies nothing and refuses where torch refuses, whatever the layout of its input."""
    order = data.draw(st.permutations(range(len(shape))))
    steps = [data.draw(st.integers(1, 2)) for _ in shape]
    cut = tuple(len(range(0, shape[d], s)) for d, s in zip(order, steps))
    size = int(np.prod(cut))
    target = data.draw(st.sampled_from([(size,), (*cut, 1), (1, size), cut, *_merged(cut)]))
    slices = "".join(f"[{':, ' * i}::{s}]" for i, s in enumerate(steps))
    agree(f"x.permute({tuple(order)}){slices}.view({target})", x=values(shape, seed))


def _merged(shape):
    """The shape with two neighbouring dimensions made one, in all ways."""
    return [(*shape[:i], shape[i] * shape[i + 1], *shape[i + 2 :]) for i in range(len(shape) - 1)]


def test_views_share_memory_and_history():
    x = scratchnet.zeros(2, 3)
    for y in (x.reshape(6), x.view(3, 2), x.unsqueeze(1), x[None].squeeze(0), x.flatten(), x.unflatten(1, (3, 1))):
        y.add_(1)
        assert y._base is x
    assert (x.array == 6).all()
    assert not np.shares_memory(x.t().reshape(6).array, x.array)
    y = x.view(scratchnet.int32)
    y.zero_()
    assert (x.array == 0).all()
    assert y._version == x._version


def test_by_hand():
    """y = x.reshape(3, 2), y[2, 0] = x[1, 1]: the gradient 7 put there arrives there."""
    x = scratchnet.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    y = x.reshape(3, 2)
    assert y.tolist() == [[1, 2], [3, 4], [5, 6]]
    (7 * y[2, 0]).backward()
    assert x.grad.tolist() == [[0, 0, 0], [0, 7, 0]]
