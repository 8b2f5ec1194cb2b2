"""Lazy modules: the shape comes with the first input, as in torch; states, conversions, copies, refusals."""

import copy
import pickle

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn.lazy import LazyModuleMixin, UninitializedBuffer, UninitializedParameter, is_lazy
from scratchnet.testing import check_layer, values

LAYERS = [
    ("LazyConv1d(4, 3, padding=1)", (2, 6, 7)),
    ("LazyConv2d(4, (3, 2), 2, groups=2, bias=False)", (2, 6, 7, 5)),
    ("LazyConv3d(4, 2, padding='same', padding_mode='circular')", (6, 3, 4, 3)),
    ("LazyConvTranspose1d(4, 3, 2, 1, 1)", (2, 6, 7)),
    ("LazyConvTranspose2d(4, 3, 2, groups=2)", (6, 4, 5)),
    ("LazyConvTranspose3d(4, 2, bias=False)", (2, 6, 2, 3, 2)),
]
layers = pytest.mark.parametrize("text, shape", LAYERS)


def make(text, library=nn):
    return eval(text, vars(library))


@layers
def test_a_layer_becomes_an_ordinary_one(text, shape):
    made = []
    for library, tensor in ((scratchnet, Tensor), (torch, torch.tensor)):
        library.manual_seed(3)
        layer = make(text, library.nn)
        before = repr(layer)
        layer(tensor(values(shape, 0, dtype=np.float32)))
        made.append((layer, before))
    (ours, our_text), (theirs, their_text) = made
    assert our_text == their_text and repr(ours) == repr(theirs)
    assert type(ours) is getattr(nn, text.split("(")[0].removeprefix("Lazy"))
    for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(a.array, b.numpy(), rtol=1e-6)
    check_layer(ours, theirs, values(shape, 1))


def test_before_the_first_input():
    layer = nn.LazyConv2d(4, 3)
    assert layer.has_uninitialized_params() and all(is_lazy(p) for p in layer.parameters())
    assert repr(layer.weight) == "<UninitializedParameter>" and layer.weight.dtype == np.float32
    assert layer.double().weight.dtype == np.float64
    with pytest.raises(RuntimeError, match="Can't access the shape"):
        layer.weight.shape  # noqa: B018
    with pytest.raises(ValueError, match="no values yet"):
        layer.weight + 1
    layer(Tensor(np.ones((1, 2, 3, 3))))
    assert layer.weight.shape == (4, 2, 3, 3) and layer.weight.dtype == np.float64
    assert type(layer.weight) is nn.Parameter and layer.weight.requires_grad


def test_states():
    x = scratchnet.ones(1, 2, 5)
    full, lazy = nn.LazyConv1d(3, 2), nn.LazyConv1d(3, 2)
    assert all(is_lazy(value) for value in lazy.state_dict().values())
    lazy.load_state_dict(nn.LazyConv1d(3, 2).state_dict())  # nothing into nothing
    assert lazy.has_uninitialized_params()
    y = full(x)
    lazy.load_state_dict(full.state_dict())
    assert not lazy.has_uninitialized_params() and np.array_equal(lazy(x).array, y.array)
    assert type(lazy) is nn.Conv1d
    with pytest.raises(RuntimeError, match="shape of an uninitialized"):
        full.load_state_dict(nn.LazyConv1d(3, 2).state_dict())


def test_copies():
    layer = nn.Sequential(nn.LazyConv1d(3, 2), nn.ReLU(), nn.LazyConv1d(1, 2))
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other(scratchnet.ones(1, 2, 5)).shape == (1, 1, 3)
        assert type(other[2]) is nn.Conv1d and other[2].in_channels == 3
        assert other(scratchnet.ones(1, 2, 5)).shape == (1, 1, 3)
        assert type(layer[0]) is nn.LazyConv1d


def test_training_after_the_first_input():
    layer = nn.LazyConv1d(3, 2)
    layer(scratchnet.ones(1, 2, 5))
    optimizer = scratchnet.optim.SGD(layer.parameters(), lr=1.0)
    before = layer.bias.array.copy()
    layer(scratchnet.ones(1, 2, 5)).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(layer.bias.array, before - 4)


@pytest.mark.parametrize("text, shape", [("LazyConv2d(4, 3)", (5, 5)), ("LazyConv1d(4, 3, groups=2)", (1, 3, 5))])
def test_refusals_are_those_of_torch(text, shape):
    refused = []
    for library in (scratchnet, torch):
        with pytest.raises((RuntimeError, ValueError)) as caught:
            make(text, library.nn)(library.ones(*shape))
        refused.append(caught.type)
    assert refused[0] is refused[1]


def test_a_lazy_module_of_ones_own():
    class Scale(nn.Module):
        def forward(self, x):
            return x * self.weight + self.shift

    class LazyScale(LazyModuleMixin, Scale):
        cls_to_become = Scale

        def __init__(self, forgetful=False):
            super().__init__()
            self.weight, self.forgetful = UninitializedParameter(), forgetful
            self.register_buffer("shift", UninitializedBuffer())

        def initialize_parameters(self, x):
            self.weight.materialize(x.shape[-1:])
            if not self.forgetful:
                self.shift.materialize(x.shape[-1:])

    layer = LazyScale()
    assert layer.double().shift.dtype == np.float64
    assert layer(Tensor(np.ones((2, 3)))).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert type(layer) is Scale and type(layer.shift) is Tensor and list(layer.state_dict()) == ["weight", "shift"]
    with pytest.raises(RuntimeError, match="has not been fully initialized"):
        LazyScale(forgetful=True)(scratchnet.ones(2, 3))
