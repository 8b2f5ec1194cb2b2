"""What was measured, as it is kept in benchmarks/results.json: figures by suite and task, and where they come from."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Iterable
from pathlib import Path

from benchmarks.runner import Result
from benchmarks.tasks import SUITES

RESULTS = Path(__file__).parent / "results.json"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
        flags = next(line for line in lines if line.startswith("flags")).split()
        vectors = ", AVX-512" if "avx512f" in flags else ", AVX2" if "avx2" in flags else ""
    except (OSError, StopIteration):
        name, vectors = platform.processor() or platform.machine(), ""
    return f"{name}, {os.cpu_count()} cores{vectors}"


def versions() -> str:
    found = [f"Python {platform.python_version()}"]
    for name in ("torch", "numpy", "numba", "mygrad", "autograd"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def entry(result: Result) -> dict:
    """One task: the median figure of each library, and the median over rounds of scratchnet / each of the others."""
    if result.missing or result.error:
        return {"missing": result.missing} if result.missing else {"error": result.error}
    figures = {library: float(f"{result.median(library):.4g}") for library in result.rounds}
    ratios = {lib: round(result.ratio(lib) or 0, 3) for lib in figures if lib != "scratchnet" and "scratchnet" in figures}
    return {"figures": figures, "ratios": ratios}


def merge(record: dict, results: Iterable[Result], rounds: int, threads: int) -> dict:
    """`record` with these results in place of older ones; tasks that were not measured stay, those that are no more go."""
    record = {name: dict(record[name]) for name in record if name in SUITES}
    measured = {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "versions": versions(),
        "threads": threads,
        "rounds": rounds,
    }
    for result in results:
        suite = SUITES[result.task.suite]
        tasks = {**record.get(suite.name, {}).get("tasks", {}), result.task.name: entry(result)}
        record[suite.name] = {**measured, "tasks": {name: tasks[name] for name in suite.tasks if name in tasks}}
    return {name: record[name] for name in SUITES if name in record}


def load(path: Path = RESULTS) -> dict:
    return json.loads(path.read_text()) if path.exists() else {}


def save(record: dict, path: Path = RESULTS) -> None:
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
