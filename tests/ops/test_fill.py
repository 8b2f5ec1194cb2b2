"""In-place operations that forget the old numbers, and the histories they leave."""

import numpy as np
import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, values
from tests.ops.expressions import agree

X, V = values((3, 4), 0), values((4,), 1)


@pytest.mark.parametrize(
    "code",
    [
        *("y = x * 2; y.zero_(); y = y + x", "y = x * 2; y.fill_(3)", "y = x * 2; y.fill_(v[0]); y = y * x"),
        *("y = x * 2; y.fill_(v)", "y = x * 2; y.fill_('a')", "y = x * 2; y.fill_(True)"),
        *("y = (x * 2).int(); y.fill_(2.7)", "y = x * 2; y.fill_(F.tensor(2))", "y = x * 2; y.copy_(v); y = y * x"),
        *("y = x * 2; y.copy_(x * 3)", "y = x * 2; y.copy_(v[:3])", "y = x * 2; y.copy_(3)"),
        *("y = x * 2; y.copy_(v.float())", "y = x.float(); y.copy_(v); y = y * y", "y = x.int(); y.copy_(v)"),
        *("y = v * 2; y.copy_(x)", "y = F.zeros(3, 4); y.copy_(x); y = y * y"),
        *("y = F.zeros(3, 4, dtype=F.float64); y[1:].copy_(x[1:]); y = y * y", "y = x * 2; y[0].zero_(); y = y * y"),
        *("y = x * 2; y[:, 1].copy_(v[:3]); y = y * y", "y = x * 2; y.t()[0].fill_(v[1]); y = y * y"),
        *("y = x * 2; z = y[0]; y.zero_(); y = z * v", "x.zero_()", "x[0].fill_(1)", "x.copy_(x)"),
        *("y = F.zero_(x * 2)", "y = F.fill(x, 3)", "y = F.fill_(x * 2, 3)", "F.fill(x, v[0])"),
        *("y = (x * 2).detach_(); y = y * x", "y = x.detach(); y.zero_(); y = x * 1", "y = x * 2; y[0].detach_()"),
        *("y = x * 2; y.detach_(); y.add_(x)", "y = x.expand(2, 3, 4).zero_()"),
        *("y = x * 2; y.data.zero_(); y = y * x",),
    ],
)
def test_against_torch(code):
    agree(code, x=X, v=V)


@given(pair=broadcastable(2, max_dims=3), seed=seeds())
def test_gradient(pair, seed):
    shape = scratchnet.broadcast_shapes(*pair)
    x, v = values(shape, seed), values(pair[0], seed + 1)
    check_gradient(lambda x, v: (x * 1).copy_(v), x, v)
    check_gradient(lambda x, v: (x * 1).fill_(v), x, np.array(0.5))


def test_without_recording_the_memory_is_written_and_the_version_counted():
    x = scratchnet.zeros(3)
    memory = x.array
    x.fill_(1).zero_().copy_(scratchnet.ones(3)).uniform_()
    assert x.array is memory
    assert x._version == 4
    with scratchnet.no_grad():
        w = scratchnet.ones(2, requires_grad=True)
        w.zero_()
        w.copy_(scratchnet.tensor([1.0, 2.0]))
    assert w.is_leaf and w.requires_grad and w.tolist() == [1, 2]


def test_saved_values_are_guarded():
    x = scratchnet.ones(2, requires_grad=True)
    w = scratchnet.ones(2)
    y = (x * w).sum()
    w.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.backward()


def test_by_hand():
    """y = 2x, then y[0] is replaced by v: nothing flows to x[0] any more."""
    x = scratchnet.tensor([1.0, 2.0], requires_grad=True)
    v = scratchnet.tensor(5.0, requires_grad=True)
    y = 2 * x
    y[0].copy_(v)
    (y * scratchnet.tensor([10.0, 100.0])).sum().backward()
    assert (y.tolist(), x.grad.tolist(), v.grad.item()) == ([5, 4], [0, 200], 10)
