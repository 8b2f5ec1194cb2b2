"""`python -m benchmarks`: measure, print a table, write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

from benchmarks.runner import Result, run, run_processes
from benchmarks.tasks import TASKS

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        flags = next(line for line in lines if line.startswith("flags"))
        return f"{name}, {os.cpu_count()} cores, {'AVX-512' if 'avx512f' in flags else 'AVX2' if 'avx2' in flags else ''}"
    except (OSError, StopIteration):
        return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def versions() -> str:
    found = []
    for name in ("scratchnet", "torch", "numpy", "numba", "mygrad", "autograd"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"Python {platform.python_version()}, " + ", ".join(found)


def in_units(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def table(results: list[Result]) -> list[str]:
    libraries = ["scratchnet", "torch", "mygrad", "autograd"]
    rows = [f"| task | {' | '.join(libraries)} | scratchnet / torch | bar |", "|---|" + "---:|" * (len(libraries) + 2)]
    for r in results:
        cells = [in_units(r.median(lib)) if lib in r.rounds else "–" for lib in libraries]
        ratio = f"**{r.ratio('scratchnet'):.2f}**" if "torch" in r.rounds else "–"
        bar = f"≤ {r.task.bar}" if r.task.bar else "–"
        rows.append(f"| {r.task.description} | {' | '.join(cells)} | {ratio} | {bar} |")
    return rows


def page(results: list[Result], processes: dict[str, float], rounds: int, repeats: int, threads: int) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Measured by `make bench`; this page is its output. Each library runs in a process of its own on the same number of",
        f"threads ({threads}); the libraries take turns within every round, in alternating order. A time is the median over",
        f"{rounds} rounds of the median of {repeats} repeats; a ratio is the median over rounds of the ratio within the round.",
        "",
        f"- Processor: {processor()}",
        f"- Software: {versions()}",
        f"- Date: {datetime.date.today().isoformat()}",
        "",
        *table(results),
    ]
    if processes:
        lines += ["", "## Fresh processes", "", "| what | wall time |", "|---|---:|"]
        lines += [f"| {name} | {in_units(seconds)} |" for name, seconds in processes.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"what to measure: {', '.join(TASKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=15, help="timings in a round (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="threads (default: %(default)s)")
    parser.add_argument("--no-processes", action="store_true", help="leave out import and first-step times")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(PAGE.parent.parent)}")
    options = parser.parse_args()
    unknown = [name for name in options.tasks if name not in TASKS]
    if unknown:
        parser.error(f"unknown task {unknown[0]!r}; choose from {', '.join(TASKS)}")

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    results = run(options.tasks or TASKS, options.rounds, options.repeats, options.threads, say)
    processes = {} if options.no_processes or options.tasks else run_processes(5, options.threads)
    text = page(results, processes, options.rounds, options.repeats, options.threads)
    print(text)
    if options.write:
        PAGE.write_text(text)
        say(f"wrote {PAGE}")
    over = [r.task.name for r in results if r.task.bar and "torch" in r.rounds and r.ratio("scratchnet") > r.task.bar]
    if over:
        say(f"over their bar: {', '.join(over)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
