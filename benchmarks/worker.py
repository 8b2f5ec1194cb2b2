"""A process that holds one library and times one task whenever it is told to: `python -m benchmarks.worker LIBRARY THREADS`."""

from __future__ import annotations

import json
import sys
import time

from benchmarks.tasks import TASKS


def main() -> None:
    library, threads = sys.argv[1], int(sys.argv[2])
    if library == "torch":
        import torch

        torch.set_num_threads(threads)
    steps: dict = {}
    for line in sys.stdin:
        name, repeats = line.split()
        task = TASKS[name]
        if name not in steps:
            step = steps[name] = task.libraries[library]()
            for _ in range(3 * task.inner):  # compile, fill caches
                step()
        step, seconds = steps[name], []
        for _ in range(int(repeats)):
            start = time.perf_counter()
            for _ in range(task.inner):
                step()
            seconds.append((time.perf_counter() - start) / task.inner)
        print(json.dumps(sorted(seconds)[len(seconds) // 2]), flush=True)


if __name__ == "__main__":
    main()
