"""Several tensors made one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values
from tests.ops.expressions import agree

X, Y = values((2, 3), 0), values((4, 3), 1)


@pytest.mark.parametrize(
    "code",
    [
        *("F.cat([x, y])", "F.cat((x, x), 1)", "F.cat((x, x), dim=-1)", "F.concat([x, y])"),
        *("F.concatenate([x, x], axis=1)", "F.cat([x])", "F.cat([])", "F.cat(x)", "F.cat([x, 1])"),
        *("F.cat([x, y], 1)", "F.cat([x, y[0]])", "F.cat([x, x], 2)", "F.cat([x, x.sum()])"),
        *("F.cat([x, F.zeros(0)])", "F.cat([F.zeros(0), F.zeros(0)])", "F.cat([x, F.zeros(0)], 1)"),
        *("F.cat([x, x.int()])", "F.cat([x.float(), x])", "F.cat([x.bool(), x.int()])"),
        *("F.cat([x.byte(), x.char()])", "F.cat([x.float(), F.zeros(0, dtype=F.float64)])"),
        *("F.cat([x, x.detach(), x])", "F.cat([x, F.zeros(0, 3)])", "F.stack([x, x])"),
        *("F.stack((x, 2 * x), dim=-1)", "F.stack([x, x], 3)", "F.stack([x, y])", "F.stack([])"),
        *("F.stack([x.sum(), x.sum()])", "F.stack([x, x.int()])", "F.stack([x.half(), x.float()])"),
        *("F.stack([x], axis=1)", "F.hstack([x, x])", "F.hstack([x[0], y[0]])", "F.hstack([x.sum(), x[0]])"),
        *("F.hstack([x, x.sum()])", "F.hstack(x)", "F.vstack([x, y, x[0]])", "F.row_stack([x.sum(), x.sum()])"),
        *("F.dstack([x, x])", "F.dstack([x[0], y[0]])", "F.column_stack([x, x[:, 0]])"),
        *("F.column_stack([x[0], y[0]])", "F.vstack([x, F.zeros(2)])", "F.vstack([])", "F.atleast_1d(x.sum())"),
        *("F.atleast_2d(x[0], x.sum())", "F.atleast_3d([x, x[0], x.sum(), x[None]])"),
        *("F.meshgrid(x[0], y[:, 0], indexing='ij')", "F.meshgrid(x[0], y[:, 0], indexing='xy')", "F.meshgrid(x)"),
        *("F.meshgrid([x[0], x.sum(), y[0]], indexing='ij')", "F.meshgrid(x[0], indexing='ab')", "F.meshgrid()"),
        *("F.meshgrid(x[0], x[0].int(), indexing='ij')", "F.cartesian_prod(x[0], y[:, 0])"),
        *("F.cartesian_prod(x[0])", "F.block_diag(x, y)", "F.block_diag(x.sum(), x[0], y)", "F.block_diag(x[None])"),
        *("F.block_diag(x.int(), y)",),
    ],
)
def test_against_torch(code):
    agree(code, x=X, y=Y)


@given(
    shape=shapes(min_dims=1), sizes=st.lists(st.integers(0, 3), min_size=1, max_size=3), data=st.data(), seed=seeds()
)
def test_cat_gradient(shape, sizes, data, seed):
    d = data.draw(axis(len(shape))) % len(shape)
    arrays = [values((*shape[:d], n, *shape[d + 1 :]), seed + i) for i, n in enumerate(sizes)]
    check_gradient(lambda *tensors: scratchnet.cat(tensors, d), *arrays)


@given(shape=shapes(), count=st.integers(1, 3), data=st.data(), seed=seeds())
def test_stack_gradient(shape, count, data, seed):
    d = data.draw(axis(len(shape) + 1))
    check_gradient(lambda *tensors: scratchnet.stack(tensors, d), *[values(shape, seed + i) for i in range(count)])


def test_grid_gradients():
    x, y = X[0], Y[:, 0]
    check_gradient(lambda a, b: scratchnet.meshgrid(a, b, indexing="xy"), x, y)
    check_gradient(scratchnet.block_diag, X, Y)
    check_gradient(lambda a, b: scratchnet.dstack([a, b]), x, x)


def test_by_hand():
    a = scratchnet.tensor([1.0, 2.0], requires_grad=True)
    b = scratchnet.tensor([3.0], requires_grad=True)
    y = scratchnet.cat([a, b, a])
    assert y.tolist() == [1, 2, 3, 1, 2]
    (y * scratchnet.tensor([1.0, 10.0, 100.0, 1000.0, 10000.0])).sum().backward()
    assert a.grad.tolist() == [1001, 10010]
    assert b.grad.tolist() == [100]
    assert not np.shares_memory(scratchnet.cat([a]).array, a.array)
