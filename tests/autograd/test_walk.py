"""The walk itself: graphs of any size, who owns which memory, and what is asked of each operation's backward."""

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor
from scratchnet.autograd import NOTHING, Function, grad
from tests.autograd.side_by_side import assert_same, constant, leaf


# ---- size -------------------------------------------------------------------------------------------------------------
def test_a_chain_of_50_000_operations():
    x = Tensor(np.array([1.0]), requires_grad=True)
    y = x
    for _ in range(25_000):
        y = y * 1.0001 + 0.0
    (g,) = grad(y, x, retain_graph=True)
    np.testing.assert_allclose(g.array, 1.0001**25_000)
    y.backward(inputs=[x])
    np.testing.assert_allclose(x.grad.array, g.array)
    del y  # no recursion here either


def test_a_chain_that_is_differentiated_twice():
    x = Tensor(np.array([1.0]), requires_grad=True)
    y = x
    for _ in range(3_000):
        y = y * x
    (g,) = grad(y, x, create_graph=True)
    (h,) = grad(g, x)
    assert (g.item(), h.item()) == (3001.0, 3001.0 * 3000.0)


# ---- who owns which memory --------------------------------------------------------------------------------------------
def test_grad_shares_no_memory():
    a, b, seed = leaf(scratchnet), leaf(scratchnet), constant(scratchnet)
    c, d = leaf(scratchnet, [[1.0, 2.0, 3.0]]), leaf(scratchnet)
    h = a + b
    h.retain_grad()
    y = (h + c).reshape(3) + d
    y.backward(seed)
    arrays = [x.grad.array for x in (a, b, c, d, h)] + [x.array for x in (seed, a, b, c, d, h, y)]
    for i, one in enumerate(arrays):
        for other in arrays[:i]:
            assert not np.shares_memory(one, other)
    before = [g.copy() for g in arrays[1:]]
    a.grad.mul_(100)
    for was, now in zip(before, arrays[1:]):
        np.testing.assert_array_equal(was, now)


def test_a_sum_of_gradients_does_not_change_what_it_is_made_of():
    """h feeds two additions, so one array is the gradient of several: adding to it in place would spoil the others."""
    x, w = leaf(scratchnet), leaf(scratchnet)
    h = x + 0
    k = h + w
    ((k + h) + (h + k)).backward(seed := constant(scratchnet, np.ones(3)))
    assert seed.tolist() == [1, 1, 1]
    assert x.grad.tolist() == [4, 4, 4]
    assert w.grad.tolist() == [2, 2, 2]


def test_first_gradient_of_an_expanded_kind_can_be_added_to():
    x = leaf(scratchnet)
    x.sum().backward()  # the gradient of a sum is one number, seen three times
    x.grad += 1
    x.sum().backward()
    assert x.grad.tolist() == [3, 3, 3]


def test_a_grad_that_was_assigned_is_added_to_in_place():
    def program(F):
        x, g = leaf(F), constant(F)
        x.grad = g
        (x * 2).sum().backward()
        return x.grad is g, g

    def expanded(F):
        x = leaf(F)
        x.grad = constant(F, [1.0]).expand(3)
        (x * 2).sum().backward()

    assert_same(program)
    assert isinstance(assert_same(expanded), RuntimeError)


ASSIGNED = {
    "number": lambda F, x: 1.0,
    "other shape": lambda F, x: constant(F, [1.0]),
    "other dtype": lambda F, x: constant(F, dtype="float32"),
    "itself": lambda F, x: x,
    "fine": lambda F, x: constant(F),
    "none": lambda F, x: None,
}


@pytest.mark.parametrize("value", ASSIGNED.values(), ids=ASSIGNED.keys())
def test_assigning_grad(value):
    def program(F):
        x = leaf(F)
        x.grad = value(F, x)
        seen = x.grad
        del x.grad
        return seen, x.grad

    assert_same(program)


# ---- needs_input_grad -------------------------------------------------------------------------------------------------
class Counting(Function):
    """a · b, counting how often each gradient is computed."""

    calls = [0, 0]

    def forward(self, a, b):
        return a * b

    def backward(self, g):
        grads = []
        for i, other in enumerate(reversed(self.inputs)):
            self.calls[i] += self.needs_input_grad[i]
            grads.append(g * other if self.needs_input_grad[i] else None)
        return tuple(grads)


@pytest.mark.parametrize("which", ["both", "a", "b"])
def test_only_the_gradients_that_are_wanted_are_computed(which):
    def fresh():
        Counting.calls[:] = [0, 0]
        return leaf(scratchnet), leaf(scratchnet)

    expected = {"both": [1, 1], "a": [1, 0], "b": [0, 1]}[which]
    a, b = fresh()
    a.requires_grad_(which != "b")
    b.requires_grad_(which != "a")
    Counting()(a, b).sum().backward()
    assert Counting.calls == expected

    a, b = fresh()  # asked of grad(), of which nothing else need be computed
    h = a + 0
    targets = {"both": [h, b], "a": [h], "b": [b]}[which]
    y = Counting()(h, b).sum()
    grad(y, targets, retain_graph=True)
    assert Counting.calls == expected
    y.backward()
    assert Counting.calls == [1 + expected[0], 1 + expected[1]]


class WrongGradient(Function):
    reads = NOTHING

    def __init__(self, wrong):
        self.wrong = wrong

    def forward(self, x):
        return x * 1

    def backward(self, g):
        return self.wrong(g)


WRONG = {
    "shape": (lambda g: g[:2], RuntimeError, r"WrongGradient.*\(2,\) for input 0.*\(3,\)"),
    "too many": (lambda g: (g, g), RuntimeError, r"WrongGradient.*expected 1, got 2"),
    "array": (lambda g: g.array, RuntimeError, r"WrongGradient.*ndarray for input 0"),
    "number": (lambda g: 1.0, RuntimeError, r"WrongGradient.*float for input 0"),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(("wrong", "error", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_backward_that_returns_something_wrong(wrong, error, message, create_graph):
    with pytest.raises(error, match=message):
        WrongGradient(wrong)(leaf(scratchnet)).sum().backward(create_graph=create_graph)


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_gradient_takes_the_dtype_of_its_input(create_graph):
    x = leaf(scratchnet, dtype="float32")
    h = x * 1
    h.retain_grad()
    y = WrongGradient(lambda g: g.double())(h)
    grads = grad(y.sum(), [h, x], create_graph=create_graph)
    assert [g.dtype for g in (*grads, h.grad)] == [np.float32] * 3
