"""docs/benchmarks.md: a table of bars, then one table a suite."""

from __future__ import annotations

import math
from pathlib import Path

from benchmarks.tasks import SUITES, Suite, Task

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"

INTRODUCTION = """\
# Benchmarks

Written by `make bench`, from measurements alone. Each library runs in a process of its own on the same number of threads;
they take turns within every round, in alternating order. A time is the median over rounds of the median of many repeats; a
ratio is the median over rounds of scratchnet's time / the other's within the round: below 1, scratchnet is faster. The same
code, given either library as `torch`, runs in both ([benchmarks/suites](../benchmarks/suites)). `make bench-check` measures
anew and says which ratios have become worse than those below.
"""


def in_units(figure: float, measure: str) -> str:
    """Bytes, or seconds, with three significant digits."""
    scales = ((1e6, "MB"),) if measure == "memory" else ((1, "s"), (1e-3, "ms"), (1e-6, "µs"))
    scale, unit = next((s for s in scales if figure >= s[0]), scales[-1])
    value = figure / scale
    return f"{value:.{max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0}f} {unit}"


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def within(task: Task, entry: dict) -> bool:
    """Does a task keep the bars of its own?  One that could not run does not."""
    if "figures" not in entry:
        return False
    figures, ratios = entry["figures"], entry["ratios"]
    limit = task.limit or SUITES[task.suite].limit
    return not (
        (limit and ratios.get("torch", 0) > limit)
        or (task.at_most and figures.get("scratchnet", 0) > task.at_most)
        or any(ratios.get(library, math.inf) > most for library, most in task.against.items())
    )


def bars(task: Task) -> str:
    """The bars of one task, in words."""
    found = [f"≤ {task.limit}"] if task.limit else []
    if task.at_most:
        found.append(f"≤ {in_units(task.at_most, SUITES[task.suite].measure)}")
    return ", ".join(found + [f"≤ {most:g} × {library}" for library, most in task.against.items()])


def row(suite: Suite, task: Task, entry: dict, libraries: list[str], columns: set[str]) -> str:
    cells = [task.name, task.shape]
    if "figures" in entry:
        figures, ratios = entry["figures"], entry["ratios"]
        cells += [in_units(figures[lib], suite.measure) if lib in figures else "–" for lib in libraries]
        if "gflop" in columns:
            speeds = [f"{task.gflop / figures[lib]:.0f}" for lib in ("scratchnet", "torch") if task.gflop and lib in figures]
            cells.append(" : ".join(speeds))
        if "ratio" in columns:
            cells.append(f"**{ratios['torch']:.2f}**" if "torch" in ratios else "–")
    else:
        cells.append(f"does not exist yet: {entry['missing']}" if "missing" in entry else f"fails: {entry['error']}")
        cells += [""] * (len(libraries) - 1 + ("gflop" in columns) + ("ratio" in columns))
    met = "yes" if within(task, entry) else "**no**"
    if "bar" in columns:
        cells += [bars(task)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in [*cells, met]) + " |"


def section(suite: Suite, record: dict) -> list[str]:
    """A title, where the figures come from, a table."""
    entries = record["tasks"]
    seen = {library for entry in entries.values() for library in entry.get("figures", {})}
    order = [library for task in suite.tasks.values() for library in task.libraries]
    libraries = [lib for lib in dict.fromkeys(["scratchnet", "torch", *order]) if lib in seen] or ["scratchnet"]
    tasks = [(suite.tasks[name], entry) for name, entry in entries.items() if name in suite.tasks]
    columns = {"gflop"} if any(task.gflop for task, _ in tasks) else set()
    columns |= {"ratio"} if {"scratchnet", "torch"} <= set(libraries) else set()
    columns |= {"bar"} if any(bars(task) for task, _ in tasks) else set()
    heads = ["task", "shape", *libraries, *(["GFLOP/s scratchnet : torch"] if "gflop" in columns else [])]
    heads += ["scratchnet / torch"] if "ratio" in columns else []
    heads += ["bar"] if "bar" in columns else []
    numbers = len(heads) - 2 - ("bar" in columns)
    return [
        "", f"## {suite.title}", "", *([suite.note, ""] if suite.note else []),
        f"`python -m benchmarks --suite {suite.name}` on {record['date']}: {record['processor']}; {record['threads']} threads; "
        f"{record['rounds']} rounds; {record['versions']}.", "",
        "| " + " | ".join([*heads, "met"]) + " |", "|---|---|" + "---:|" * numbers + "---|" * (1 + ("bar" in columns)),
        *(row(suite, task, entry, libraries, columns) for task, entry in tasks),
    ]  # fmt: skip


def summary_row(suite: Suite, record: dict) -> str:
    entries = {name: entry for name, entry in record["tasks"].items() if name in suite.tasks}
    ratios = {name: entry["ratios"]["torch"] for name, entry in entries.items() if "torch" in entry.get("ratios", {})}
    cells = [f"[{suite.title}](#{anchor(suite.title)})", f"{len(entries)}"]
    unknown = len(suite.tasks) - len(entries)
    failed = [name for name, entry in entries.items() if "figures" not in entry]
    beyond = [name for name, entry in entries.items() if not within(suite.tasks[name], entry)]
    mean = geometric_mean(list(ratios.values())) if ratios else None
    cells += [f"**{mean:.2f}**" if mean else "–", f"≤ {suite.mean}" if suite.mean else "–"]
    worst = max(ratios, key=lambda name: ratios[name]) if ratios else ""
    cells += [f"{ratios[worst]:.2f} ({worst})" if worst else "–", f"≤ {suite.limit}" if suite.limit else "–"]
    trouble = [f"{unknown} not measured"] * bool(unknown)
    trouble += [f"{len(failed)} cannot run"] * bool(failed)
    trouble += [f"{len(beyond) - len(failed)} over their own bar"] * (len(beyond) > len(failed))
    trouble += ["mean"] * bool(mean and suite.mean and mean > suite.mean)
    if not (suite.mean or suite.limit or any(bars(suite.tasks[name]) for name in entries)) and not failed:
        cells.append("–")
    else:
        cells.append(f"**no**: {', '.join(trouble)}" if trouble else "yes")
    return "| " + " | ".join(cells) + " |"


def anchor(title: str) -> str:
    """The name under which GitHub's Markdown finds a heading."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def page(record: dict) -> str:
    suites = [(SUITES[name], part) for name, part in record.items() if name in SUITES]
    lines = [
        INTRODUCTION,
        "## Bars", "",
        "scratchnet / torch; the mean is the geometric one over the tasks of a suite.", "",
        "| suite | tasks | mean | bar | worst task | bar | met |", "|---|---:|---:|---:|---:|---:|---|",
        *(summary_row(suite, part) for suite, part in suites),
    ]  # fmt: skip
    for suite, part in suites:
        lines += section(suite, part)
    return "\n".join(lines) + "\n"
