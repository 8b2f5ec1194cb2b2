"""L-BFGS against torch: losses, weights, state and counts, with and without line search."""

import copy

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import nn, optim
from scratchnet.testing import values

LIBRARIES = (scratchnet, torch)


def rosenbrock(lib, x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def problem(lib, kind):
    """Parameters, and a function that gives their loss."""
    if kind == "rosenbrock":
        x, y = (lib.nn.Parameter(lib.tensor(v, dtype=lib.float64)) for v in (-1.5, 2.0))
        return [x, y], lambda: rosenbrock(lib, x, y)
    a, b = lib.tensor(values((12, 4), 0)), lib.tensor(values((12,), 1))
    w, c = lib.nn.Parameter(lib.zeros(4, dtype=lib.float64)), lib.nn.Parameter(lib.zeros(2, dtype=lib.float64))
    if kind == "logistic":
        return [w, c], lambda: ((-(a @ w + c.sum()) * b.sign()).exp() + 1).log().mean() + 0.01 * (w * w).sum()
    return [w, c], lambda: ((a @ w + c.sum() - b) ** 2).sum()


def descend(lib, kind, steps, **options):
    parameters, loss = problem(lib, kind)
    optimizer = lib.optim.LBFGS(parameters, **options)

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    losses = [optimizer.step(closure).item() for _ in range(steps)]
    return losses, [p.detach().numpy() for p in parameters], optimizer


@pytest.mark.parametrize("kind", ["rosenbrock", "logistic", "squares"])
@pytest.mark.parametrize(
    "options",
    [
        dict(lr=1e-3, max_iter=5),
        dict(lr=1e-3, max_iter=7, history_size=2, max_eval=4),
        dict(max_iter=0),
        dict(line_search_fn="strong_wolfe", max_iter=6),
        dict(line_search_fn="strong_wolfe", max_iter=6, history_size=2, lr=0.1),
        dict(line_search_fn="strong_wolfe", max_iter=8, max_eval=6),
        dict(line_search_fn="strong_wolfe", tolerance_grad=0.5),
        dict(line_search_fn="strong_wolfe", tolerance_change=1e-2, lr=20.0),
    ],
    ids=str,
)
def test_torch(kind, options):
    (ours, p, a), (theirs, q, b) = (descend(lib, kind, 4, **options) for lib in LIBRARIES)
    np.testing.assert_allclose(ours, theirs, 1e-6, 1e-12)
    for x, y in zip(p, q):
        np.testing.assert_allclose(x, y, 1e-6, 1e-8)
    mine, other = (next(iter(o.state_dict()["state"].values())) for o in (a, b))
    assert {"func_evals", "n_iter"} <= set(mine) and set(mine) <= set(other) | {"prev_loss"}
    assert (mine["func_evals"], mine["n_iter"]) == (other["func_evals"], other["n_iter"])


def test_it_finds_the_minimum():
    losses, (x, y), _ = descend(scratchnet, "rosenbrock", 6, line_search_fn="strong_wolfe")
    assert losses[-1] < 1e-8 and abs(x - 1) < 1e-3 and abs(y - 1) < 1e-3


def test_a_quadratic_by_hand():
    """From 3 with gradient 6: a step of min(1, 1/6)·lr along −6; then the curvature is known exactly."""
    p = nn.Parameter(scratchnet.tensor([3.0], dtype=scratchnet.float64))
    optimizer = optim.LBFGS([p], max_iter=3)

    def closure():
        optimizer.zero_grad()
        (loss := (p * p).sum()).backward()
        return loss

    assert optimizer.step(closure).item() == 9
    np.testing.assert_allclose(p.tolist(), [0], atol=1e-15)


def test_a_saved_state_continues_where_it_was():
    def closure_of(parameters, loss, optimizer):
        def closure():
            optimizer.zero_grad()
            value = loss()
            value.backward()
            return value

        return closure

    parameters, loss = problem(scratchnet, "rosenbrock")
    optimizer = optim.LBFGS(parameters, max_iter=3, line_search_fn="strong_wolfe")
    optimizer.step(closure_of(parameters, loss, optimizer))
    others, other_loss = problem(scratchnet, "rosenbrock")
    for p, q in zip(others, parameters):
        p.array[...] = q.array
    fresh = optim.LBFGS(others)
    fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    optimizer.step(closure_of(parameters, loss, optimizer))
    fresh.step(closure_of(others, other_loss, fresh))
    for p, q in zip(others, parameters):
        np.testing.assert_allclose(p.array, q.array, 1e-12)


def test_refusals():
    for lib in LIBRARIES:
        p, q = lib.nn.Parameter(lib.ones(1)), lib.nn.Parameter(lib.ones(1))
        with pytest.raises(ValueError, match="Invalid learning rate"):
            lib.optim.LBFGS([p], lr=-1)
        with pytest.raises(ValueError, match="parameter groups"):
            lib.optim.LBFGS([{"params": [p]}, {"params": [q]}])
        with pytest.raises(TypeError):
            lib.optim.LBFGS([p]).step()

        def closure(p=p):
            (loss := (p * p).sum()).backward()
            return loss

        with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
            lib.optim.LBFGS([p], line_search_fn="golden").step(closure)
