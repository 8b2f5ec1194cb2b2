"""Every known mistake, planted in a layer between two others, is found there and named; and nothing else is."""

import re

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import interop, nn
from scratchnet.interop import causes
from scratchnet.interop.causes import explain
from tests.interop.causes import (
    planted_attention,
    planted_backward,
    planted_elementwise,
    planted_normalisation,
    planted_options,
    planted_recurrent,
    planted_sampling,
    planted_weights,
)
from tests.interop.causes.planting import ROWS

_TABLES = (
    planted_options, planted_weights, planted_normalisation, planted_elementwise, planted_sampling, planted_recurrent,
    planted_attention, planted_backward,
)  # fmt: skip
PLANTED = [row for table in _TABLES for row in table.PLANTED]
IDS = [f"{row.hypothesis}-{row.kind}" for row in PLANTED]
# Their guesses differ in a value, a name or an order: one of them stands for all.
OF_VALUES = {
    "weights.bias", "weights.gates", "weights.projections", "weights.transposed_blocks", "normalisation.axes",
    "elementwise.another_activation", "elementwise.another_softmax", "backward.factor", "backward.broadcast",
}  # fmt: skip


def compare(row, ours):
    return interop.compare(ours, row.theirs, row.given, dtype="float64", train=row.train)


@pytest.mark.parametrize("row", PLANTED, ids=IDS)
def test_a_planted_mistake_is_found_and_named(row):
    comparison = compare(row, row.ours)
    first = comparison.first_difference
    assert (first.layer, first.layer_kind, first.what) == ("layer", row.kind, row.what)
    assert [cause.text for cause in comparison.causes] == [row.text, *row.also]
    assert comparison.likely_cause.hypothesis == row.hypothesis


def test_every_hypothesis_has_a_planted_mistake():
    assert {row.hypothesis for row in PLANTED} == {known.name for known in causes.KNOWN}


def without_numbers(text):
    return re.sub(r"[\d.]+", "#", text)


def test_every_guess_has_a_planted_mistake():
    """Of a hypothesis that knows several mistakes, each is planted."""
    planted = {without_numbers(row.text) for row in PLANTED}
    several = [row for row in PLANTED if not (row.hypothesis in OF_VALUES or row.hypothesis.startswith("options."))]
    for row in {(row.hypothesis, row.train, row.what): row for row in several}.values():
        comparison = compare(row, row.ours)
        evidence = comparison._pairing.evidence(comparison.first_difference)
        known = next(known for known in causes.KNOWN if known.name == row.hypothesis)
        guessed = {without_numbers(guess.text) for guess in known.guesses(evidence)}
        assert guessed <= planted, (known.name, guessed - planted)


RIGHT = {(row.kind, row.train): row for row in PLANTED}


@pytest.mark.parametrize("row", RIGHT.values(), ids=[f"{row.kind}-{row.train}" for row in RIGHT.values()])
def test_a_right_layer_has_no_difference_and_no_cause(row):
    comparison = compare(row, row.right)
    assert comparison.ok and comparison.causes == [] and comparison.facts == [], str(comparison)


NOISY = {row.kind: row for row in PLANTED if not row.kind.endswith("Loss") and row.kind != "Embedding"}


@pytest.mark.parametrize("row", NOISY.values(), ids=list(NOISY))
def test_noise_is_not_explained(row):
    def noisy(self, *xs, **named):
        y = getattr(nn, row.kind).forward(self, *xs, **named)
        first = y[0] if isinstance(y, tuple) else y
        wave = scratchnet.arange(first.numel(), dtype=first.dtype).reshape(first.shape).sin()
        first = first * (1 + 1e-4 * wave)
        return (first, *y[1:]) if isinstance(y, tuple) else first

    row = type(row)(row.hypothesis, "", row.kind, row.args, row.inputs, row.options, row.keywords, forward=noisy)
    comparison = compare(row, row.ours)
    assert comparison.first_difference.layer == "layer" and comparison.first_difference.kind == "output"
    assert comparison.causes == []


def scaled(cls, factor):
    return type(cls.__name__, (cls,), {"forward": lambda self, x: cls.forward(self, x) * factor})


def test_a_right_layer_is_not_blamed_for_what_torch_does():
    """Here torch's model has a forward of its own; as often, it rounds otherwise, which no layer explains."""
    comparison = interop.compare(nn.LayerNorm(6), scaled(torch.nn.LayerNorm, 1.01)(6), ROWS)
    assert comparison.causes == []
    assert comparison.facts[0].startswith("nn.LayerNorm with torch's options and weights gives our numbers, too")
    assert comparison.facts[1] == "ours is 0.990099 times torch's, everywhere"


def test_containers_are_not_run_again_empty():
    """A Sequential of one's own that returns its input is not what nn.Sequential computes."""
    comparison = interop.compare(scaled(nn.Sequential, 1)(), scaled(torch.nn.Sequential, 2)(), ROWS)
    assert comparison.facts == ["ours is 0.5 times torch's, everywhere"]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_few_roundings_are_no_mistake(dtype):
    """In float16, eps=0 or a bias that is left out would give such numbers, too."""
    eps = np.finfo(dtype).eps
    ours = nn.Sequential(scaled(nn.Linear, 1 + 4 * eps)(6, 6), scaled(nn.LayerNorm, 1 + 6 * eps)(6))
    theirs = torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.LayerNorm(6))
    comparison = interop.compare(ours, theirs, ROWS, dtype=dtype, rtol=0, atol=0)
    assert not comparison.ok and comparison.causes == []
    assert "roundings of the array's largest number: dtype='float64' tells" in comparison.facts[-1]
    row = next(row for row in comparison.rows if row.backward and not row.ok)
    assert explain(comparison._pairing.evidence(row))[0] == []
