"""Hooks on modules, run side by side with torch's: order, what they are given, what they may replace."""

import warnings

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import nn
from scratchnet.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
)

BOTH = pytest.mark.parametrize("lib", [scratchnet, torch], ids=["ours", "torch"])


def describe(value):
    """Arguments and gradients in a form that both libraries share."""
    if isinstance(value, tuple):
        return tuple(describe(v) for v in value)
    if isinstance(value, dict):
        return {k: describe(v) for k, v in value.items()}
    return np.round(value.tolist(), 5).tolist() if hasattr(value, "tolist") else value


def both(scenario):
    """Run a scenario, which returns a log, in either library."""
    ours, theirs = scenario(scratchnet), scenario(torch)
    assert ours == theirs
    assert ours
    return ours


def adder(lib):
    class Add(lib.nn.Module):
        def forward(self, x, *, plus=0):
            return x * 2 + plus

    return Add()


def test_forward_hooks_order_and_arguments():
    def scenario(lib):
        log, m = [], adder(lib)
        m.register_forward_pre_hook(lambda m, args: log.append(("pre 1", describe(args))))
        m.register_forward_pre_hook(
            lambda m, args, kw: log.append(("pre 2", describe(args), describe(kw))), with_kwargs=True
        )
        m.register_forward_pre_hook(lambda m, args: log.append(("pre 0", describe(args))), prepend=True)
        m.register_forward_hook(lambda m, args, out: log.append(("post 1", describe(args), describe(out))))
        m.register_forward_hook(
            lambda m, args, kw, out: log.append(("post 2", describe(kw), describe(out))), with_kwargs=True
        )
        m.register_forward_hook(lambda m, args, out: log.append(("post 0", describe(out))), prepend=True)
        log.append(describe(m(lib.ones(2), plus=3)))
        return log

    assert [entry[0] for entry in both(scenario)[:-1]] == [
        "pre 0",
        "pre 1",
        "pre 2",
        "post 0",
        "post 1",
        "post 2",
    ]


def test_forward_hooks_replace_arguments_and_results():
    def scenario(lib):
        m = adder(lib)
        m.register_forward_pre_hook(lambda m, args: args[0] + 1)
        m.register_forward_pre_hook(lambda m, args, kw: ((args[0] * 10,), {"plus": 5}), with_kwargs=True)
        m.register_forward_hook(lambda m, args, out: (out, args[0]))
        m.register_forward_hook(lambda m, args, kw, out: (*out, kw["plus"]), with_kwargs=True)
        return [describe(m(lib.ones(2)))]

    assert both(scenario) == [([45.0, 45.0], [20.0, 20.0], 5)]


@BOTH
def test_a_pre_hook_with_kwargs_must_return_a_pair(lib):
    m = adder(lib)
    m.register_forward_pre_hook(lambda m, args, kw: args[0], with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple of"):
        m(lib.ones(2))


def test_hooks_that_are_removed_do_not_run():
    def scenario(lib):
        log, m = [], adder(lib)
        handle = m.register_forward_hook(lambda *a: log.append("removed"))
        with m.register_forward_hook(lambda *a: log.append("inside")):
            handle.remove()
            m(lib.ones(1))
        m(lib.ones(1))
        return log

    assert both(scenario) == ["inside"]


def test_always_called_hooks_run_when_forward_raises():
    def scenario(lib):
        log, m = [], adder(lib)
        m.register_forward_hook(lambda m, args, out: log.append(("always", out)), always_call=True)
        m.register_forward_hook(lambda m, args, out: log.append("never"))
        m.register_forward_hook(lambda m, args, kw, out: log.append(("too", kw)), always_call=True, with_kwargs=True)
        with pytest.raises(TypeError):
            m(lib.ones(1), wrong=1)
        return log

    assert both(scenario) == [("always", None), ("too", {"wrong": 1})]


@BOTH
def test_an_error_in_an_always_called_hook_is_a_warning(lib):
    m = adder(lib)

    def fail(m, args, out):
        raise ValueError("in the hook")

    m.register_forward_hook(fail, always_call=True)
    with pytest.warns(UserWarning, match="silenced as another error was raised"), pytest.raises(TypeError):
        m(lib.ones(1), wrong=1)
    with pytest.raises(ValueError, match="in the hook"):
        m(lib.ones(1))


class Both:
    """A module with two inputs and two outputs."""

    @staticmethod
    def make(lib):
        class Two(lib.nn.Module):
            def forward(self, a, b):
                return a * b, a + b

        return Two()


def test_full_backward_hooks_see_all_gradients_in_order():
    def scenario(lib):
        log, m = [], Both.make(lib)
        m.register_full_backward_hook(lambda m, gi, go: log.append(("hook 1", describe(gi), describe(go))))
        m.register_full_backward_hook(lambda m, gi, go: log.append(("hook 0",)), prepend=True)
        m.register_full_backward_pre_hook(lambda m, go: log.append(("pre 1", describe(go))))
        m.register_full_backward_pre_hook(lambda m, go: log.append(("pre 0",)), prepend=True)
        a, b = lib.tensor([2.0], requires_grad=True), lib.tensor([3.0], requires_grad=True)
        p, s = m(a * 1, b * 1)
        (p * 5 + s).sum().backward()
        return [*log, describe(a.grad), describe(b.grad)]

    log = both(scenario)
    assert [entry[0] for entry in log[:4]] == ["pre 0", "pre 1", "hook 0", "hook 1"]


def test_full_backward_hooks_replace_gradients():
    def scenario(lib):
        m = adder(lib)
        m.register_full_backward_pre_hook(lambda m, go: (go[0] * 100,))
        m.register_full_backward_hook(lambda m, gi, go: (gi[0] + go[0],))
        x = lib.tensor([1.0], requires_grad=True)
        m(x * 1).sum().backward()
        return [describe(x.grad)]

    assert both(scenario) == [[300.0]]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # torch says so each time; we do not
def test_gradients_of_inputs_that_need_none():
    def scenario(lib):
        log, m = [], Both.make(lib)
        m.register_full_backward_hook(lambda m, gi, go: log.append((describe(gi), describe(go))))
        a = lib.tensor([2.0], requires_grad=True)
        sum(m(a, lib.ones(1))).backward()
        layer = lib.nn.Linear(2, 1, bias=False)
        layer.register_full_backward_hook(lambda m, gi, go: log.append((describe(gi), describe(go))))
        layer(lib.ones(1, 2)).sum().backward()  # only the parameter requires grad
        return log

    assert both(scenario)[1] == ((None,), ([[1.0]],))


def test_gradients_of_gradients_pass_through_backward_hooks():
    def scenario(lib):
        log, m = [], adder(lib)
        m.register_full_backward_hook(lambda m, gi, go: (gi[0] * gi[0],))
        x = lib.tensor([3.0], requires_grad=True)
        (g,) = lib.autograd.grad((m(x * 1) ** 2).sum(), x, create_graph=True)
        (h,) = lib.autograd.grad(g.sum(), x)
        return [*log, describe(g), describe(h)]

    both(scenario)


@BOTH
def test_results_of_a_hooked_module_must_not_be_changed_in_place(lib):
    m = adder(lib)
    m.register_full_backward_hook(lambda m, gi, go: None)
    y = m(lib.ones(2, requires_grad=True))
    with pytest.raises(RuntimeError):
        y.mul_(2)
        y.sum().backward()


@BOTH
def test_backward_hooks_need_tensors_as_output(lib):
    class Dict(lib.nn.Module):
        def forward(self, x):
            return {"y": x}

    m = Dict()
    m.register_full_backward_hook(lambda m, gi, go: None)
    with pytest.warns(UserWarning, match="module output should be a Tensor or a tuple of Tensors"):
        m(lib.ones(1, requires_grad=True))


@BOTH
def test_replaced_gradients_must_be_as_many(lib):
    m = adder(lib)
    m.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
    y = m(lib.ones(1, requires_grad=True))
    with pytest.raises(RuntimeError, match=r"expected 1|got 2, but expected 1"):
        y.sum().backward()


def test_no_grad_leaves_backward_hooks_out():
    m = adder(scratchnet)
    m.register_full_backward_hook(lambda m, gi, go: 1 / 0)
    with scratchnet.no_grad():
        assert m(scratchnet.ones(1, requires_grad=True)).grad_fn is None


def test_hooks_on_all_modules():
    log = []
    handles = [
        register_module_forward_pre_hook(lambda m, args: log.append(("pre", type(m).__name__))),
        register_module_forward_hook(lambda m, args, out: log.append(("post", type(m).__name__))),
        register_module_full_backward_hook(lambda m, gi, go: log.append(("backward", type(m).__name__))),
    ]
    try:
        net = nn.Sequential(nn.Tanh(), nn.ReLU())
        net(scratchnet.ones(1, requires_grad=True)).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    names = ["Sequential", "Tanh", "Tanh", "ReLU", "ReLU", "Sequential"]
    assert [n for _, n in log[:6]] == names and [k for k, _ in log[:6]] == [
        "pre",
        "pre",
        "post",
        "pre",
        "post",
        "post",
    ]
    assert [n for _, n in log[6:]] == ["ReLU", "Tanh", "Sequential"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(scratchnet.ones(1))
    assert len(log) == 9
