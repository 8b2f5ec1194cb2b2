"""Numbers written where vectors of indices or masks say, as new tensors and in place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values
from tests.ops.expressions import agree

X, S = values((3, 4), 0), values((2, 4), 1)
I = np.array([2, 0])
M = X > 0

OPERATIONS = [
    *("index_add(0, i, s)", "index_add(0, i, s, alpha=3)", "index_add(1, i, x[:, :2] * 2)"),
    *("index_add(0, i - 3, s)", "index_add(0, i + 1, s)", "index_add(0, i[:1], s)", "index_add(0, i, s.float())"),
    *("index_add(0, i, s[:, :3])", "index_add(0, i - i, s)", "index_add(-2, i.int(), source=s)"),
    *("index_add(0, i.double(), s)", "index_add(2, i, s)", "index_add(0, i[None], s)", "index_add(0, i[:0], s[:0])"),
    *("index_add(0, i, 1)", "index_copy(0, i, 1)"),
    *("index_add(0, i[0], s[0])", "index_add(0, i[0], s[:1])", "index_copy(0, i, s)"),
    *("index_copy(1, i, x[:, :2] * 2)", "index_copy(0, i.int(), s)", "index_copy(0, i - 3, s)"),
    *("index_copy(0, i + 1, s)", "index_copy(0, i, s.float())", "index_copy(0, i, s[:1])"),
    *("index_copy(0, i, s[:, :3])", "index_copy(0, i, s[0])", "index_copy(dim=0, index=i, source=s)"),
    *("index_fill(0, i, 7)", "index_fill(-1, i, 2.5)", "index_fill(0, -i, 1)", "index_fill(0, i + 1, 1)"),
    *("index_fill(0, i.int(), 1)", "index_fill(0, i, s[0, 0])", "index_fill(0, i, s[0])", "index_fill(0, i, 'a')"),
    *("index_fill(0, i[0], True)", "index_put((i,), s)", "index_put((i, i), s[:, 0])"),
    *("index_put([i - i], s, accumulate=True)", "index_put((i,), s[0, 0])", "index_put((m,), s[0, 0])"),
    *("index_put((i,), s.float())", "index_put((None, i), s)", "index_put((i,), s[:, :3])"),
    *("index_put((i, i, i), s)", "index_put((i + 1,), s)", "index_put((i[0],), s[0])", "index_put((m, i), s)"),
    *("masked_fill(m, 7)", "masked_fill(m[0], -1.5)", "masked_fill(m, s[0, 0])", "masked_fill(m, s[0])"),
    *("masked_fill(i, 1)", "masked_fill(m[:2], 1)", "masked_fill(m, s[0, 0].float())"),
    *("masked_fill(F.tensor(True), 2)", "masked_fill(m, 'a')", "masked_fill(m.byte(), 1)"),
    *("masked_fill(m[None], 1)", "masked_fill(mask=m[:, :1], value=float('-inf'))", "masked_scatter(m, x * 2)"),
    *("masked_scatter(m[0], x)", "masked_scatter(m, s[0])", "masked_scatter(m, s.float())"),
    *("masked_scatter(m & ~m, s)", "masked_scatter(i, s)", "masked_scatter(m[:2], s)"),
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
def test_against_torch(operation):
    agree(f"x.{operation}", x=X, s=S, i=I, m=M)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_in_place(operation):
    name, arguments = operation.split("(", 1)
    agree(f"y = x * 2; y.{name}_({arguments}; y = y * y", x=X, s=S, i=I, m=M)


@pytest.mark.parametrize(
    "code",
    [
        *("F.index_add(x.sum(), 0, i[1:], s[0, :1])", "F.index_copy(x.sum(), 0, i[1], s[0, 0])"),
        *("F.index_copy(x.sum(), 0, i[1:], s[0, :1])", "F.index_fill(x.sum(), 0, i[1:], 3)"),
        *("F.masked_fill(x.sum(), F.tensor(True), 3)", "F.masked_fill(x[0], m, 3)"),
        *("F.masked_scatter(x.sum(), F.tensor(True), s)", "F.masked_scatter(x[0], m, x)"),
        *("F.masked_fill(x.int(), m, 2.7)", "F.index_fill(x.int(), 0, i, 2.7)", "x.masked_fill_(m, 1)"),
        *("F.masked_fill(x.bool(), m, 3)", "x[0].index_add(0, i + 3, s[0, :2])", "x.index_fill(0, i - i, s[0, 0])"),
        *("(x * 1)[0].masked_fill_(m, 1)", "F.index_put(x, indices=(i,), values=s)"),
    ],
)
def test_corners(code):
    agree(code, x=X, s=S, i=I, m=M)


@given(shape=shapes(min_dims=1, max_dims=3, min_side=1), n=st.integers(0, 4), seed=seeds(), data=st.data())
def test_gradients(shape, n, seed, data):
    d = data.draw(axis(len(shape))) % len(shape)
    x, source = values(shape, seed), values((*shape[:d], n, *shape[d + 1 :]), seed + 1)
    repeated = np.random.default_rng(seed).integers(0, shape[d], n)
    distinct = np.random.default_rng(seed).permutation(shape[d])[:n]
    part = source[(slice(None),) * d + (slice(len(distinct)),)]
    check_gradient(lambda x, s, i: x.index_add(d, i, s, alpha=2), x, source, repeated)
    check_gradient(lambda x, s, i: x.index_copy(d, i, s), x, part, distinct)
    check_gradient(lambda x, v, i: x.index_fill(d, i, v), x, np.array(1.5), repeated)


@given(shape=shapes(max_dims=3, min_side=1), seed=seeds())
def test_mask_gradients(shape, seed):
    x, mask = values(shape, seed), np.asarray(values(shape, seed + 1) > 0)
    check_gradient(lambda x, v, m: x.masked_fill(m, v), x, np.array(1.5), mask)
    check_gradient(lambda x, s, m: x.masked_scatter(m, s), x, values((x.size + 1,), seed), mask)


def test_by_hand():
    x = scratchnet.tensor([1.0, 2.0, 3.0], requires_grad=True)
    s = scratchnet.tensor([10.0, 20.0], requires_grad=True)
    y = x.index_add(0, scratchnet.tensor([1, 1]), s)
    assert y.tolist() == [1, 32, 3]
    (y * scratchnet.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert (x.grad.tolist(), s.grad.tolist()) == ([1, 2, 3], [2, 2])
    z = x.masked_fill(x > 1.5, 0)
    z.sum().backward()
    assert x.grad.tolist() == [2, 2, 3]
