"""`python -m benchmarks --check`: is anything slower, beside torch, than when benchmarks/results.json was written?

Ratios alone are compared: absolute times belong to a machine.  What looks slower is measured again, longer, before it is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.record import entry
from benchmarks.runner import Result
from benchmarks.tasks import Task, find

SLOWER = 1.25  # times the committed ratio


@dataclass(frozen=True)
class Finding:
    """A task that is not as good as it was."""

    task: str
    said: str


def compare(was: dict, result: Result) -> Finding | None:
    """What is worse in `result` than in the committed entry `was`."""
    task, now = result.task, entry(result)
    if "figures" not in was:  # it could not run then: nothing to lose
        return None
    if "figures" not in now:
        return Finding(task.full_name, f"ran, and now does not: {now.get('missing') or now.get('error')}")
    for library, ratio in was["ratios"].items():
        found = now["ratios"].get(library)
        if found is not None and found > SLOWER * ratio:
            said = f"{found:.2f} × {library}'s, committed {ratio:.2f} (more than {SLOWER} × that)"
            return Finding(task.full_name, said)
    return None


def check(record: dict, tasks: list[Task], measure: Callable[[list[Task], bool], list[Result]]) -> list[Finding]:
    """What is worse than in `record`. `measure(tasks, thoroughly)` measures, at first quickly."""

    def worse(results: list[Result]) -> list[Finding]:
        found = (compare(record[r.task.suite]["tasks"][r.task.name], r) for r in results)
        return [finding for finding in found if finding]

    known = [task for task in tasks if task.name in record.get(task.suite, {}).get("tasks", {})]
    suspects = [find(finding.task) for finding in worse(measure(known, False))]
    return worse(measure(suspects, True)) if suspects else []
