"""Hooks on tensors, retained gradients, and hooks after accumulation: order, effect and errors as in torch."""

import gc
import weakref

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor
from tests.autograd.side_by_side import assert_same, both_raise, compared, constant, leaf


@compared
def test_order_and_replacement(F):
    seen = []

    def hook(name, factor):
        def run(g):
            seen.append((name, g.clone()))
            return None if factor is None else g * factor

        return run

    x = leaf(F)
    h = x * 2
    x.register_hook(hook("x, first", 10))
    x.register_hook(hook("x, second", None))
    h.register_hook(hook("h, first", 3))
    h.register_hook(hook("h, second", 5))
    (h * h).sum().backward()
    return seen, x.grad, h.grad


@compared
def test_removal(F):
    x = leaf(F)
    h = x * 2
    on_x, on_h = x.register_hook(lambda g: g * 10), h.register_hook(lambda g: g * 100)
    with h.register_hook(lambda g: g * 1000):
        h.sum().backward(retain_graph=True)
    first = x.grad.clone()
    on_x.remove()
    h.sum().backward(retain_graph=True)
    second = x.grad.clone()
    on_h.remove()
    on_h.remove()
    h.sum().backward()
    return first, second, x.grad


@compared
def test_a_leaf_hook_sees_the_whole_gradient_once(F):
    calls = []
    x = leaf(F)
    x.register_hook(lambda g: calls.append(g.clone()))
    (x * x + x * 3 + x.exp()).sum().backward()
    return calls


@compared
def test_a_hook_that_removes_itself(F):
    calls = []
    x = leaf(F)
    handles = [x.register_hook(lambda g: handles.pop().remove()), x.register_hook(lambda g: calls.append(1))]
    handles.pop()
    (x * 1).sum().backward(retain_graph=True)
    (x * 1).sum().backward()
    return calls, len(handles)


@compared
def test_with_grad(F):
    x = leaf(F)
    h = x * 2
    x.register_hook(lambda g: g * 10)
    h.register_hook(lambda g: g * 3)
    return F.autograd.grad((h * h).sum(), x), F.autograd.grad((x * 1).sum(), x), x.grad


@compared
def test_create_graph(F):
    x = leaf(F)
    h = x * x
    h.register_hook(lambda g: g * h)
    (g,) = F.autograd.grad(h.sum(), x, create_graph=True)
    return g, F.autograd.grad(g.sum(), x)


@compared
def test_on_views_and_outputs_of_several(F):
    x = leaf(F)
    h = x * 1
    a, b = h[:2], h.unbind()[2]
    a.register_hook(lambda g: g * 10)
    b.register_hook(lambda g: g * 100)
    (a.sum() + b + h.sum()).backward()
    return x.grad


@compared
def test_a_hook_stays_with_the_history_it_was_put_on(F):
    calls = []
    x = leaf(F)
    h = x * 2
    h.register_hook(lambda g: calls.append(g.clone()))
    h.mul_(3)
    h.register_hook(lambda g: calls.append(g.clone()))
    h.sum().backward()
    return calls, x.grad


# ---- retain_grad ------------------------------------------------------------------------------------------------------
@compared
def test_retain_grad(F):
    x = leaf(F)
    h = x * 2
    flags = [h.retains_grad, x.retains_grad]
    h.retain_grad()
    h.retain_grad()
    x.retain_grad()
    h.register_hook(lambda g: g * 10)  # a retained gradient is what the hooks make of it
    (h * h).sum().backward(retain_graph=True)
    first = h.grad
    (h * h).sum().backward()
    return flags, h.retains_grad, first, h.grad, first is h.grad, x.grad


@compared
def test_retain_grad_moves_with_changes(F):
    x = leaf(F)
    h = x * 2
    a = h[:2]
    h.retain_grad()
    a.retain_grad()
    a.mul_(3)
    h.add_(x)
    (h * constant(F)).sum().backward(retain_graph=True)
    (a * 5).sum().backward()
    return h.grad, a.grad, x.grad


@compared
def test_retain_grad_with_targets(F):
    x, w = leaf(F), leaf(F)
    h = x * w
    h.retain_grad()
    F.autograd.grad((h * h).sum(), x, retain_graph=True)
    first = h.grad
    (h * h).sum().backward(inputs=[w])
    return first, h.grad, w.grad, x.grad


def test_a_retained_gradient_does_not_keep_its_tensor():
    x = leaf(scratchnet)
    h = x * 2
    h.retain_grad()
    y = h * 3
    gone = weakref.ref(h)
    del h
    assert gone() is None
    y.sum().backward()
    assert x.grad.tolist() == [6, 6, 6]


# ---- after accumulation -----------------------------------------------------------------------------------------------
@compared
def test_after_accumulation(F):
    calls = []
    x = leaf(F)
    handle = x.register_post_accumulate_grad_hook(lambda p: calls.append((p is x, p.grad.clone())))
    x.register_hook(lambda g: g * 10)
    (x * 1).sum().backward()
    (x * 2).sum().backward(inputs=[x])
    F.autograd.grad((x * 1).sum(), x)
    handle.remove()
    (x * 1).sum().backward()
    return calls, x.grad


@compared
def test_optimizer_in_backward(F):
    """The gradient is used and dropped as soon as it is there."""
    x, w = leaf(F), leaf(F)

    def step(p):
        with F.no_grad():
            p -= 0.1 * p.grad
        p.grad = None

    for p in (x, w):
        p.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        (x * w).sum().backward()
    return x, w, x.grad, w.grad


# ---- refusals ---------------------------------------------------------------------------------------------------------
def backward_with(F, hook, on="x"):
    x = leaf(F)
    h = x * 2
    (x if on == "x" else h).register_hook(hook)
    h.sum().backward()
    return x.grad


REFUSED = {
    "on what needs no gradient": lambda F: constant(F).register_hook(print),
    "on a leaf: a number": lambda F: backward_with(F, lambda g: 3.0),
    "on a leaf: another shape": lambda F: backward_with(F, lambda g: g[:1]),
    "on a leaf: another dtype": lambda F: backward_with(F, lambda g: g.to(F.float32)),
    "on an inner value: a number": lambda F: backward_with(F, lambda g: 3.0, "h"),
    "on an inner value: another shape": lambda F: backward_with(F, lambda g: g.sum(), "h"),
    "that fails": lambda F: backward_with(F, lambda g: 1 / 0),
    "retain_grad": lambda F: constant(F).retain_grad(),
    "after accumulation, inner value": lambda F: (leaf(F) * 2).register_post_accumulate_grad_hook(print),
    "after accumulation, no gradient": lambda F: constant(F).register_post_accumulate_grad_hook(print),
}


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED.keys())
def test_refused(program):
    assert isinstance(assert_same(program), Exception)


@both_raise(TypeError)
def test_a_hook_after_accumulation_returns_nothing(F):
    x = leaf(F)
    x.register_post_accumulate_grad_hook(lambda p: 3)
    x.sum().backward()


def test_errors_name_the_hook():
    def halve(g):
        return g[:1]

    with pytest.raises(RuntimeError, match=r"'halve' has changed the size.*\(3,\).*\(1,\)"):
        backward_with(scratchnet, halve)
    with pytest.raises(TypeError, match="callable, got int"):
        leaf(scratchnet).register_hook(3)


def test_a_handle_does_not_keep_the_tensor():
    x = leaf(scratchnet)
    handle = x.register_hook(lambda g: None)
    gone = weakref.ref(x)
    gc.disable()
    try:
        del x
        assert gone() is None
    finally:
        gc.enable()
    handle.remove()


def test_hooks_where_backward_runs_on_arrays():
    """The gradient is an array inside the walk; hooks get Tensors all the same."""
    x = leaf(scratchnet)
    h = x * 2.0
    kinds = []
    h.register_hook(lambda g: kinds.append(type(g)))
    x.register_hook(lambda g: kinds.append(type(g)))
    (h * np.pi).sum().backward()
    assert kinds == [Tensor, Tensor]
