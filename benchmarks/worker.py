"""A process that holds one library and times a task whenever it is told to.

`python -m benchmarks.worker LIBRARY THREADS` reads lines `{"task": "suite/name", "seconds": 0.1}` and answers each with a line
`{"figure": seconds of a step}`, `{"missing": what the library lacks}` or `{"error": what went wrong}`.  With a task as third
argument it is a fresh process that answers once: by how many bytes the first step raised the peak of its memory.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import resource
import sys
import time
from pathlib import Path

from benchmarks.tasks import Step, find

LONG_ENOUGH = 1e-3  # seconds that the clock can tell apart: what is shorter is called several times


class Timed:
    """A prepared step that has been warmed up: compiled, caches filled, its duration known."""

    def __init__(self, step: Step) -> None:
        self.step = step
        began, calls = time.perf_counter(), 0
        while calls < 3 or (calls < 20 and time.perf_counter() - began < 0.05):
            start = time.perf_counter()
            step()
            self.estimate, calls = time.perf_counter() - start, calls + 1

    def median(self, seconds: float) -> float:
        """The median over as many repeats as fit into `seconds`; over three, or one of a long step, where none do."""
        inner = max(1, round(LONG_ENOUGH / self.estimate))
        repeats = max(1 if self.estimate > 0.1 else 3, min(101, int(seconds / (inner * self.estimate))))
        self.step()  # the other processes have used the caches since
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            for _ in range(inner):
                self.step()
            times.append((time.perf_counter() - start) / inner)
        return sorted(times)[repeats // 2]


def time_step(name: str, library: str, seconds: float, prepared: dict[str, Timed]) -> float:
    """Seconds of a step of the task; `prepared` holds the task that was asked for last, and no other."""
    if name not in prepared:
        prepared.clear()
        gc.collect()  # the arrays of the task before
        prepared[name] = Timed(find(name).libraries[library]())
    return prepared[name].median(seconds)


def explain(error: Exception, library: str) -> dict[str, str]:
    """A name that does not exist yet is no fault of the task."""
    text = f"{type(error).__name__}: {error}".splitlines()[0][:160]
    lacking = isinstance(error, NotImplementedError) or (
        isinstance(error, (AttributeError, ImportError)) and library in str(error)
    )
    return {"missing": str(error).splitlines()[0][:160] or text} if lacking else {"error": text}


def peak() -> int:
    """The largest number of bytes that this process has held so far.

    Linux keeps `ru_maxrss` across fork and exec, so that a small child of a large process seems large: not so `VmHWM`.
    """
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def rise_of_peak(step: Step) -> int:
    """How far `step` takes the process above what it holds now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far, which building a network may have set
    before = peak()
    step()
    return peak() - before


def main() -> None:
    library, threads, *once = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    if library in ("scratchnet", "torch"):
        module = importlib.import_module(library)
        (module if library == "torch" else module.config).set_num_threads(int(threads))

    def answer(figure_of) -> None:
        try:
            reply = {"figure": figure_of()}
        except Exception as error:
            reply = explain(error, library)
        print(json.dumps(reply), file=answers, flush=True)

    if once:
        answer(lambda: rise_of_peak(find(once[0]).libraries[library]()))
        return
    prepared: dict[str, Timed] = {}
    for line in sys.stdin:
        request = json.loads(line)
        answer(lambda request=request: time_step(request["task"], library, request["seconds"], prepared))


if __name__ == "__main__":
    main()
