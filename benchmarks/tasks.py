"""What is measured: suites of tasks, each suite with a bar.

A task is a function that prepares its data and returns the function to be timed.  For torch and scratchnet it is one
piece of code, given the library as `torch`: that it can be is the point of scratchnet.

    norm = suite("norm", "Normalisation, forward and backward", mean=0.9, limit=1.5)

    @norm.task("batch_norm", "64×64×56×56")
    def batch_norm(torch):
        layer, x = torch.nn.BatchNorm2d(64), torch.randn(64, 64, 56, 56, requires_grad=True)
        g = torch.randn(64, 64, 56, 56)

        def step():
            x.grad = layer.weight.grad = layer.bias.grad = None
            layer(x).backward(g)

        return step

Every module in benchmarks/suites/ is found by itself.  A layer that scratchnet does not have yet makes a row that says so.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Step = Callable[[], Any]


@dataclass(frozen=True)
class Task:
    """One row of a table."""

    suite: str
    name: str
    shape: str
    libraries: dict[str, Callable[[], Step] | str] = field(repr=False)  # a str: the code of a fresh process
    limit: float | None = None  # the largest accepted scratchnet / torch, for this task alone
    at_most: float | None = None  # the largest accepted figure of scratchnet itself
    against: dict[str, float] = field(default_factory=dict)  # the largest accepted scratchnet / other library
    gflop: float | None = None  # of one step
    rounds: int | None = None  # at most so many: the task takes long

    @property
    def full_name(self) -> str:
        return f"{self.suite}/{self.name}"


@dataclass(frozen=True)
class Suite:
    """A family of tasks: the geometric mean of their scratchnet / torch is held to `mean`, each of them to `limit`.

    `measure` says what a figure is: "step", seconds of a call, in processes that live on; "process", seconds of a whole
    fresh process; "memory", bytes by which the first call raises the peak of a fresh process.
    """

    name: str
    title: str
    mean: float | None = None
    limit: float | None = None
    measure: str = "step"
    note: str = ""  # stands under the title: how to read the table; of a bar that is not met, why, and what was tried
    tasks: dict[str, Task] = field(default_factory=dict, repr=False)

    def task(self, name: str, shape: str = "", **rest: Any) -> Callable:
        """Register `prepare(torch)` for both libraries; `@prepare.on("library")` adds one or replaces it."""

        def register(prepare: Callable[[Any], Step]) -> Prepare:
            libraries = {lib: (lambda lib=lib: prepare(importlib.import_module(lib))) for lib in ("scratchnet", "torch")}
            self.add(name, shape, libraries, **rest)
            return Prepare(libraries)

        return register

    def add(self, name: str, shape: str, libraries: dict, **rest: Any) -> None:
        if name in self.tasks:
            raise ValueError(f"suite {self.name!r} has two tasks named {name!r}")
        self.tasks[name] = Task(self.name, name, shape, libraries, **rest)


@dataclass(frozen=True)
class Prepare:
    """A registered `prepare`, which other libraries can be added to."""

    libraries: dict[str, Callable[[], Step] | str]

    def on(self, library: str) -> Callable:
        """`@prepare.on("mygrad")`: how that library does it."""
        return lambda other: self.libraries.__setitem__(library, other) or other


SUITES: dict[str, Suite] = {}


def suite(name: str, title: str, **rest: Any) -> Suite:
    """A new suite; `rest` are the fields of `Suite`."""
    if name in SUITES:
        raise ValueError(f"two suites are named {name!r}")
    SUITES[name] = Suite(name, title, **rest)
    return SUITES[name]


def find(full_name: str) -> Task:
    """The task named suite/task."""
    family, _, name = full_name.partition("/")
    return SUITES[family].tasks[name]
