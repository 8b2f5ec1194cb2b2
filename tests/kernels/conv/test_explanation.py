"""What explain says is what is done."""

import numpy as np
import pytest

from scratchnet.kernels import conv
from scratchnet.kernels.conv import compiled, costs, geometry_of
from tests.kernels.conv.planning import vectors_of

SHAPES = [
    ((8, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1, 1), ((8, 64, 56, 56), (256, 64, 1, 1), 1, 0, 1, 1),
    ((8, 96, 48, 48), (96, 1, 3, 3), 2, 1, 1, 96), ((2, 8, 40), (8, 8, 9), 1, 4, 1, 1), ((0, 3, 9, 9), (4, 3, 3, 3), 1, 0, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES)
def test_the_way_it_names_is_the_one_that_is_gone(shapes, monkeypatch):
    explained = conv.explain(*shapes)
    assert [e.what for e in explained] == ["forward", "grad_input", "grad_weight"]
    s = geometry_of(*shapes)
    x, w, g = (np.zeros(shape, np.float32) for shape in (s.input_shape, s.weight_shape, s.output_shape))
    gone = []
    for name in ("_forward", "_grad_input", "_grad_weight"):
        monkeypatch.setattr(compiled, name, lambda s, way, *arrays: gone.append(way))
    conv.conv_forward.twin(x, w, *shapes[2:])
    conv.conv_grad_input.twin(g, w, x.shape, *shapes[2:])
    conv.conv_grad_weight.twin(g, x, w.shape, *shapes[2:])
    assert gone == [e.way for e in explained]


def test_it_prints_what_a_reader_asks_for():
    with vectors_of(64):
        text = repr(conv.explain((8, 64, 56, 56), (64, 64, 3, 3), padding=1))
    for words in ("forward: by", "by channels", "1.85 GFLOP", "of peak predicted", "lanes", "patch", "packed", "KiB"):
        assert words in text


@pytest.mark.parametrize("shapes", SHAPES[:4])
def test_predicted_shares_are_shares(shapes):
    for e in conv.explain(*shapes):
        assert 0 < e.share_of_peak <= 1
        assert e.costs[e.way] == min(e.costs.values())


def test_double_precision_costs_twice():
    single, double = (costs.ways(geometry_of(*SHAPES[0]), "forward", np.dtype(d)) for d in ("f4", "f8"))
    assert all(1.7 < double[way] / single[way] < 2.3 for way in single)


def test_refusals():
    with pytest.raises(RuntimeError, match="input has 3 channels"):
        conv.explain((1, 3, 5, 5), (2, 4, 3, 3))
    with pytest.raises(TypeError, match="float32 or float64"):
        conv.explain((1, 3, 5, 5), (2, 3, 3, 3), dtype="float16")
