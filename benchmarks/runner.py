"""Interleaved rounds in separate processes: what is compared runs under the same conditions, minute by minute."""

from __future__ import annotations

import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.tasks import TASKS, Task

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass
class Result:
    """Seconds of one task by library, one figure (the median of its repeats) for each round."""

    task: Task
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, library: str) -> float:
        return statistics.median(self.rounds[library])

    def ratio(self, library: str, to: str = "torch") -> float:
        """The median over rounds of time / torch's time in the same round."""
        return statistics.median(a / b for a, b in zip(self.rounds[library], self.rounds[to]))


def installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None


def environment(threads: int) -> dict[str, str]:
    return {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads))}


class Worker:
    """A process with one library in it."""

    def __init__(self, library: str, threads: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", library, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(threads),
        )  # fmt: skip

    def time(self, task: str, repeats: int) -> float:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{task} {repeats}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the benchmark process died during {task!r}; run it alone to see why")
        return json.loads(answer)

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


def run(names: Iterable[str], rounds: int, repeats: int, threads: int, say: Callable[[str], None]) -> list[Result]:
    """Measure the tasks in turn; within a task, the libraries in turn, round by round."""
    results = [Result(TASKS[name]) for name in names]
    libraries = {lib for r in results for lib in r.task.libraries if installed(lib)}
    workers = {lib: Worker(lib, threads) for lib in sorted(libraries)}
    try:
        for result in results:
            present = [lib for lib in result.task.libraries if lib in workers]
            for lib in present:  # warm up: not counted
                workers[lib].time(result.task.name, 1)
            for round_ in range(rounds):
                # the order alternates, so that neither always runs after the other has warmed the machine
                for lib in present if round_ % 2 else reversed(present):
                    time.sleep(0.02)  # let the other's threads stop spinning
                    result.rounds.setdefault(lib, []).append(workers[lib].time(result.task.name, repeats))
            say(f"{result.task.name}: " + ", ".join(f"{lib} {result.median(lib) * 1e3:.3f} ms" for lib in present))
    finally:
        for worker in workers.values():
            worker.close()
    return results


# ---- whole processes --------------------------------------------------------------------------------------------------
FIRST_STEP = """
from benchmarks.tasks import TASKS
TASKS["lenet"].libraries["{library}"]()()
"""


def time_process(code: str, threads: int, **variables: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env={**environment(threads), **variables})
    return time.perf_counter() - start


def run_processes(rounds: int, threads: int) -> dict[str, float]:
    """Median wall seconds of fresh processes: an empty one, imports, and the first training step, cold and warm."""
    codes = {
        "python -c pass": "pass",
        "import numpy": "import numpy",
        "import scratchnet": "import scratchnet",
        "import torch": "import torch",
        "first LeNet step, scratchnet, warm": FIRST_STEP.format(library="scratchnet"),
        "first LeNet step, torch": FIRST_STEP.format(library="torch"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            seconds[name].append(time_process(code, threads))
    medians = {name: statistics.median(s) for name, s in seconds.items()}
    with tempfile.TemporaryDirectory() as empty:
        cold = time_process(codes["first LeNet step, scratchnet, warm"], threads, NUMBA_CACHE_DIR=empty)
    medians["first LeNet step, scratchnet, cold (nothing compiled yet; once)"] = cold
    return medians
