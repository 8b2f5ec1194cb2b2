"""Measured variances against Glorot's and He's derivations."""

import functools

import numpy as np
import pytest

import scratchnet
from scratchnet import nn
from scratchnet.study.variance import variance_through_depth

SIZES = dict(depth=12, width=96, batch=64)
GAIN = {"standard": 1 / 3, "xavier": 1.0, "kaiming": 2.0, "orthogonal": 1.0}  # n · Var(w)
SHARE = {"identity": 1.0, "relu": 0.5}


def test_the_predicted_factor_is_within_fifteen_percent_of_the_measured_one():
    result = variance_through_depth(activation=tuple(SHARE), **SIZES)
    assert len(result.runs) == len(GAIN) * len(SHARE)
    for run in result.runs:
        predicted = GAIN[run.initialiser] * SHARE[run.activation]
        assert run.forward_factor == pytest.approx(predicted, rel=0.15)
        assert run.backward_factor == pytest.approx(predicted, rel=0.15)


def test_an_identity_changes_nothing():
    def same(weight, generator):
        return nn.init.eye_(weight)

    (run,) = variance_through_depth(same, nn.Identity, depth=3, width=4, batch=8).runs
    assert (run.initialiser, run.activation) == ("same", "Identity")
    assert run.forward_factor == run.backward_factor == 1 and np.ptp(run.forward) == 0


def test_functions_of_one_name_are_two_runs_and_the_numbers_of_others_stay():
    scale = [lambda weight, generator, c=c: nn.init.constant_(weight, c) for c in (0.25, 0.5)]
    scratchnet.manual_seed(0)
    expected = scratchnet.rand(3).tolist()
    scratchnet.manual_seed(0)
    with scratchnet.no_grad():
        first, second = variance_through_depth(scale, functools.partial(nn.Identity), depth=2, width=4, batch=8).runs
    assert second.forward[0] == pytest.approx(4 * first.forward[0]) and first.initialiser == "<lambda>"
    assert scratchnet.rand(3).tolist() == expected


def test_the_table_and_the_picture(tmp_path):
    result = variance_through_depth("xavier", ("tanh", "relu"), depth=3, width=4, batch=8)
    assert [line.split()[:2] for line in str(result).split("\n")[1:]] == [["xavier", "tanh"], ["xavier", "relu"]]
    figure = result.plot(tmp_path / "variance.png")
    lines = [line for ax in figure.axes for line in ax.get_lines()]
    assert len(lines) == 4 and (tmp_path / "variance.png").stat().st_size > 0
    np.testing.assert_array_equal(lines[2].get_ydata(), result.runs[0].backward)


@pytest.mark.parametrize("given", [dict(initialiser="glorot"), dict(activation=["relu", "sine"]), dict(depth=1)])
def test_refusals(given):
    with pytest.raises(ValueError, match=r"unknown (initialiser|activation)|expected depth"):
        variance_through_depth(**given)
