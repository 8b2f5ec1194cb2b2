"""What is measured. A task is a function that prepares its data and returns a function to be timed.

Tasks for torch and scratchnet are one piece of code, given the library as `torch`: that they can be is the point of scratchnet.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Task:
    name: str
    description: str
    libraries: dict[str, Callable[[], Callable[[], Any]]]
    bar: float | None = None  # the largest ratio to torch that we accept
    inner: int = 1  # calls in one timing


TASKS: dict[str, Task] = {}


def task(name: str, description: str, bar: float | None = None, inner: int = 1) -> Callable:
    """Register `prepare(torch)` for torch and scratchnet, and what `@prepare.on("library")` adds."""

    def register(prepare: Callable[[Any], Callable]) -> Callable:
        libraries = {lib: (lambda lib=lib: prepare(importlib.import_module(lib))) for lib in ("scratchnet", "torch")}
        TASKS[name] = Task(name, description, libraries, bar, inner)

        def on(library: str) -> Callable:
            return lambda other: libraries.__setitem__(library, other) or other

        prepare.on = on  # type: ignore[attr-defined]
        return prepare

    return register


# ---- overhead of the engine ---------------------------------------------------------------------------------------------
@task("chain", "200 elementwise operations on 16 numbers, forward and backward", bar=0.8, inner=10)
def chain(torch: Any) -> Callable:
    x = torch.ones(16, requires_grad=True)

    def step() -> None:
        y = x
        for _ in range(100):
            y = y * 1.01 + 0.01
        y.sum().backward()

    return step


@chain.on("mygrad")
def chain_mygrad() -> Callable:
    import mygrad

    x = mygrad.tensor(np.ones(16, np.float32))

    def step() -> None:
        y = x
        for _ in range(100):
            y = y * 1.01 + 0.01
        y.sum().backward()

    return step


@chain.on("autograd")
def chain_autograd() -> Callable:
    import autograd

    def f(x: Any) -> Any:
        y = x
        for _ in range(100):
            y = y * 1.01 + 0.01
        return y.sum()

    gradient, x = autograd.grad(f), np.ones(16, np.float32)
    return lambda: gradient(x)


@task("tiny-net", "training step of a 4-8-8-1 tanh network, 16 samples, SGD", bar=0.8, inner=20)
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


def _tiny_weights() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = (4, 8, 8, 1)
    return [
        array.astype(np.float32)
        for n_in, n_out in itertools.pairwise(sizes)
        for array in (rng.normal(size=(n_in, n_out)) / n_in**0.5, np.zeros(n_out))
    ]


def _tiny_forward(weights: list, x: Any, tanh: Callable) -> Any:
    for i in range(0, 6, 2):
        x = x @ weights[i] + weights[i + 1]
        x = tanh(x) if i < 4 else x
    return x


@tiny_net.on("mygrad")
def tiny_net_mygrad() -> Callable:
    import mygrad

    rng = np.random.default_rng(1)
    weights = [mygrad.tensor(w) for w in _tiny_weights()]
    x, y = rng.normal(size=(16, 4)).astype(np.float32), rng.normal(size=(16, 1)).astype(np.float32)

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

    rng = np.random.default_rng(1)
    weights = _tiny_weights()
    x, y = rng.normal(size=(16, 4)).astype(np.float32), rng.normal(size=(16, 1)).astype(np.float32)
    gradient = autograd.grad(lambda ws: anp.mean((_tiny_forward(ws, x, anp.tanh) - y) ** 2))

    def step() -> None:
        for w, g in zip(weights, gradient(weights)):
            w -= 0.01 * g

    return step


# ---- LeNet ------------------------------------------------------------------------------------------------------------
def lenet(torch: Any) -> Any:
    """LeNet-5 as it is usually written for 28×28 digits (LeCun et al., 1998), in the given library."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def _lenet_step(torch: Any, make_optimizer: Callable) -> Callable:
    torch.manual_seed(0)
    net = lenet(torch)
    optimizer = make_optimizer(net.parameters())
    criterion = torch.nn.CrossEntropyLoss()
    x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))

    def step() -> None:
        optimizer.zero_grad()
        criterion(net(x), y).backward()
        optimizer.step()

    return step


@task("lenet", "LeNet-5 training step, 64 images, SGD with momentum", bar=1.5, inner=3)
def lenet_sgd(torch: Any) -> Callable:
    return _lenet_step(torch, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9))


@task("lenet-adam", "LeNet-5 training step, 64 images, Adam", bar=1.5, inner=3)
def lenet_adam(torch: Any) -> Callable:
    return _lenet_step(torch, lambda p: torch.optim.Adam(p, lr=1e-3))


@task("lenet-inference", "LeNet-5 forward, 1 image, no_grad", inner=20)
def lenet_inference(torch: Any) -> Callable:
    torch.manual_seed(0)
    net = lenet(torch).eval()
    x = torch.randn(1, 1, 28, 28)

    def step() -> None:
        with torch.no_grad():
            net(x)

    return step
