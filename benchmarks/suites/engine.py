"""Overhead of the engine: next to no arithmetic, so that what is timed is Python around it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.tasks import suite

engine = suite("engine", "Overhead of the engine", mean=0.8)


def _chain(x: Any) -> Any:
    for _ in range(100):
        x = x * 1.01 + 0.01
    return x.sum()


@engine.task("chain", "200 elementwise operations on 16 numbers, forward and backward")
def chain(torch: Any) -> Callable:
    x = torch.ones(16, requires_grad=True)
    return lambda: _chain(x).backward()


@chain.on("mygrad")
def chain_mygrad() -> Callable:
    import mygrad

    x = mygrad.tensor(np.ones(16, np.float32))
    return lambda: _chain(x).backward()


@chain.on("autograd")
def chain_autograd() -> Callable:
    import autograd

    gradient, x = autograd.grad(_chain), np.ones(16, np.float32)
    return lambda: gradient(x)


@engine.task("tiny-net", "training step of a 4-8-8-1 tanh network, 16 samples, SGD")
def tiny_net(torch: Any) -> Callable:
    torch.manual_seed(0)
    nn = torch.nn
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = torch.randn(16, 4), torch.randn(16, 1)

    def step() -> None:
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()

    return step


def _tiny_problem() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """The network's weights and biases, and what it is trained on."""
    rng = np.random.default_rng(0)
    weights = [
        array.astype(np.float32)
        for n_in, n_out in itertools.pairwise((4, 8, 8, 1))
        for array in (rng.normal(size=(n_in, n_out)) / n_in**0.5, np.zeros(n_out))
    ]
    return weights, rng.normal(size=(16, 4)).astype(np.float32), rng.normal(size=(16, 1)).astype(np.float32)


def _tiny_forward(weights: list, x: Any, tanh: Callable) -> Any:
    for i in range(0, 6, 2):
        x = x @ weights[i] + weights[i + 1]
        x = tanh(x) if i < 4 else x
    return x


@tiny_net.on("mygrad")
def tiny_net_mygrad() -> Callable:
    import mygrad

    arrays, x, y = _tiny_problem()
    weights = [mygrad.tensor(w) for w in arrays]

    def step() -> None:
        loss = ((_tiny_forward(weights, x, mygrad.tanh) - y) ** 2).mean()
        loss.backward()
        for w in weights:
            w.data -= 0.01 * w.grad
            w.null_grad()

    return step


@tiny_net.on("autograd")
def tiny_net_autograd() -> Callable:
    import autograd
    import autograd.numpy as anp

    weights, x, y = _tiny_problem()
    gradient = autograd.grad(lambda ws: anp.mean((_tiny_forward(ws, x, anp.tanh) - y) ** 2))

    def step() -> None:
        for w, g in zip(weights, gradient(weights)):
            w -= 0.01 * g

    return step
