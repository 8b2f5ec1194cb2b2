"""Interleaved rounds in separate processes: what is compared runs under the same conditions, minute by minute."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.tasks import SUITES, Task

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass
class Result:
    """Figures of one task by library, one for each round (a time: the median of its repeats)."""

    task: Task
    rounds: dict[str, list[float]] = field(default_factory=dict)
    missing: str = ""  # what scratchnet lacks
    error: str = ""  # what went wrong

    def median(self, library: str) -> float:
        return statistics.median(self.rounds[library])

    def ratio(self, to: str = "torch") -> float | None:
        """The median over rounds of scratchnet's figure / the other's in the same round; None if there are none."""
        if "scratchnet" not in self.rounds or to not in self.rounds:
            return None
        pairs = zip(self.rounds["scratchnet"], self.rounds[to])
        return statistics.median(a / b if b else math.inf for a, b in pairs)


class Failed(Exception):
    """A library could not do a task."""


def installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


def environment(threads: int) -> dict[str, str]:
    """The variables of a measured process. Python may keep its bytecode, as that of installed packages is kept."""
    found = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


class Worker:
    """A process with one library in it; it is started when it is first asked, and again if it died."""

    def __init__(self, library: str, threads: int) -> None:
        self.library, self.threads = library, threads
        self.process: subprocess.Popen | None = None

    def ask(self, task: Task, seconds: float) -> dict:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker", self.library, str(self.threads)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(self.threads),
            )  # fmt: skip
        assert self.process.stdin and self.process.stdout
        answer = ""
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"task": task.full_name, "seconds": seconds}), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        if not answer:
            process, self.process = self.process, None
            process.communicate()
            return {"error": f"the process ended with code {process.returncode}"}
        return json.loads(answer)

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate(timeout=10)


def step_figure(task: Task, library: str, workers: dict[str, Worker], threads: int, seconds: float) -> dict:
    time.sleep(0.02)  # let the other's threads stop spinning
    return workers.setdefault(library, Worker(library, threads)).ask(task, seconds)


def memory_figure(task: Task, library: str, workers: dict[str, Worker], threads: int, seconds: float) -> dict:
    command = [sys.executable, "-m", "benchmarks.worker", library, str(threads), task.full_name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment(threads))
    return json.loads(done.stdout) if done.stdout else {"error": f"the process ended with code {done.returncode}"}


def process_figure(task: Task, library: str, workers: dict[str, Worker], threads: int, seconds: float) -> dict:
    with tempfile.TemporaryDirectory() as empty:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", str(task.libraries[library])],
            stderr=subprocess.PIPE, text=True, env={**environment(threads), "EMPTY": empty},
        )  # fmt: skip
        figure = time.perf_counter() - start
    return {"error": done.stderr.strip().splitlines()[-1][:160]} if done.returncode else {"figure": figure}


FIGURES = {"step": step_figure, "memory": memory_figure, "process": process_figure}


def measure(task: Task, workers: dict[str, Worker], rounds: int, threads: int, seconds: float) -> Result:
    """The libraries in turn, round by round."""
    result = Result(task)
    figure = FIGURES[SUITES[task.suite].measure]
    present = [lib for lib in task.libraries if lib == "scratchnet" or isinstance(task.libraries[lib], str) or installed(lib)]

    def ask(library: str) -> float:
        answer = figure(task, library, workers, threads, seconds)
        if "figure" not in answer:
            ((kind, text),) = answer.items()
            setattr(result, kind, text if library == "scratchnet" else f"{library}: {text}")
            raise Failed
        return answer["figure"]

    try:
        if task.rounds is None:
            ask("scratchnet")  # not counted: kernels are compiled, and what is missing costs no time of the others
        for round_ in range(min(rounds, task.rounds or rounds)):
            # the order alternates, so that neither always runs after the other has warmed the machine
            for library in present if round_ % 2 else reversed(present):
                result.rounds.setdefault(library, []).append(ask(library))
    except Failed:
        result.rounds.clear()
    return result


def run(
    tasks: Iterable[Task], rounds: int, threads: int, seconds: float, say: Callable[[Result], None] = lambda result: None
) -> list[Result]:
    """Measure the tasks in turn; `say` hears of each when it is done."""
    workers: dict[str, Worker] = {}
    results = []
    try:
        for task in tasks:
            results.append(measure(task, workers, rounds, threads, seconds))
            say(results[-1])
    finally:
        for worker in workers.values():
            worker.close()
    return results
