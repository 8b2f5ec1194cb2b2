"""The first gradient of a leaf is taken over where nobody else has it, and copied where somebody has."""

import numpy as np
import pytest

from scratchnet import Tensor, ones, tensor
from scratchnet.autograd import Function, walk


class Handing(Function):
    """y = x, whose gradient is an array of its own that the test can look at."""

    kept: list = []
    keep = reshaped = False

    def forward(self, x):
        return x + 0

    arithmetic = True

    def backward(self, g):
        result = np.array(g, copy=True) * 2
        Handing.address = result.ctypes.data
        if Handing.keep:
            Handing.kept.append(result)
        return result.reshape(1, -1).reshape(g.shape) if Handing.reshaped else result


def address(x):
    return x.grad.array.ctypes.data


@pytest.fixture(autouse=True)
def nothing_kept():
    Handing.kept, Handing.keep, Handing.reshaped = [], False, False


@pytest.mark.parametrize("reshaped", [False, True])
def test_taken_over(reshaped):
    Handing.reshaped = reshaped
    x = ones(5, requires_grad=True)
    Handing()(x).sum().backward()
    assert address(x) == Handing.address
    assert x.grad.tolist() == [2] * 5


@pytest.mark.parametrize("reshaped", [False, True])
def test_copied_if_the_operation_keeps_it(reshaped):
    Handing.keep, Handing.reshaped = True, reshaped
    x = ones(5, requires_grad=True)
    Handing()(x).sum().backward()
    assert address(x) != Handing.address
    x.grad.zero_()
    assert Handing.kept[0].tolist() == [2] * 5


@pytest.mark.parametrize("reshaped", [False, True])
def test_copied_where_references_are_not_counted(monkeypatch, reshaped):
    monkeypatch.setattr(walk, "_references", walk._unknown)
    monkeypatch.setattr(walk, "_NOBODY_ELSE", walk._calibrated())
    monkeypatch.setattr(walk, "_ITS_VIEW", walk._references_to_base(np.empty((2, 3)).reshape(6)))
    Handing.reshaped = reshaped
    x = ones(5, requires_grad=True)
    Handing()(x).sum().backward()
    assert address(x) != Handing.address


def test_copied_if_a_hook_keeps_it():
    seen, x = [], ones(5, requires_grad=True)
    x.register_hook(seen.append)
    Handing()(x).sum().backward()
    x.grad.zero_()
    assert seen[0].tolist() == [2] * 5


def test_the_callers_gradient_is_never_taken():
    x, seed = ones(3, requires_grad=True), tensor([1.0, 2.0, 3.0])
    x.alias().backward(seed)
    x.grad.zero_()
    assert seed.tolist() == [1, 2, 3]
    y = ones(3, requires_grad=True)
    y.backward(seed)
    y.grad.zero_()
    assert seed.tolist() == [1, 2, 3]


def test_two_leaves_never_share():
    a, b = ones(4, requires_grad=True), ones(4, requires_grad=True)
    ((a + b) * 3).sum().backward()
    assert address(a) != address(b)
    a.grad.zero_()
    assert b.grad.tolist() == [3] * 4


def test_views_are_copied():
    """The gradient of a transposed leaf is a view of the array that was summed."""
    x = ones(2, 3, requires_grad=True)
    (x.T * Tensor(np.arange(6.0, dtype=np.float32).reshape(3, 2))).sum().backward()
    assert x.grad.array.base is None and x.grad.array.flags.c_contiguous
    assert x.grad.tolist() == [[0, 2, 4], [1, 3, 5]]


def test_retained_gradients_of_results_stay():
    x = ones(4, requires_grad=True)
    y = x * 1
    y.retain_grad()
    (y * 2).sum().backward()
    x.grad.zero_()
    assert y.grad.tolist() == [2] * 4


def test_the_second_gradient_is_added_in_place():
    x = ones(4, requires_grad=True)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first and first.tolist() == [5] * 4
