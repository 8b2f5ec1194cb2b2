"""`python -m benchmarks`: measure scratchnet beside torch, print tables, write docs/benchmarks.md and benchmarks/results.json."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
from dataclasses import dataclass

from benchmarks import check, record, report
from benchmarks.runner import Result, run
from benchmarks.tasks import SUITES, Task

THOROUGH_SECONDS, QUICK_SECONDS, QUICK_ROUNDS = 0.1, 0.05, 3


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    p.add_argument("tasks", nargs="*", metavar="TASK", help="suite/task, or a pattern like 'conv/*depthwise*' (default: all)")
    p.add_argument("--suite", nargs="+", default=[], choices=SUITES, metavar="S", help=f"suites: {', '.join(SUITES)}")
    p.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default: %(default)s)")
    p.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="threads (default: %(default)s)")
    p.add_argument("--list", action="store_true", help="list the tasks and measure nothing")
    ends = p.add_mutually_exclusive_group()
    ends.add_argument("--write", action="store_true", help="write docs/benchmarks.md and benchmarks/results.json")
    ends.add_argument("--render", action="store_true", help="write the page from the record; measure nothing")
    ends.add_argument("--check", action="store_true", help="compare ratios with benchmarks/results.json; exit 1 if any is worse")
    return p


def choose(patterns: list[str], suites: list[str]) -> list[Task]:
    """The tasks of these suites and those that a pattern names; ValueError for a pattern that names none."""
    tasks = [task for suite in SUITES.values() for task in suite.tasks.values()]
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(task.full_name, pattern) for task in tasks):
            raise ValueError(f"no task is named {pattern!r}; --list lists them")
    if not patterns and not suites:
        return tasks
    return [t for t in tasks if t.suite in suites or any(fnmatch.fnmatchcase(t.full_name, p) for p in patterns)]


@dataclass
class Progress:
    """Says on stderr what was measured, task by task."""

    total: int
    done: int = 0

    def __call__(self, result: Result) -> None:
        self.done += 1
        entry, measure = record.entry(result), SUITES[result.task.suite].measure
        if "figures" in entry:
            said = ", ".join(f"{lib} {report.in_units(figure, measure)}" for lib, figure in entry["figures"].items())
            said += "".join(f", ratio {ratio:.2f}" for lib, ratio in entry["ratios"].items() if lib == "torch")
        else:
            said = f"does not exist yet: {entry['missing']}" if "missing" in entry else f"FAILS: {entry['error']}"
        print(f"[{self.done}/{self.total}] {result.task.full_name}: {said}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    p = parser()
    options = p.parse_args(arguments)
    try:
        tasks = choose(options.tasks, options.suite)
    except ValueError as error:
        p.error(str(error))
    if options.list:
        print(*(f"{task.full_name:40} {task.shape}" for task in tasks), sep="\n")
        return 0
    if options.render:
        report.PAGE.write_text(report.page(record.load()))
        return 0
    if options.check:
        return report_check(tasks, options.threads)
    results = run(tasks, options.rounds, options.threads, THOROUGH_SECONDS, Progress(len(tasks)))
    if options.write:
        kept = record.merge(record.load(), results, options.rounds, options.threads)  # read now: others may have written
        record.save(kept)
        report.PAGE.write_text(report.page(kept))
        print(f"wrote {report.PAGE} and {record.RESULTS}", file=sys.stderr)
    else:
        print(report.page(record.merge({}, results, options.rounds, options.threads)).removeprefix(report.INTRODUCTION))
    return 1 if any(result.error for result in results) else 0


def report_check(tasks: list[Task], threads: int) -> int:
    def measure(chosen: list[Task], thoroughly: bool) -> list[Result]:
        if thoroughly:
            print(f"{len(chosen)} look worse; measuring them again, longer", file=sys.stderr)
        rounds, seconds = (9, THOROUGH_SECONDS) if thoroughly else (QUICK_ROUNDS, QUICK_SECONDS)
        return run(chosen, rounds, threads, seconds, Progress(len(chosen)))

    worse = check.check(record.load(), tasks, measure)
    for finding in worse:
        print(f"worse than committed: {finding.task}: {finding.said}")
    if not worse:
        print(f"no ratio is more than {check.SLOWER} times the committed one")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
