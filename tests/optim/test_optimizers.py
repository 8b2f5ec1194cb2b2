"""SGD, Adam and AdamW against torch: 20 steps for tables of options, state, groups, refusals."""

import copy
import functools
import inspect
import itertools

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn, optim
from scratchnet.kernels import use_reference
from scratchnet.testing import values

LIBRARIES = (scratchnet, torch)
SHAPES = [(3, 4), (5,), (), (2, 1, 3, 3)]

SGD = [
    {},
    dict(lr=0.1),
    dict(lr=0.1, momentum=0.9),
    dict(lr=0.1, momentum=0.9, dampening=0.5),
    dict(lr=0.1, momentum=0.9, nesterov=True),
    dict(lr=0.1, weight_decay=0.1),
    dict(lr=0.1, momentum=0.5, nesterov=True, weight_decay=0.1),
    dict(lr=0.1, momentum=0.9, maximize=True),
    dict(lr=0.1, momentum=0.9, dampening=1.0, weight_decay=0.01, maximize=True),
]
ADAM = [
    {},
    dict(lr=0.1),
    dict(lr=0.05, betas=(0.5, 0.9), eps=1e-3),
    dict(lr=0.05, betas=(0.0, 0.0)),
    dict(lr=0.1, weight_decay=0.1),
    dict(lr=0.1, amsgrad=True),
    dict(lr=0.1, maximize=True, weight_decay=0.1),
    dict(lr=0.1, amsgrad=True, maximize=True, weight_decay=0.05, betas=(0.8, 0.95)),
]
CASES = [("SGD", o) for o in SGD] + [(name, o) for name, o in itertools.product(("Adam", "AdamW"), ADAM)]
CASES += [("Adam", dict(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True))]
WITH_BETAS = [{}, dict(lr=0.05, betas=(0.5, 0.9), eps=1e-3), dict(lr=0.1, weight_decay=0.1, maximize=True)]
DECOUPLED = [*WITH_BETAS, dict(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)]
CASES += [("Adamax", o) for o in WITH_BETAS] + [(name, o) for name, o in itertools.product(("NAdam", "RAdam"), DECOUPLED)]
CASES += [("NAdam", dict(momentum_decay=0.1)), ("RAdam", dict(lr=0.1, betas=(0.9, 0.5)))]
CASES += [("Adagrad", o) for o in (
    {}, dict(lr=0.1, lr_decay=0.1, weight_decay=0.1), dict(initial_accumulator_value=0.5, eps=1e-3, maximize=True))]
CASES += [("Adadelta", o) for o in ({}, dict(lr=0.5, rho=0.8, eps=1e-3), dict(weight_decay=0.1, maximize=True))]
CASES += [("RMSprop", o) for o in (
    {}, dict(lr=0.05, alpha=0.9, eps=1e-3, weight_decay=0.1), dict(momentum=0.9, maximize=True),
    dict(centered=True, eps=1e-2), dict(centered=True, momentum=0.5, weight_decay=0.1, eps=1e-2))]
CASES += [("Rprop", o) for o in ({}, dict(lr=0.1, etas=(0.3, 1.5), step_sizes=(0.02, 0.3)), dict(maximize=True))]
CASES += [("ASGD", o) for o in (
    {}, dict(lr=0.1, lambd=0.1, alpha=0.5, weight_decay=0.1), dict(t0=3, lr=0.1, maximize=True))]
CASES += [("Adafactor", o) for o in (
    {}, dict(lr=0.1, beta2_decay=-0.5, weight_decay=0.1), dict(eps=(1e-3, 1e-2), d=1.5, maximize=True))]
ALL = pytest.mark.parametrize("name, options", CASES)
NAMES = sorted({name for name, _ in CASES})


def parameters(lib, dtype="float32"):
    return [lib.nn.Parameter(lib.tensor(values(s, i), dtype=getattr(lib, dtype))) for i, s in enumerate(SHAPES)]


@functools.cache
def gradients(step, dtype):
    """The same for both libraries; in some steps a parameter has none."""
    return [None if step % 5 == 3 and i == 1 else values(s, 100 * step + i).astype(dtype) for i, s in enumerate(SHAPES)]


def run(lib, name, options, steps=20, dtype="float32", start=0, ready=None):
    ps, optimizer = ready or (None, None)
    if ready is None:
        ps = parameters(lib, dtype)
        optimizer = getattr(lib.optim, name)(ps, **options)
    for step in range(start, start + steps):
        for p, g in zip(ps, gradients(step, dtype)):
            p.grad = None if g is None else lib.tensor(g)
        optimizer.step()
    return ps, optimizer


def assert_same_state(ours, theirs, rtol):
    """The two state dicts hold the same keys and numbers in the same order."""
    assert list(ours) == list(theirs) == ["state", "param_groups"]
    assert ours["param_groups"] == theirs["param_groups"]
    assert [list(group) for group in ours["param_groups"]] == [list(group) for group in theirs["param_groups"]]
    assert list(ours["state"]) == list(theirs["state"])
    for key, state in theirs["state"].items():
        assert list(ours["state"][key]) == list(state)
        for name, value in state.items():
            mine = ours["state"][key][name]
            if value is None:
                assert mine is None
                continue
            assert mine.array.dtype == value.numpy().dtype and mine.shape == tuple(value.shape)
            np.testing.assert_allclose(mine.array, value.numpy(), rtol, rtol)


@ALL
@pytest.mark.parametrize("dtype, rtol", [("float32", 2e-6), ("float64", 1e-12)])
def test_twenty_steps(name, options, dtype, rtol):
    (ours, a), (theirs, b) = (run(lib, name, options, dtype=dtype) for lib in LIBRARIES)
    for p, q in zip(ours, theirs):
        np.testing.assert_allclose(p.array, q.detach().numpy(), rtol, rtol)
        assert p.dtype == dtype and p.requires_grad and p.is_leaf
    assert_same_state(a.state_dict(), b.state_dict(), rtol)


@ALL
def test_the_numpy_reference_does_the_same(name, options):
    with use_reference():
        expected, _ = run(scratchnet, name, options, dtype="float64")
    actual, _ = run(scratchnet, name, options, dtype="float64")
    for p, q in zip(actual, expected):
        np.testing.assert_allclose(p.array, q.array, 1e-12, 1e-12)


@ALL
def test_a_saved_state_continues_where_it_was(name, options):
    expected, _ = run(scratchnet, name, options, steps=8)
    ps, optimizer = run(scratchnet, name, options, steps=4)
    state = copy.deepcopy(optimizer.state_dict())
    fresh = getattr(optim, name)([nn.Parameter(p.detach().clone()) for p in ps], lr=7.0)
    fresh.load_state_dict(state)
    ps = fresh.param_groups[0]["params"]
    actual, _ = run(scratchnet, name, options, steps=4, start=4, ready=(ps, fresh))
    for p, q in zip(actual, expected):
        np.testing.assert_array_equal(p.array, q.array)


def test_states_of_torch_load_directly():
    theirs, b = run(torch, "Adam", dict(lr=0.1, amsgrad=True), steps=5)
    ps = [nn.Parameter(Tensor(q.detach().numpy().copy())) for q in theirs]
    a = optim.Adam(ps)
    a.load_state_dict(b.state_dict())
    run(scratchnet, "Adam", {}, steps=5, start=5, ready=(ps, a))
    run(torch, "Adam", {}, steps=5, start=5, ready=(theirs, b))
    for p, q in zip(ps, theirs):
        np.testing.assert_allclose(p.array, q.detach().numpy(), 2e-6, 2e-6)


def test_a_loaded_state_is_a_copy():
    _, first = run(scratchnet, "SGD", dict(lr=0.1, momentum=0.9), steps=1)
    second = optim.SGD(parameters(scratchnet), momentum=0.9)
    state = first.state_dict()
    second.load_state_dict(state)
    second.param_groups[0]["lr"] = 5
    buffers = [next(iter(o.state.values()))["momentum_buffer"] for o in (first, second)]
    assert not np.may_share_memory(buffers[0].array, buffers[1].array)
    assert first.param_groups[0]["lr"] == 0.1


def test_parameter_groups():
    def scenario(lib):
        ps = parameters(lib)
        optimizer = lib.optim.SGD([{"params": ps[:1], "lr": 1.0}, {"params": ps[1]}], lr=0.1, momentum=0.5)
        optimizer.add_param_group({"params": ps[2:], "momentum": 0.0})
        run(lib, None, None, steps=3, ready=(ps, optimizer))
        groups = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
        return [p.detach().numpy() for p in ps], groups, optimizer.state_dict()["param_groups"], repr(optimizer)

    ours, theirs = scenario(scratchnet), scenario(torch)
    for a, b in zip(ours[0], theirs[0]):
        np.testing.assert_allclose(a, b, 2e-6)
    assert ours[1:] == theirs[1:]


def test_named_parameters():
    def scenario(lib):
        layer = lib.nn.Linear(2, 2)
        optimizer = lib.optim.SGD(layer.named_parameters())
        state = optimizer.state_dict()
        other = lib.optim.SGD([("w", layer.weight), ("b", layer.bias)])
        other.load_state_dict(state)
        return state["param_groups"], other.param_groups[0]["param_names"]

    assert scenario(scratchnet) == scenario(torch)


@pytest.mark.parametrize("name", NAMES)
def test_defaults_and_printing(name):
    ours, theirs = (getattr(lib.optim, name)([lib.nn.Parameter(lib.ones(1))]) for lib in LIBRARIES)
    assert ours.defaults == theirs.defaults and repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", NAMES)
def test_closures_run_with_gradients_on(name):
    def scenario(lib):
        p = lib.nn.Parameter(lib.ones(2))
        optimizer = getattr(lib.optim, name)([p], lr=0.03)

        def closure():
            optimizer.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            return loss

        with lib.no_grad():
            losses = [optimizer.step(closure).item() for _ in range(3)]
        return losses, p.tolist()

    np.testing.assert_allclose(np.concatenate(scenario(scratchnet)), np.concatenate(scenario(torch)), rtol=1e-5)


def test_zero_grad():
    for lib in LIBRARIES:
        p = lib.nn.Parameter(lib.ones(2))
        optimizer = lib.optim.SGD([p])
        p.grad = lib.ones(2)
        g = p.grad
        optimizer.zero_grad(set_to_none=False)
        assert p.grad is g and g.tolist() == [0, 0]
        optimizer.zero_grad()
        assert p.grad is None


def test_a_step_is_seen_by_the_version_counter():
    """A graph that still needs the old value refuses to go backward."""
    w = nn.Parameter(scratchnet.ones(2))
    loss = (w * w).sum()
    w.grad = scratchnet.ones(2)
    optim.SGD([w], lr=1.0).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_parameters_that_are_not_contiguous_or_of_half_precision():
    def scenario(lib):
        p = lib.nn.Parameter(lib.tensor(values((4, 3), 0)).t())
        h = lib.nn.Parameter(lib.tensor(values((3,), 1)).half())
        optimizer = lib.optim.Adam([p, h], lr=0.1, eps=1e-3)
        for step in range(3):
            p.grad = lib.tensor(values((3, 4), step))
            h.grad = lib.tensor(values((3,), step)).half()
            optimizer.step()
        return p.detach().numpy(), h.detach().numpy()

    for a, b, tolerance in zip(scenario(scratchnet), scenario(torch), (1e-10, 4e-3)):
        np.testing.assert_allclose(a, b, tolerance, tolerance)


def test_options_may_be_tensors():
    def scenario(lib):
        p = lib.nn.Parameter(lib.ones(2))
        optimizer = lib.optim.Adam([p], lr=lib.tensor(0.5), betas=(lib.tensor(0.5), lib.tensor([0.75])))
        for g in (1.0, -3.0):
            p.grad = lib.full((2,), g)
            optimizer.step()
        return p.tolist()

    np.testing.assert_allclose(scenario(scratchnet), scenario(torch), 1e-6)


def _bad(lib):
    p, q = lib.nn.Parameter(lib.ones(1)), lib.nn.Parameter(lib.ones(1))
    o = lib.optim
    return {
        "lr": lambda: o.SGD([p], lr=-1),
        "decay": lambda: o.SGD([p], weight_decay=-1),
        "nesterov": lambda: o.SGD([p], nesterov=True),
        "nesterov dampening": lambda: o.SGD([p], momentum=0.1, dampening=0.1, nesterov=True),
        "adam lr": lambda: o.Adam([p], lr=-1),
        "adam eps": lambda: o.Adam([p], eps=-1),
        "adam beta 2": lambda: o.AdamW([p], betas=(0.5, -0.5)),
        "adam beta type": lambda: o.Adam([p], betas=(0, 0.5)),
        "adam decay": lambda: o.AdamW([p], weight_decay=-1),
        "nan": lambda: o.Adam([p], lr=float("nan")),
        **{f"{name} lr": lambda name=name: getattr(o, name)([p], lr=-1) for name in NAMES},
        "adagrad weight decay": lambda: o.Adagrad([p], weight_decay=-1),
        "adagrad start": lambda: o.Adagrad([p], initial_accumulator_value=-1),
        "adagrad eps": lambda: o.Adagrad([p], eps=-1),
        "adadelta eps": lambda: o.Adadelta([p], eps=-1),
        "rmsprop alpha": lambda: o.RMSprop([p], alpha=-1),
        "radam beta": lambda: o.RAdam([p], betas=(-1.0, 0.5)),
        "rprop etas": lambda: o.Rprop([p], etas=(0.5, 0.9)),
        "adafactor eps 2": lambda: o.Adafactor([p], eps=(None, -1)),
        "adafactor weights": lambda: o.Adafactor([p], weight_decay=-1),
        "adamw decoupled": lambda: o.AdamW([p], decoupled_weight_decay=True),
        "empty": lambda: o.SGD([]),
        "numbers": lambda: o.SGD([3]),
        "set": lambda: o.SGD([{"params": {p}}]),
        "non-leaf": lambda: o.SGD([p * 2]),
        "no dict": lambda: o.SGD([p]).add_param_group([q]),
        "names in one group": lambda: o.SGD([("p", p)]).add_param_group({"params": [q]}),
        "state groups": lambda: o.SGD([p]).load_state_dict(o.SGD([{"params": [p]}, {"params": [q]}]).state_dict()),
        "state sizes": lambda: o.SGD([p]).load_state_dict(o.SGD([p, q]).state_dict()),
        "no algorithm": lambda: o.Optimizer([p], {}).step() if lib is torch else _stepped(o.Optimizer([p], {}), p),
    }


def _stepped(optimizer, p):
    p.grad = scratchnet.ones(1)
    optimizer.step()


@pytest.mark.parametrize("case", _bad(scratchnet))
def test_refusals_are_those_of_torch(case):
    errors = []
    for lib in LIBRARIES:
        with pytest.raises((ValueError, TypeError, RuntimeError)) as caught:
            _bad(lib)[case]()
        errors.append(caught.value)
    assert type(errors[0]) is type(errors[1])
    if str(errors[1]).startswith("Invalid") or "but is" in str(errors[1]):
        assert str(errors[0]) == str(errors[1])


@pytest.mark.parametrize("option", ["foreach", "differentiable", "fused"])
def test_implementations_of_torch_are_not_offered(option):
    p = nn.Parameter(scratchnet.ones(1))
    optim.SGD([p], **{option: False})
    with pytest.raises(NotImplementedError, match=f"SGD: {option}=True"):
        optim.SGD([p], **{option: True})
    with pytest.raises(NotImplementedError, match=f"Adam: {option}=True"):
        optim.AdamW([p], **{option: True})


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("SGD", "Adam", "AdamW")])
def test_other_optimizers_offer_none_either(name):
    p, kind = nn.Parameter(scratchnet.ones(1)), getattr(optim, name)
    offered = inspect.signature(kind).parameters
    for option in {"foreach", "differentiable", "fused", "capturable"} & set(offered):
        with pytest.raises(NotImplementedError, match=f"{name}: {option}=True"):
            kind([p], **{option: True})


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_those_of_torch(name):
    ours, theirs = (inspect.signature(getattr(lib.optim, name)).parameters for lib in LIBRARIES)
    if name == "AdamW":  # foreach, … are handed on
        theirs = {k: v for k, v in theirs.items() if k not in ("foreach", "capturable", "differentiable", "fused")}
        ours = {k: v for k, v in ours.items() if k != "implementation"}
    assert [(k, v.default) for k, v in ours.items()] == [(k, v.default) for k, v in theirs.items()]


def test_there_are_no_sparse_gradients():
    with pytest.raises(NotImplementedError, match="use Adam"):
        optim.SparseAdam([nn.Parameter(scratchnet.ones(1))])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_nan_and_infinity_as_in_torch(name, value):
    def scenario(lib):
        p = lib.nn.Parameter(lib.tensor([1.0, 2.0, 3.0]))
        optimizer = getattr(lib.optim, name)([p])
        for g in ([1.0, value, -1.0], [1.0, 1.0, 1.0]):
            p.grad = lib.tensor(g)
            optimizer.step()
        return p.detach().numpy()

    np.testing.assert_allclose(scenario(scratchnet), scenario(torch), 1e-5)


def test_an_optimizer_of_ones_own():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, dict(lr=lr))

        @scratchnet.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.sub_(p.grad.sign() * group["lr"])

    p = nn.Parameter(scratchnet.tensor([1.0, -1.0]))
    optimizer = Signs([p], lr=0.5)
    (p * p).sum().backward()
    optimizer.step()
    assert p.tolist() == [0.5, -0.5]
    optim.lr_scheduler.StepLR(optimizer, 1).step()
