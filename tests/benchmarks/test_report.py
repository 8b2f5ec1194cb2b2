"""The page and the record, from made-up results."""

import json

import pytest

from benchmarks import record, report
from benchmarks.runner import Result
from benchmarks.tasks import SUITES, suite


@pytest.fixture(autouse=True)
def two_suites(monkeypatch):
    """Nothing but these two exists."""
    monkeypatch.setattr("benchmarks.tasks.SUITES", SUITES)
    before = dict(SUITES)
    SUITES.clear()
    layers = suite("layers", "Layers, forward", mean=1.0, limit=1.5)
    layers.task("a", "2×3", gflop=3.0)(lambda torch: None)
    layers.task("b", "4×5", limit=2.0)(lambda torch: None)
    layers.task("c")(lambda torch: None)
    starts = suite("starts", "Fresh processes", measure="process", note="Of a process.")
    starts.add("first", "", {"scratchnet": "pass", "torch": "pass", "numpy": "pass"}, at_most=1.5, against={"numpy": 0.5})
    yield
    SUITES.clear()
    SUITES.update(before)


def result(name, scratchnet=(), torch=(), **rest):
    family, task = name.split("/")
    rounds = {"scratchnet": list(scratchnet), "torch": list(torch)} if scratchnet else {}
    return Result(SUITES[family].tasks[task], rounds, **rest)


def measured(*results):
    return record.merge({}, results, 7, 2)


def rows(page, start):
    return [line for line in page.splitlines() if line.startswith(start)]


def test_a_ratio_is_the_median_over_rounds_of_the_ratio_within_the_round():
    found = record.entry(result("layers/a", [0.1, 0.8, 0.3], [0.2, 0.2, 0.3]))
    assert found == {"figures": {"scratchnet": 0.3, "torch": 0.2}, "ratios": {"torch": 1.0}}    # not 0.3 / 0.2


def test_rows_of_a_suite():
    page = report.page(measured(
        result("layers/a", [0.01] * 3, [0.02] * 3), result("layers/b", [0.0126], [0.006]), result("layers/c", missing="no c")
    ))  # fmt: skip
    assert rows(page, "| a |") == ["| a | 2×3 | 10.0 ms | 20.0 ms | 300 : 150 | **0.50** |  | yes |"]
    assert rows(page, "| b |") == ["| b | 4×5 | 12.6 ms | 6.00 ms |  | **2.10** | ≤ 2.0 | **no** |"]
    assert rows(page, "| c |") == ["| c |  | does not exist yet: no c |  |  |  |  | **no** |"]
    widths = {row.count("|") for row in rows(page, "| a |") + rows(page, "| c |") + rows(page, "| task |")}
    assert widths == {9}


def test_the_summary_has_the_geometric_mean_the_worst_task_and_what_is_not_met():
    all_of_them = [result("layers/a", [0.5], [1.0]), result("layers/b", [1.9], [1.0]), result("layers/c", [1.0], [1.0])]
    [row] = rows(report.page(measured(*all_of_them)), "| [Layers")
    assert row == "| [Layers, forward](#layers-forward) | 3 | **0.98** | ≤ 1.0 | 1.90 (b) | ≤ 1.5 | yes |"  # b may be 2.0
    [row] = rows(report.page(measured(*all_of_them[:2])), "| [Layers")
    assert row.endswith("| **no**: 1 not measured |")
    some = [result("layers/a", [1.6], [1.0]), all_of_them[1], result("layers/c", error="ValueError: no")]
    [row] = rows(report.page(measured(*some)), "| [Layers")
    assert row.endswith("**no**: 1 cannot run, 1 over their own bar, mean |")


@pytest.mark.parametrize(
    "seconds, versus_numpy, met", [(1.4, 0.4, True), (1.6, 0.4, False), (1.4, 0.6, False)], ids=str
)
def test_bars_in_seconds_and_against_other_libraries(seconds, versus_numpy, met):
    found = Result(SUITES["starts"].tasks["first"], {"scratchnet": [seconds], "torch": [9.0], "numpy": [seconds / versus_numpy]})
    page = report.page(measured(found))
    [row] = rows(page, "| first |")
    assert "≤ 1.50 s, ≤ 0.5 × numpy" in row
    assert row.endswith("| yes |" if met else "| **no** |")
    assert ("**no**" in rows(page, "| [Fresh")[0]) is not met
    assert "Of a process." in page


def test_a_suite_without_bars_is_neither_met_nor_not():
    free = suite("free", "Free")
    free.task("x")(lambda torch: None)
    [row] = rows(report.page(measured(result("free/x", [3.0], [1.0]))), "| [Free")
    assert row == "| [Free](#free) | 1 | **3.00** | – | 3.00 (x) | – | – |"


def test_writing_some_tasks_keeps_the_others(tmp_path):
    file = tmp_path / "results.json"
    assert record.load(file) == {}
    old = measured(result("layers/b", [2.0], [1.0]), result("layers/a", [2.0], [1.0]))
    old["starts"] = {"tasks": {}, "date": "then"}
    old["gone"] = {"tasks": {}}
    old["layers"]["tasks"]["gone"] = {}
    record.save(old, file)
    new = record.merge(record.load(file), [result("layers/a", [3.0], [1.0])], 5, 2)
    assert list(new) == ["layers", "starts"] and new["starts"]["date"] == "then"
    ratios = {name: entry["ratios"]["torch"] for name, entry in new["layers"]["tasks"].items()}
    assert ratios == {"a": 3.0, "b": 2.0} and list(ratios) == ["a", "b"]  # in the order of the suite
    assert json.loads(file.read_text())["layers"]["tasks"]["a"]["ratios"] == {"torch": 2.0}  # `merge` writes nothing


@pytest.mark.parametrize(
    "figure, measure, text",
    [(1.23456, "step", "1.23 s"), (0.0456, "step", "45.6 ms"), (1.5e-3, "step", "1.50 ms"), (123e-6, "step", "123 µs"),
     (4e-7, "step", "0.400 µs"), (283.4e6, "memory", "283 MB"), (0, "memory", "0 MB"), (12345.6, "process", "12346 s")],
)  # fmt: skip
def test_units(figure, measure, text):
    assert report.in_units(figure, measure) == text


def test_a_bar_in_a_text_does_not_end_the_cell():
    [row] = rows(report.page(measured(result("layers/c", error="a | b"))), "| c |")
    assert r"fails: a \| b" in row
