"""The opposite of gather: numbers written, added or combined at the places that an index names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, seeds, shapes, values
from tests.ops.expressions import agree

X, S = values((3, 4), 0), values((2, 4), 1)
K = np.array([[0, 1, 2, 0], [2, 1, 0, 0]])
REDUCTIONS = ["sum", "prod", "mean", "amax", "amin"]

OPERATIONS = [
    *("scatter(0, k[:1], s[:1])", "scatter(0, k[:, :2], s.detach())", "scatter(1, k[:, :3], s.detach())"),
    *("scatter(0, k, s.float())", "scatter(0, k + 1, s)", "scatter(0, k, 7)", "scatter(0, k, value=2.5)"),
    *("scatter(0, k[:1], src=s[:1])", "scatter(0, k.double(), s)", "scatter(0, k - 1, s)", "scatter(0, k[0], s)"),
    *("scatter(0, k, s[:1])", "scatter(2, k, s)", "scatter(0, k[:0], s[:0])", "scatter(1, k, 'a')"),
    *("scatter_add(0, k, s)", "scatter_add(1, k, s)", "scatter_add(-2, k[:, :3], s.detach())"),
    *("scatter_add(0, k, s[:1])", "scatter_add(0, k, s.float())", "scatter_add(0, k[:0], s.detach())"),
    *("scatter_add(dim=0, index=k, src=s)", "scatter_add(0, k + 1, s)", "scatter_add(0, k, 1.5)"),
    *[f"scatter_reduce(0, k, s, '{r}')" for r in REDUCTIONS],
    *[f"scatter_reduce(1, k, s, reduce='{r}', include_self=False)" for r in REDUCTIONS],
    *("scatter_reduce(0, k, s, 'add')", "scatter_reduce(0, k + 1, s, 'sum')"),
    *("scatter_reduce(0, k, s.float(), 'amax')",),
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS)
def test_against_torch(operation):
    agree(f"x.{operation}", x=X, s=S, k=K)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_in_place(operation):
    name, arguments = operation.split("(", 1)
    agree(f"y = x * 2; y.{name}_({arguments}; y = y * y", x=X, s=S, k=K)


@pytest.mark.parametrize(
    "code",
    [
        *("F.scatter(x.detach(), 0, k, 3, reduce='add')", "F.scatter(x.detach(), 1, k, 3, reduce='multiply')"),
        *("F.scatter(x.detach(), 0, k, s.detach(), reduce='multiply')", "F.scatter(x, 0, k, s, reduce='max')"),
        *("F.scatter(x.sum(), 0, k[0, :1], s[0, :1])", "F.scatter_add(x.sum(), 0, k[0, 0], s[0, 0])"),
        *("F.scatter(x[0], 0, k[0, 0], s[0, 0])",),
        *[f"x.int().scatter_reduce(0, k, (3 * s).int(), '{r}')" for r in REDUCTIONS],
        *[f"x.int().scatter_reduce(1, k, (3 * s).int(), '{r}', include_self=False)" for r in REDUCTIONS],
        *[f"x.bool().scatter_reduce(0, k, s > 0, '{r}')" for r in REDUCTIONS if r != "mean"],
        *[f"(x * 0 + 1).scatter_reduce(0, k, s * 0 + 1, '{r}')" for r in REDUCTIONS],  # ties share the gradient
        *[f"(x * np.nan).scatter_reduce(0, k, s, '{r}')" for r in ("amax", "amin")],
        *[f"(x * z).scatter_reduce(0, k, s * z[:2], 'prod', include_self={b})" for b in (True, False)],
    ],
)
def test_corners(code):
    zeros = np.array([[0.0, 1, 1, 1], [1, 0, 1, 0], [1, 1, 1, 1]])
    agree(code, x=X, s=S, k=K, z=zeros)


@given(shape=shapes(min_dims=1, max_dims=2, min_side=1), seed=seeds(), data=st.data())
def test_gradients(shape, seed, data):
    d = data.draw(axis(len(shape)))
    own = [data.draw(st.integers(1, n)) for n in shape]
    x, src = values(shape, seed, distinct=True), values([n + 1 for n in own], seed + 1, low=3, high=5, distinct=True)
    own[d] = data.draw(st.integers(1, own[d] + 1))
    index = np.random.default_rng(seed).integers(0, shape[d], own)
    distinct = np.argsort(np.random.default_rng(seed).random(shape), axis=d)[tuple(map(slice, np.minimum(own, shape)))]
    check_gradient(lambda x, s, i: x.scatter(d, i, s), x, src, distinct)
    check_gradient(lambda x, s, i: x.scatter_add(d, i, s), x, src, index)
    reduce, whole = data.draw(st.sampled_from(REDUCTIONS)), data.draw(st.booleans())
    check_gradient(lambda x, s, i: x.scatter_reduce(d, i, s, reduce, include_self=whole), x, src, index)


def test_by_hand():
    """Two numbers go to place 0 and one to place 2."""
    x = scratchnet.tensor([1.0, 2.0, 3.0], requires_grad=True)
    s = scratchnet.tensor([10.0, 20.0, 30.0], requires_grad=True)
    i = scratchnet.tensor([0, 0, 2])
    y = x.scatter_add(0, i, s)
    assert y.tolist() == [31, 2, 33]
    (y * scratchnet.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert (x.grad.tolist(), s.grad.tolist()) == ([1, 2, 3], [1, 1, 3])
    assert x.scatter_reduce(0, i, s, "mean").tolist() == pytest.approx([31 / 3, 2, 16.5])
    assert x.scatter_reduce(0, i, s, "mean", include_self=False).tolist() == [15, 2, 30]
    assert x.scatter(0, i[1:], 7.0).tolist() == [7, 2, 7]
