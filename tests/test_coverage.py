"""docs/coverage.md says what is so: every public name and argument of torch's is here, or the page says why not."""

from types import SimpleNamespace

import pytest
import torch

from scratchnet import nn
from tools import coverage_table


def test_nothing_is_missing_without_a_reason():
    assert coverage_table.problems() == []


def test_the_page_is_up_to_date():
    assert coverage_table.PAGE.read_text("utf-8") == coverage_table.page(), "run: python -m tools.coverage_table --write"


def test_the_check_can_fail(monkeypatch):
    monkeypatch.delattr(nn, "Conv2d")
    monkeypatch.setattr(nn, "Linear", lambda in_features, out_features: None)
    monkeypatch.setitem(coverage_table.REASONS, "nn.ReLU", "too hard")
    found = coverage_table.problems()
    assert "nn.Conv2d is missing" in found and "nn.Linear: bias is missing" in found
    assert "nn.ReLU is explained, but nothing is wrong with it" in found


@pytest.mark.parametrize(
    "ours, expected",
    [
        (lambda a, b=1, *, c=None: 0, {}),
        (lambda a, b=1.0, *args, **options: 0, {"c": "is missing"}),
        (lambda a, b=2, c=None: 0, {"b": "is 2 by default, and not 1"}),
        (lambda b=1, a=2, c=None: 0, {"b": "comes where a should", "a": "comes where b should"}),
    ],
)
def test_arguments_are_compared(ours, expected):
    assert coverage_table.argument_differences(lambda a, b=1, c=None: 0, ours) == expected


def test_signatures_of_compiled_functions_come_from_their_docstrings():
    assert list(coverage_table.arguments(torch.nn.functional.linear)) == ["input", "weight", "bias"]


def test_public_names():
    module = SimpleNamespace(__all__=["b", "a"], c=1)
    assert coverage_table.public_names(module) == ["a", "b"]
    names = coverage_table.public_names(torch.nn.functional)
    assert {"conv2d", "relu", "max_pool2d"} <= set(names) and not {"np", "math", "Tensor", "Callable"} & set(names)
