"""`--check` compares ratios, measures again what looks worse, and names what is."""

import pytest

from benchmarks import __main__ as program
from benchmarks.check import check
from benchmarks.runner import Result
from benchmarks.tasks import SUITES

CHAIN, TINY = SUITES["engine"].tasks["chain"], SUITES["engine"].tasks["tiny-net"]


def committed(**ratios):
    names = {"chain": "chain", "tiny": "tiny-net"}
    entries = {names[k]: {"figures": {"scratchnet": 1.0}, "ratios": {"torch": v}} for k, v in ratios.items()}
    return {"engine": {"tasks": entries}}


class Measurements:
    """A `measure` that answers with given ratios, first the quick ones, and remembers what it was asked."""

    def __init__(self, *ratios):
        self.ratios, self.asked = list(ratios), []

    def __call__(self, tasks, thoroughly):
        self.asked.append((tuple(task.name for task in tasks), thoroughly))
        ratios = self.ratios.pop(0)
        absolute = 10.0 ** len(self.asked)  # means nothing
        return [Result(task, {"scratchnet": [ratios[task.name] * absolute], "torch": [absolute]}) for task in tasks]


def test_a_ratio_within_a_quarter_of_the_committed_one_is_fine():
    measure = Measurements({"chain": 1.24, "tiny-net": 0.1})
    assert check(committed(chain=1.0, tiny=0.5), [CHAIN, TINY], measure) == []
    assert measure.asked == [(("chain", "tiny-net"), False)]


def test_what_is_worse_is_measured_again_and_named():
    measure = Measurements({"chain": 1.0, "tiny-net": 0.7}, {"tiny-net": 0.65})
    [finding] = check(committed(chain=1.0, tiny=0.5), [CHAIN, TINY], measure)
    assert finding.task == "engine/tiny-net"
    assert "0.65" in finding.said and "0.50" in finding.said
    assert measure.asked[1:] == [(("tiny-net",), True)]


def test_noise_is_not_named():
    assert check(committed(chain=1.0), [CHAIN], Measurements({"chain": 3.0}, {"chain": 1.1})) == []


def test_tasks_that_were_not_committed_are_not_measured():
    measure = Measurements({"chain": 9.9})
    assert check(committed(tiny=0.5), [CHAIN], measure) == []
    assert measure.asked == [((), False)]


@pytest.mark.parametrize("then, worse", [({"figures": {}, "ratios": {}}, True), ({"missing": "x"}, False)], ids=str)
def test_a_task_that_ran_must_run(then, worse):
    record = {"engine": {"tasks": {"chain": then}}}
    found = check(record, [CHAIN], lambda tasks, thoroughly: [Result(CHAIN, error="ValueError: no")])
    assert [finding.said for finding in found] == ["ran, and now does not: ValueError: no"] * worse


@pytest.mark.parametrize("ratio, code", [(1.2, 0), (1.3, 1)])
def test_the_program_exits_with_1_and_names_the_task(ratio, code, monkeypatch, capsys):
    monkeypatch.setattr(program.record, "load", lambda: committed(chain=1.0))
    monkeypatch.setattr(program, "run", lambda tasks, *rest: Measurements({"chain": ratio})(tasks, False))
    assert program.main(["--check", "engine/chain"]) == code
    assert ("engine/chain" in capsys.readouterr().out) == bool(code)
