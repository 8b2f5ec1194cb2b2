"""Finding suites, choosing tasks, taking turns, and what happens where a library cannot do a task."""

import pkgutil
import subprocess
import sys

import pytest

import benchmarks.suites
from benchmarks import __main__ as program
from benchmarks import runner, tasks, worker
from benchmarks.suites.conv import SHAPES
from benchmarks.tasks import SUITES, Task

ALL = [task for suite in SUITES.values() for task in suite.tasks.values()]


def test_every_module_registers_its_suites():
    modules = {module.name for module in pkgutil.iter_modules(benchmarks.suites.__path__)}
    assert {"engine", "conv", "training", "startup"} <= modules
    assert {"engine", "conv", "conv_forward", "training", "inference", "memory", "startup"} <= set(SUITES)
    assert all(tasks.find(task.full_name) is task and "scratchnet" in task.libraries for task in ALL)
    assert len({suite.title for suite in SUITES.values()}) == len(SUITES)  # titles are addresses on the page


def test_two_tasks_or_suites_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two suites are named 'conv'"):
        tasks.suite("conv", "again")
    with pytest.raises(ValueError, match="two tasks named 'chain'"):
        SUITES["engine"].task("chain")(lambda torch: None)


def test_choosing():
    assert program.choose([], []) == ALL
    assert {task.suite for task in program.choose([], ["engine", "memory"])} == {"engine", "memory"}
    assert {task.full_name for task in program.choose(["conv*/LeNet 1"], [])} == {"conv/LeNet 1", "conv_forward/LeNet 1"}
    assert len(program.choose(["memory/*"], ["engine"])) == len(SUITES["engine"].tasks) + len(SUITES["memory"].tasks)
    with pytest.raises(SystemExit):
        program.main(["nothing/of-that-name"])


def fake(monkeypatch, answers, **libraries):
    """A task whose figures are answered by `answers(library)`."""
    asked = []

    def figure(task, library, workers, threads, seconds):
        asked.append(library)
        return answers(library)

    monkeypatch.setitem(runner.FIGURES, "step", figure)
    return Task("engine", "x", "", libraries or {"scratchnet": "", "torch": ""}), asked


def test_libraries_take_turns_in_alternating_order(monkeypatch):
    task, asked = fake(monkeypatch, lambda library: {"figure": 1.0 if library == "torch" else 2.0})
    result = runner.measure(task, {}, 3, 1, 0.1)
    assert asked[1:] == ["torch", "scratchnet", "scratchnet", "torch", "torch", "scratchnet"]  # the first warms up
    assert result.rounds == {"torch": [1.0] * 3, "scratchnet": [2.0] * 3} and result.ratio() == 2.0


def test_a_library_that_is_not_installed_is_left_out(monkeypatch):
    task, asked = fake(monkeypatch, lambda library: {"figure": 1.0}, scratchnet=lambda: None, no_such_library=lambda: None)
    assert runner.measure(task, {}, 1, 1, 0.1).rounds == {"scratchnet": [1.0]}


@pytest.mark.parametrize(
    "failing, answer, missing, error",
    [("scratchnet", {"missing": "no LSTM"}, "no LSTM", ""), ("scratchnet", {"error": "bad"}, "", "bad"),
     ("torch", {"error": "bad"}, "", "torch: bad")],
)  # fmt: skip
def test_what_cannot_run_is_said_once_and_stops_nothing(monkeypatch, failing, answer, missing, error):
    task, _ = fake(monkeypatch, lambda library: answer if library == failing else {"figure": 1.0})
    heard = []
    [result, other] = runner.run([task, task], 2, 1, 0.1, heard.append)
    assert (result.missing, result.error, result.rounds) == (missing, error, {})
    assert heard == [result, other]


@pytest.mark.parametrize(
    "error, kind",
    [(AttributeError("module 'scratchnet.nn' has no attribute 'LSTM'"), "missing"), (NotImplementedError("pool"), "missing"),
     (ImportError("No module named 'scratchnet.x'"), "missing"), (ValueError("scratchnet"), "error"),
     (AttributeError("'NoneType' object has no attribute 'grad'"), "error")],
)  # fmt: skip
def test_a_missing_layer_is_told_from_a_mistake(error, kind):
    assert list(worker.explain(error, "scratchnet")) == [kind]


def test_repeats_fit_the_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(worker.time, "perf_counter", lambda: now[0])

    def lasting(seconds):
        calls = []

        def step():
            calls.append(1)
            now[0] += seconds

        return step, calls

    for seconds, repeats in ((0.0099, 10), (0.04, 3), (0.5, 1)):
        step, calls = lasting(seconds)
        timed = worker.Timed(step)
        calls.clear()
        assert timed.median(0.1) == pytest.approx(seconds)
        assert len(calls) == repeats + 1  # the first is not counted
    step, calls = lasting(1e-5)
    assert worker.Timed(step).median(0.1) == pytest.approx(1e-5)  # a hundred calls for each reading of the clock


def test_a_process_times_what_it_is_told_and_survives_mistakes():
    process = runner.Worker("scratchnet", 1)
    try:
        chain = tasks.find("engine/chain")
        assert 1e-5 < process.ask(chain, 0.01)["figure"] < 10
        assert "error" in process.ask(Task("engine", "unheard of", "", {}), 0.01)
        assert "figure" in process.ask(chain, 0.01)
    finally:
        process.close()
    assert process.process.returncode == 0


def test_a_process_that_died_is_said_and_another_started():
    process = runner.Worker("scratchnet", 1)
    chain = tasks.find("engine/chain")
    try:
        process.ask(chain, 0.01)
        process.process.kill()
        process.process.wait()
        assert process.ask(chain, 0.01) == {"error": "the process ended with code -9"}
        assert "figure" in process.ask(chain, 0.01)
    finally:
        process.close()


def test_memory_and_whole_processes():
    found = runner.memory_figure(tasks.find("engine/chain"), "scratchnet", {}, 1, 0.1)
    assert 0 <= found["figure"] < 1e9
    code = "from benchmarks.worker import rise_of_peak; print(rise_of_peak(lambda: bytearray(b'x') * 2**27))"
    hog = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert 0.95 * 2**27 <= hog < 1.5 * 2**27  # a little was free before
    task = Task("startup", "x", "", {"scratchnet": "import time; time.sleep(0.1)", "torch": "1 / 0"})
    assert runner.process_figure(task, "scratchnet", {}, 1, 0.1)["figure"] > 0.1
    assert runner.process_figure(task, "torch", {}, 1, 0.1) == {"error": "ZeroDivisionError: division by zero"}


@pytest.mark.parametrize("name", SHAPES)
def test_operations_of_a_convolution_are_counted_as_torch_counts_them(name):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        convolve, x, weight, bias = SHAPES[name].call(torch)
        convolve(x, weight, bias)
    assert SHAPES[name].gflop == pytest.approx(counter.get_total_flops() * 1e-9)
