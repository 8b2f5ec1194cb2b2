"""Random programs, run step by step in scratchnet and in torch at once: graphs with reuse, broadcasting, views, changes in place,
detached values, several backwards, gradients of gradients. Values, flags, versions, gradients and errors must agree at each step.

Left out, because we differ on purpose (see test_in_place_refusals.py): in-place operations whose gradient reads their result,
writing into parts of an expanded tensor; views of what does not require grad, or not in this mode, when it does later (torch asks
the base at any time).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import scratchnet

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's


class Pair(NamedTuple):
    """The same tensor in both libraries."""

    ours: Any
    theirs: Any
    name: str


SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (1, 3), (3, 3), (2, 1, 3), (0, 3)]

UNARY: dict[str, Callable] = {
    "neg": lambda x: -x,
    "sin": lambda x: x.sin(),
    "tanh": lambda x: x.tanh(),
    "halved": lambda x: x * 0.5,
    "plus one": lambda x: x + 1.0,
    "square": lambda x: x * x,
    "clone": lambda x: x.clone(),
    "detach": lambda x: x.detach(),
    "sum": lambda x: x.sum(),
    "sum over the first": lambda x: x.sum(0),
    "times itself detached": lambda x: x * x.detach(),
}
BINARY: dict[str, Callable] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "add twice": lambda x, y: x + y + x,
}
CHANGE: dict[str, Callable] = {
    "neg_": lambda x: x.neg_(),
    "sin_": lambda x: x.sin_(),
    "halve": lambda x: x.mul_(0.5),
    "add_ a number": lambda x: x.add_(1.0),
    "zero_": lambda x: x.zero_(),
    "fill_": lambda x: x.fill_(0.5),
}
CHANGE_BY: dict[str, Callable] = {
    "add_": lambda x, y: x.add_(y),
    "sub_": lambda x, y: x.sub_(y),
    "mul_": lambda x, y: x.mul_(y),
    "copy_": lambda x, y: x.copy_(y),
}

seeds = st.integers(0, 2**32 - 1)
recording = st.sampled_from([True, True, True, True, False])


@st.composite
def views(draw: Any, shape: tuple[int, ...]) -> tuple[str, Callable]:
    """A view operation for a tensor of this shape: its name and itself."""
    ndim = len(shape)
    kinds = ["unsqueeze", "expand", "all"] + ["select", "slice", "transpose"] * (ndim > 0) + ["diagonal"] * (ndim > 1)
    kind = draw(st.sampled_from(kinds))
    d = draw(st.integers(0, max(ndim - 1, 0)))
    if kind == "unsqueeze":
        return f"unsqueeze({d})", lambda x: x.unsqueeze(d)
    if kind == "expand":
        return "expand", lambda x: x.expand(2, *shape)
    if kind == "all":
        return "[...]", lambda x: x[...]
    if kind == "diagonal":
        offset = draw(st.integers(-1, 1))
        return f"diagonal({offset})", lambda x: x.diagonal(offset)
    if kind == "transpose":
        e = draw(st.integers(0, ndim - 1))
        return f"transpose({d}, {e})", lambda x: x.transpose(d, e)
    if kind == "select" and shape[d]:
        i = draw(st.integers(-shape[d], shape[d] - 1))
        return f"select({d}, {i})", lambda x: x.select(d, i)
    start, step = draw(st.integers(0, shape[d])), draw(st.integers(1, 2))
    key = (slice(None),) * d + (slice(start, None, step),)
    return f"[{key}]", lambda x: x[key]


LOST = "its history is lost"


def describe(x: Any) -> Any:
    """How a tensor stands in the graph."""
    try:
        return x.grad_fn is None, x.is_leaf, x.requires_grad, x.retains_grad, x._is_view()
    except RuntimeError:
        return LOST


def is_one_of_several(theirs: torch.Tensor) -> bool:
    try:
        return theirs.grad_fn is not None and theirs.grad_fn.name().startswith(("Unbind", "Split"))
    except RuntimeError:  # its history is lost
        return False


def array_of(x: Any) -> Any:
    return x.array if isinstance(x, scratchnet.Tensor) else x.detach().numpy()


def assert_close(ours: Any, theirs: Any, what: str) -> None:
    a, b = array_of(ours), array_of(theirs)
    assert a.shape == b.shape and a.dtype == b.dtype, what
    scale = max(1.0, float(np.abs(b).max(initial=0.0)))
    np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-7 * scale, err_msg=what)


class Programs(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pool: list[Pair] = []
        self.count = 0

    # ---- running a step in both ------------------------------------------------------------------------------
    def run(self, what: str, step: Callable, *pairs: Pair, record: bool = True) -> tuple[Any, Any] | None:
        """The results of a step, or None if it failed, in both."""
        note(f"{what}({', '.join(p.name for p in pairs)}){'' if record else ' in no_grad'}")
        for p in pairs:
            describe(p.theirs)  # torch sees that a view has got another history only when asked
        results: list[Any] = []
        for F, tensors in ((scratchnet, [p.ours for p in pairs]), (torch, [p.theirs for p in pairs])):
            try:
                with F.set_grad_enabled(record):
                    results.append(step(*tensors))
            except (RuntimeError, IndexError, TypeError, ValueError) as error:
                results.append(error)
        ours, theirs = results
        failed = isinstance(ours, Exception), isinstance(theirs, Exception)
        if failed[0] != failed[1] or (failed[0] and type(ours) is not type(theirs)):
            raise AssertionError(f"{what}: ours {ours!r}, torch's {theirs!r}") from (ours if failed[0] else None)
        return None if failed[0] else (ours, theirs)

    def keep(self, results: tuple[Any, Any] | None) -> None:
        if results is None:
            return
        ours, theirs = results
        assert_close(ours, theirs, "result")
        if ours.numel() and float(np.abs(array_of(ours)).max()) > 100:  # numbers stay small
            ours, theirs = ours.tanh(), theirs.tanh()
        self.count += 1
        self.pool.append(Pair(ours, theirs, f"t{self.count}"))
        note(f"  → t{self.count} of shape {tuple(ours.shape)}")

    def pick(self, data: Any) -> Pair:
        return self.pool[data.draw(st.integers(0, len(self.pool) - 1))]

    def has_views(self, x: Pair) -> bool:
        return any(p.theirs._base is x.theirs for p in self.pool)

    def forget_all(self) -> None:
        """After a failed backward: how far it came is not specified. Go on with fresh leaves of the same values."""
        old, self.pool = self.pool, []
        for p in old[-3:]:
            self.add_leaf(array_of(p.ours).copy(), True)

    # ---- new tensors -----------------------------------------------------------------------------------------
    def add_leaf(self, array: np.ndarray, requires_grad: bool) -> None:
        self.keep((scratchnet.Tensor(array, requires_grad), torch.tensor(array, requires_grad=requires_grad)))

    @initialize(seed=seeds)
    def start(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.add_leaf(rng.uniform(-1, 1, (2, 3)), True)
        self.add_leaf(rng.uniform(-1, 1, (3,)), True)
        self.add_leaf(rng.uniform(-1, 1, (2, 3)), False)

    @rule(shape=st.sampled_from(SHAPES), seed=seeds, requires_grad=st.booleans())
    def leaf(self, shape: tuple, seed: int, requires_grad: bool) -> None:
        self.add_leaf(np.random.default_rng(seed).uniform(-1, 1, shape), requires_grad)

    @rule(data=st.data(), op=st.sampled_from(sorted(UNARY)), record=recording)
    def unary(self, data: Any, op: str, record: bool) -> None:
        x = self.pick(data)
        if op != "sum over the first" or x.ours.ndim:
            self.keep(self.run(op, UNARY[op], x, record=record))

    @rule(data=st.data(), op=st.sampled_from(sorted(BINARY)), record=recording)
    def binary(self, data: Any, op: str, record: bool) -> None:
        self.keep(self.run(op, BINARY[op], self.pick(data), self.pick(data), record=record))

    @rule(data=st.data(), record=recording)
    def view(self, data: Any, record: bool) -> None:
        x = self.pick(data)
        name, op = data.draw(views(tuple(x.ours.shape)))
        self.keep(self.run(name, op, x, record=record or x.theirs.requires_grad))

    @rule(data=st.data())
    def reshape(self, data: Any) -> None:
        x = self.pick(data)
        if x.ours.stride() == x.theirs.stride():  # otherwise one may copy where the other need not
            self.keep(self.run("flatten", lambda t: t.reshape(-1), x))

    @rule(data=st.data(), split=st.booleans())
    def several_views(self, data: Any, split: bool) -> None:
        x = self.pick(data)
        if x.ours.ndim and x.ours.shape[0]:
            results = self.run("split" if split else "unbind", lambda t: t.split(1) if split else t.unbind(), x)
            for part in zip(*(results or ((), ()))):
                self.keep(part)

    # ---- changes in place ------------------------------------------------------------------------------------
    def change(self, what: str, step: Callable, *pairs: Pair, record: bool) -> None:
        if not pairs[0].ours.array.flags.writeable:
            return
        results = self.run(what, step, *pairs, record=record)
        if results is not None and what[:2] != "[]":
            assert results[0] is pairs[0].ours

    @rule(data=st.data(), op=st.sampled_from(sorted(CHANGE)), record=recording)
    def change_alone(self, data: Any, op: str, record: bool) -> None:
        self.change(op, CHANGE[op], self.pick(data), record=record)

    @rule(data=st.data(), op=st.sampled_from(sorted(CHANGE_BY)), record=recording)
    def change_by_another(self, data: Any, op: str, record: bool) -> None:
        x, y = self.pick(data), self.pick(data)
        if not np.shares_memory(x.ours.array, y.ours.array) or x is y:  # torch refuses some overlaps
            self.change(op, CHANGE_BY[op], x, y, record=record)

    @rule(data=st.data(), record=recording, number=st.booleans())
    def assign(self, data: Any, record: bool, number: bool) -> None:
        x, y = self.pick(data), self.pick(data)
        if x.ours.ndim and x.ours.numel() and not np.shares_memory(x.ours.array, y.ours.array):
            key = data.draw(st.sampled_from([0, slice(0, None, 2), (..., -1), Ellipsis]))
            if number:
                self.change(f"[]{key} = 0.5", lambda t: t.__setitem__(key, 0.5), x, record=record)
            else:
                self.change(f"[]{key} =", lambda t, v: t.__setitem__(key, v), x, y, record=record)

    # ---- flags -----------------------------------------------------------------------------------------------
    @rule(data=st.data(), value=st.sampled_from([True, True, False]))
    def requires_grad_(self, data: Any, value: bool) -> None:
        x = self.pick(data)
        if not self.has_views(x) and describe(x.theirs) != LOST:
            self.run(f"requires_grad_ {value}", lambda t: t.requires_grad_(value), x)

    @rule(data=st.data())
    def retain_grad(self, data: Any) -> None:
        x = self.pick(data)
        if describe(x.theirs) != LOST:
            self.run("retain_grad", lambda t: t.retain_grad(), x)

    @rule(data=st.data())
    def detach_(self, data: Any) -> None:
        x = self.pick(data)
        if not self.has_views(x) and not x.theirs.retains_grad:  # torch would still say that it retains
            self.run("detach_", lambda t: t.detach_(), x)

    @rule(data=st.data(), to_none=st.booleans())
    def zero_grad(self, data: Any, to_none: bool) -> None:
        def step(t: Any) -> None:
            if t.grad is not None:
                t.grad = None if to_none else t.grad.detach().zero_()

        self.run("zero_grad", step, self.pick(data))

    @precondition(lambda self: len(self.pool) > 4)
    @rule(data=st.data())
    def forget(self, data: Any) -> None:
        gone = self.pool.pop(data.draw(st.integers(0, len(self.pool) - 1)))
        note(f"forget {gone.name}")

    # ---- gradients -------------------------------------------------------------------------------------------
    @rule(data=st.data(), seed=seeds, retain=st.booleans(), create=st.sampled_from([False, False, True]))
    def backward(self, data: Any, seed: int, retain: bool, create: bool) -> None:
        y = self.pick(data)
        g = np.random.default_rng(seed).uniform(-1, 1, y.ours.shape)
        what = f"backward retain={retain} create={create}"

        def step(t: Any) -> int:
            seed = scratchnet.Tensor(g) if isinstance(t, scratchnet.Tensor) else torch.tensor(g)
            t.backward(seed, retain_graph=retain or create, create_graph=create)
            return 1

        if self.run(what, step, y) is None:
            self.forget_all()
        self.compare_graphs()

    @rule(data=st.data(), seed=seeds, create=st.booleans(), recorded=recording)
    def grad(self, data: Any, seed: int, create: bool, recorded: bool) -> None:
        y = self.pick(data)
        targets = [self.pick(data) for _ in range(data.draw(st.integers(1, 3)))]
        # torch walks to the operation that made a target, ours to the target: not the same where it made several
        targets = [t for t in targets if t.theirs.output_nr == 0 and not is_one_of_several(t.theirs)]
        if not targets:
            return
        g = np.random.default_rng(seed).uniform(-1, 1, y.ours.shape)

        def step(t: Any, *xs: Any) -> Any:
            F = scratchnet if isinstance(t, scratchnet.Tensor) else torch
            seed = scratchnet.Tensor(g) if F is scratchnet else torch.tensor(g)
            return F.autograd.grad(t, xs, seed, create_graph=create, allow_unused=True)

        results = self.run(f"grad create={create}", step, y, *targets, record=recorded)
        if results is None:
            self.forget_all()
            return
        for p in self.pool:  # torch fills retained gradients of some values that are not on the way to the targets
            if p.theirs.retains_grad:
                p.ours.grad = p.theirs.grad = None
        for ours, theirs in zip(*results):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                self.keep((ours.clone(), theirs.clone()))  # torch's may share memory

    def compare_graphs(self) -> None:
        for p in self.pool:
            ours, theirs = describe(p.ours), describe(p.theirs)
            assert ours == theirs, f"{p.name}: ours {ours}, torch's {theirs}"
            if theirs == LOST or not (p.theirs.is_leaf or p.theirs.retains_grad):
                continue
            assert (p.ours.grad is None) == (p.theirs.grad is None), p.name
            if p.theirs.grad is not None:
                assert_close(p.ours.grad, p.theirs.grad, f"{p.name}.grad")

    @invariant()
    def values_and_versions_agree(self) -> None:
        for p in self.pool:
            assert_close(p.ours, p.theirs, p.name)
            assert p.ours._version == p.theirs._version, p.name


Programs.TestCase.settings = settings(stateful_step_count=40)
TestPrograms = Programs.TestCase
