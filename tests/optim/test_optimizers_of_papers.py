"""Optimizers that torch has not, against the papers' algorithms written in plain NumPy; saving and resuming of all."""

import copy
import functools

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor, nn, optim
from scratchnet.study.momentum import MomentumForms
from scratchnet.testing import values

SHAPES = [(3, 4), (5,), (2, 1, 3)]
STEPS = 10
KINDS = {**vars(optim), "MomentumForms": MomentumForms}


@functools.cache
def gradient(step, i):
    return values(SHAPES[i], 100 * step + i)


def run(make, steps=range(STEPS), ready=None):
    ps, o = ready or (None, None)
    if ready is None:
        ps = [nn.Parameter(Tensor(values(shape, i))) for i, shape in enumerate(SHAPES)]
        o = make(ps)
    for step in steps:
        for i, p in enumerate(ps):
            p.grad = Tensor(gradient(step, i))
        if isinstance(o, optim.SAM):
            o.step(lambda step=step: second_gradient(ps, step))
        elif isinstance(o, optim.LBFGS):
            o.step(lambda: sum(p.sum() for p in ps))
        else:
            o.step()
    return ps, o


def second_gradient(ps, step):
    """Of a quadratic bowl, so that it depends on where it is taken."""
    for i, p in enumerate(ps):
        p.grad = Tensor(gradient(step, i) + 3 * p.array)
    return 0


# ---- the papers' algorithms, with lists of all weights ----------------------------------------------------
def adabound(ps, lr=1e-3, betas=(0.9, 0.999), final_lr=0.1, gamma=1e-3, eps=1e-8, weight_decay=0, amsbound=False,
             maximize=False):  # fmt: skip
    for i, p in enumerate(ps):
        m, v, most = 0 * p, 0 * p, 0 * p
        for t in range(1, STEPS + 1):
            g = (-1 if maximize else 1) * gradient(t - 1, i) + weight_decay * p
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g**2
            most = np.maximum(most, v)
            size = lr * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t) / (np.sqrt(most if amsbound else v) + eps)
            size = np.minimum(np.maximum(size, final_lr - final_lr / (gamma * t + 1)), final_lr + final_lr / (gamma * t))
            p -= size * m


def lars(ps, lr=1.0, momentum=0, weight_decay=0, nesterov=False, trust_coeff=1e-3, eps=1e-8, maximize=False, dampening=0):
    for i, p in enumerate(ps):
        b = None
        for t in range(STEPS):
            g = gradient(t, i)
            ratio = trust_coeff * np.sqrt((p**2).sum()) / (np.sqrt((g**2).sum()) + weight_decay * np.sqrt((p**2).sum()) + eps)
            d = ratio * ((-g if maximize else g) + weight_decay * p)
            b = d if b is None else momentum * b + (1 - dampening) * d
            p -= lr * (d + momentum * b if nesterov else b)


def lamb(ps, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=1e-2, bias_correction=True, trust_clip=None,
         always_adapt=True, maximize=False):  # fmt: skip
    for i, p in enumerate(ps):
        m, v = 0 * p, 0 * p
        for t in range(1, STEPS + 1):
            g = (-1 if maximize else 1) * gradient(t - 1, i)
            m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
            c1, c2 = (1 - betas[0] ** t, 1 - betas[1] ** t) if bias_correction else (1, 1)
            u = (m / c1) / (np.sqrt(v / c2) + eps) + weight_decay * p
            ratio = np.linalg.norm(p.ravel()) / np.linalg.norm(u.ravel()) if always_adapt or weight_decay > 0 else 1
            p -= lr * min(ratio, trust_clip or np.inf) * u


def lookahead(ps, k, alpha):
    """Of gradient descent with momentum 0.9 and rate 0.1."""
    for i, p in enumerate(ps):
        slow, b = p.copy(), 0 * p
        for t in range(STEPS):
            b = 0.9 * b + gradient(t, i)
            p -= 0.1 * b
            if t % k == k - 1:
                slow = (1 - alpha) * slow + alpha * p
                p[...] = slow


def sam(ps, rho=0.05, adaptive=False, eta=0.01, lr=0.1, maximize=False):
    """Of gradient descent; the gradient is that of `second_gradient`."""
    for t in range(STEPS):
        sign = -1 if maximize else 1
        gs = [gradient(t, i) + 3 * p for i, p in enumerate(ps)]
        ts = [abs(p) + eta if adaptive else np.ones(p.shape) for p in ps]
        length = np.linalg.norm(np.concatenate([(unit * g).ravel() for unit, g in zip(ts, gs)]))
        worst = [p + sign * rho * unit**2 * g / length for p, unit, g in zip(ps, ts, gs)]
        for i, (p, q) in enumerate(zip(ps, worst)):
            p -= sign * lr * (gradient(t, i) + 3 * q)


def momentum_forms(ps, lr=1e-2, momentum=0.9, form="average", bias_correction=False, weight_decay=0, maximize=False):
    for i, p in enumerate(ps):
        b = 0
        for t in range(1, STEPS + 1):
            g = (-1 if maximize else 1) * gradient(t - 1, i) + weight_decay * p
            if form == "velocity":
                b = momentum * b + lr * g
                p -= b
                continue
            b = momentum * b + g * (1 - momentum if form == "average" else 1)
            p -= lr * b / (1 - momentum**t if bias_correction else 1)


def options(name, *cases):
    return [(name, case) for case in cases]


CASES = [
    *options("AdaBound", {}, dict(lr=0.1, betas=(0.5, 0.8), gamma=0.5, weight_decay=0.1),
             dict(lr=5.0, gamma=0.2, amsbound=True, betas=(0.8, 0.5), maximize=True),
             dict(lr=0.1, amsbound=True, betas=(0.5, 0.5))),
    *options("LARS", {}, dict(lr=5.0, momentum=0.9, weight_decay=0.1),
             dict(trust_coeff=0.1, momentum=0.9, nesterov=True, weight_decay=0.2, maximize=True),
             dict(trust_coeff=0.1, momentum=0.9, dampening=0.5, eps=0.5)),
    *options("LAMB", {}, dict(lr=0.1, betas=(0.5, 0.8), weight_decay=0.0, maximize=True),
             dict(lr=0.1, bias_correction=False, trust_clip=0.2), dict(lr=0.1, weight_decay=0, always_adapt=False)),
    *options("MomentumForms", {}, dict(form="sum", weight_decay=0.1), dict(form="velocity", maximize=True),
             dict(bias_correction=True, momentum=0.5, lr=0.1)),
]  # fmt: skip
PAPERS = {"AdaBound": adabound, "LARS": lars, "LAMB": lamb, "MomentumForms": momentum_forms}
WRAPPED = {
    "Lookahead": lambda ps: optim.Lookahead(optim.SGD(ps, lr=0.1, momentum=0.9), k=3, alpha=0.8),
    "Lookahead of Adam": lambda ps: optim.Lookahead(optim.Adam(ps, lr=0.1), k=4),
    "SAM": lambda ps: optim.SAM(ps, optim.SGD, lr=0.1),
    "SAM of Adam": lambda ps: optim.SAM(ps, optim.Adam, rho=0.2, lr=0.1, amsgrad=True),
}


def assert_close(ours, expected):
    for p, q in zip(ours, expected):
        np.testing.assert_allclose(p.array, q, 1e-11, 1e-11)


def by_hand(algorithm, **given):
    ps = [values(shape, i) for i, shape in enumerate(SHAPES)]
    algorithm(ps, **given)
    return ps


@pytest.mark.parametrize("name, given", CASES)
def test_ten_steps_are_the_papers(name, given):
    ours, _ = run(lambda ps: KINDS[name](ps, **given))
    assert_close(ours, by_hand(PAPERS[name], **given))


@pytest.mark.parametrize("k, alpha", [(3, 0.8), (5, 0.5), (1, 1.0)])
def test_lookahead(k, alpha):
    ours, _ = run(lambda ps: optim.Lookahead(optim.SGD(ps, lr=0.1, momentum=0.9), k, alpha))
    assert_close(ours, by_hand(lookahead, k=k, alpha=alpha))


@pytest.mark.parametrize("given", [{}, dict(adaptive=True, rho=0.5), dict(rho=0.3, maximize=True), dict(adaptive=True, eta=0.0)])
def test_sharpness_aware_steps(given):
    ours, _ = run(lambda ps: optim.SAM(ps, optim.SGD, lr=0.1, **given))
    assert_close(ours, by_hand(sam, **given))


def test_sharpness_aware_steps_by_hand_are_those_with_a_closure():
    with_closure, _ = run(WRAPPED["SAM"])
    ps = [nn.Parameter(Tensor(values(shape, i))) for i, shape in enumerate(SHAPES)]
    o = WRAPPED["SAM"](ps)
    for step in range(STEPS):
        second_gradient(ps, step)
        o.first_step(zero_grad=True)
        assert all(p.grad is None for p in ps)
        second_gradient(ps, step)
        o.second_step(zero_grad=True)
        assert all(p.grad is None for p in ps)
    assert_close(ps, [p.array for p in with_closure])
    optim.lr_scheduler.StepLR(o, 1).step()  # without a warning: o has stepped


def test_the_average_is_the_sum_at_another_rate():
    average, _ = run(lambda ps: MomentumForms(ps, lr=0.5, momentum=0.8))
    total, _ = run(lambda ps: optim.SGD(ps, lr=0.1, momentum=0.8))
    assert_close(average, [p.array for p in total])
    velocity, _ = run(lambda ps: MomentumForms(ps, lr=0.1, momentum=0.8, form="velocity"))
    assert_close(velocity, [p.array for p in total])


def test_groups_without_trust_take_plain_steps():
    def last(make):
        ps, _ = run(make)
        return ps[1].array

    plain = last(lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9))
    groups = lambda ps: [{"params": ps[:1]}, {"params": ps[1:], "trust_coeff": None}]  # noqa: E731
    np.testing.assert_array_equal(last(lambda ps: optim.LARS(groups(ps), lr=0.1, momentum=0.9)), plain)


def test_options_of_lars_are_defaults_of_groups_added_later():
    first, second = (nn.Parameter(scratchnet.ones(1)) for _ in range(2))
    group = {"params": [first], "eps": 0.5}
    o = optim.LARS([group], trust_coeff=0.25)
    o.add_param_group({"params": second})
    assert o.param_groups[0] is group and [g["eps"] for g in o.param_groups] == [0.5, 1e-8]
    assert [g["trust_coeff"] for g in o.param_groups] == [0.25, 0.25] == 2 * [o.defaults["trust_coeff"]]


def test_the_final_rate_of_adabound_follows_the_schedule():
    """With bounds that are closed from the start, AdaBound is momentum at final_lr · lr / (first lr)."""
    p = nn.Parameter(scratchnet.ones(1))
    o = optim.AdaBound([p], lr=0.5, final_lr=0.25, gamma=1 - 1e-12, betas=(0.0, 0.9))
    o.param_groups[0]["lr"] = 0.1
    p.grad = scratchnet.tensor([1e-9])  # the size of Adam is large, and bounded by 2 · 0.25 · 0.1 / 0.5 in step 1
    o.step()
    assert 1 - p.double().item() == pytest.approx(0, abs=1e-7)
    p.grad = scratchnet.tensor([1.0])
    before = p.item()
    o.step()
    assert 0.05 * 2 / 3 - 1e-6 <= before - p.item() <= 0.05 * 3 / 2 + 1e-6


# ---- saving and resuming, torch's too ---------------------------------------------------------------------
RESUMED = {
    **{name: (lambda ps, name=name: KINDS[name](ps, lr=0.05)) for name in optim.__all__
       if isinstance(KINDS[name], type) and name not in ("Optimizer", "SAM", "Lookahead", "SparseAdam", "Muon")},
    "Muon": lambda ps: optim.Muon(ps[:1], lr=0.05),
    "SGD momentum": lambda ps: optim.SGD(ps, lr=0.05, momentum=0.9),
    "LARS momentum": lambda ps: optim.LARS(ps, lr=5.0, momentum=0.9, dampening=0.1),
    "AdaBound amsbound": lambda ps: optim.AdaBound(ps, lr=0.05, amsbound=True),
    "MomentumForms": lambda ps: MomentumForms(ps, lr=0.05, bias_correction=True),
    **WRAPPED,
}  # fmt: skip


@pytest.mark.parametrize("make", RESUMED.values(), ids=RESUMED)
def test_a_saved_state_continues_bit_for_bit(make):
    """A rate that changes is part of it."""

    def drop(o):
        for group in o.param_groups:
            group["lr"] /= 2

    ps, o = run(make, range(5))
    drop(o)
    saved, weights = copy.deepcopy(o.state_dict()), [p.array.copy() for p in ps]
    expected, o = run(make, range(5, STEPS), (ps, o))
    ps = [nn.Parameter(Tensor(w)) for w in weights]
    fresh = make(ps)
    fresh.load_state_dict(saved)
    actual, fresh = run(make, range(5, STEPS), (ps, fresh))
    for p, q in zip(actual, expected):
        np.testing.assert_array_equal(p.array, q.array)
    assert str(fresh.state_dict()) == str(o.state_dict())


BAD = {
    "AdaBound gamma": lambda p: optim.AdaBound([p], gamma=1.0),
    "AdaBound betas": lambda p: optim.AdaBound([p], betas=(0.5, 1.0)),
    "AdaBound final": lambda p: optim.AdaBound([p], final_lr=-1.0),
    "LARS nesterov": lambda p: optim.LARS([p], nesterov=True),
    "LARS trust": lambda p: optim.LARS([p], trust_coeff=-1.0),
    "LARS eps": lambda p: optim.LARS([p], eps=-1.0),
    "LAMB eps": lambda p: optim.LAMB([p], eps=-1.0),
    "LAMB clip": lambda p: optim.LAMB([p], trust_clip=-1.0),
    "LAMB never": lambda p: optim.LAMB([p], trust_clip=False),
    "momentum": lambda p: MomentumForms([p], momentum=1.0),
    "form": lambda p: MomentumForms([p], form="product"),
    "correction": lambda p: MomentumForms([p], form="sum", bias_correction=True),
    **{name: lambda p, kind=KINDS[name]: kind([p], lr=-1.0) for name in PAPERS},
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_values_out_of_range(make):
    with pytest.raises(ValueError, match=r"Invalid|must be one|Nesterov|only"):
        make(nn.Parameter(scratchnet.ones(1)))
