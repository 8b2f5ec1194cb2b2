"""Bilinear against torch: outputs, gradients, initial numbers, refusals. (Linear: tests/nn/functional/test_linear.py)"""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet.nn import functional as F
from scratchnet.testing import check_against_torch, check_gradient, values

X1, X2, W, B = values((2, 3, 4), 0), values((2, 3, 5), 1), values((6, 4, 5), 2), values((6,), 3)


@pytest.mark.parametrize("text", ["Bilinear(4, 5, 6)", "Bilinear(4, 5, 6, bias=False)"])
def test_layer(check_module, text):
    check_module(text, X1, X2)
    check_module(text, X1[0, 0], X2[0, 0])


def test_gradients():
    check_gradient(F.bilinear, X1[:, 0], X2[:, 0], W, B)


def test_an_example_by_hand():
    """(1, 2) · [[0, 1], [1, 0]] · (3, 4) = 1·4 + 2·3"""
    x1, x2, w = (scratchnet.tensor(x) for x in ([1.0, 2.0], [3.0, 4.0], [[[0.0, 1.0], [1.0, 0.0]]]))
    assert F.bilinear(x1, x2, w).tolist() == [10]


@pytest.mark.parametrize(
    "args",
    [
        (X1, X2[:1], W), (X1[..., :3], X2, W), (X1, X2[..., :3], W), (X1, X2, W[0]), (X1, X2, W, B[:5]),
        (X1.astype(np.float32), X2, W),
    ],
)  # fmt: skip
def test_refusals_are_those_of_torch(args):
    check_against_torch("nn.functional.bilinear", *args)


def test_initial_numbers_and_refusals_of_the_layer():
    states = []
    for library in (scratchnet, torch):
        library.manual_seed(5)
        states.append(library.nn.Bilinear(3, 4, 5).state_dict())
        with pytest.raises(ValueError, match="in1_features must be > 0"):
            library.nn.Bilinear(0, 4, 5)
    for ours, theirs in zip(states[0].values(), states[1].values()):
        np.testing.assert_array_equal(ours.array, theirs.numpy())


def test_empty_batch():
    check_against_torch("nn.functional.bilinear", X1[:0], X2[:0], W, B)


@pytest.mark.parametrize("options", [{}, {"bias": False}])
def test_the_first_input_tells_lazy_layers_their_size(options):
    layers = []
    for library, tensor in ((scratchnet, scratchnet.tensor), (torch, torch.tensor)):
        library.manual_seed(5)
        layer = library.nn.LazyLinear(3, **options)
        assert repr(layer) == f"LazyLinear(in_features=0, out_features=3, bias={not options})"
        y = layer(tensor(X1.astype(np.float32)))
        assert type(layer) is library.nn.Linear
        layers.append((repr(layer), y.detach().numpy(), {k: v.detach().numpy() for k, v in layer.named_parameters()}))
    (text, y, state), (their_text, expected, their_state) = layers
    assert text == their_text and list(state) == list(their_state)
    np.testing.assert_allclose(y, expected, 1e-5, 1e-6)
    for name in state:
        np.testing.assert_array_equal(state[name], their_state[name])


def test_a_lazy_layer_takes_the_size_of_what_is_loaded():
    whole, lazy = scratchnet.nn.Linear(4, 3), scratchnet.nn.LazyLinear(3)
    lazy.load_state_dict(whole.state_dict())
    assert np.array_equal(lazy.weight.array, whole.weight.array)
