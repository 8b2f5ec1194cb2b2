"""Convolutional layers: torch's outputs, gradients, names, representations, initial numbers and refusals."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.testing import values

SHAPES = {1: (2, 4, 7), 2: (2, 4, 6, 5), 3: (2, 4, 4, 5, 3)}
LAYERS = [
    "Conv2d(4, 6, 3)",
    "Conv2d(4, 6, (2, 3), stride=2, padding=1)",
    "Conv2d(4, 6, 3, padding='same', dilation=2, bias=False)",
    "Conv2d(4, 6, (2, 3), padding='valid', groups=2)",
    "Conv2d(4, 6, 3, padding=(2, 1), padding_mode='reflect')",
    "Conv2d(4, 6, 3, padding=2, padding_mode='replicate', stride=(2, 1))",
    "Conv2d(4, 6, (3, 5), padding='same', padding_mode='circular', groups=2)",
    "Conv2d(4, 8, 1, groups=4)",
    "Conv1d(4, 6, 3)",
    "Conv1d(4, 6, 2, 2, 1, 2, 2, False)",
    "Conv1d(4, 6, 3, padding='same')",
    "Conv1d(4, 2, 3, padding=2, padding_mode='reflect')",
    "Conv1d(4, 2, 4, padding='same', padding_mode='replicate')",
    "Conv1d(4, 2, 3, padding=(3,), padding_mode='circular')",
    "Conv3d(4, 6, 3)",
    "Conv3d(4, 6, (2, 3, 1), stride=(2, 1, 1), padding=(1, 0, 2), groups=2)",
    "Conv3d(4, 2, 3, padding='same', dilation=(1, 2, 1))",
    "Conv3d(4, 2, (2, 3, 1), padding=1, padding_mode='reflect', bias=False)",
    "Conv3d(4, 2, 3, padding='same', padding_mode='replicate')",
    "Conv3d(4, 2, 2, padding=(1, 2, 0), padding_mode='circular')",
    "ConvTranspose1d(4, 6, 3)",
    "ConvTranspose1d(4, 6, 3, 3, 1, 2, 2, False, 2)",
    "ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1)",
    "ConvTranspose2d(4, 6, (2, 3), stride=(1, 3), groups=2, dilation=(3, 1), output_padding=(2, 1))",
    "ConvTranspose3d(4, 2, 2, stride=2, bias=False)",
    "ConvTranspose3d(4, 2, (1, 2, 3), stride=(1, 2, 3), padding=(0, 1, 1), output_padding=(0, 1, 2))",
]


def dims_of(text):
    return int(text[text.index("d(") - 1])


@pytest.mark.parametrize("text", LAYERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layer(check_module, text, dtype):
    x = values(SHAPES[dims_of(text)], 3, dtype=dtype)
    atol = {np.float32: 2e-5, np.float64: 1e-10}[dtype]  # roundings of sums of a hundred products, some of which cancel
    check_module(text, x, atol=atol)
    check_module(text, x[0], train=False, atol=atol)


@pytest.mark.parametrize("text", LAYERS)
def test_initial_numbers_are_those_of_torch(text):
    made = []
    for library in (scratchnet, torch):
        library.manual_seed(5)
        made.append(eval(text, vars(library.nn)))
    for ours, theirs in zip(*(layer.state_dict().values() for layer in made), strict=True):
        np.testing.assert_allclose(ours.array, theirs.numpy(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "text, size",
    [
        ("ConvTranspose1d(4, 2, 3, stride=3)", (23,)),
        ("ConvTranspose1d(4, 2, 3, stride=3)", (2, 2, 22)),
        ("ConvTranspose2d(4, 2, 3, stride=2, padding=1)", (12, 9)),
        ("ConvTranspose2d(4, 2, 3, stride=2, padding=1)", [11, 10]),
        ("ConvTranspose3d(4, 2, 2, stride=(1, 2, 1), dilation=2)", (2, 2, 6, 11, 5)),
    ],
)
def test_output_size(check_module, text, size):
    x = values(SHAPES[dims_of(text)], 3)
    check_module(text, x, output_size=size)
    if len(size) == dims_of(text):
        check_module(text, x[0], output_size=size)


@pytest.mark.parametrize("size", [(24,), (20,), (21, 21), (2, 21), 3.5])
def test_output_sizes_that_torch_refuses(size):
    refused = []
    for library, tensor in ((nn, Tensor), (torch.nn, torch.tensor)):
        with pytest.raises((ValueError, TypeError)) as caught:
            library.ConvTranspose1d(4, 2, 3, stride=3)(tensor(values((2, 4, 7), 3, dtype=np.float32)), output_size=size)
        refused.append(caught.type)
    assert refused[0] is refused[1]


@pytest.mark.parametrize(
    "text",
    [
        "Conv2d(4, 6, 3, groups=3)",
        "Conv2d(4, 6, 3, groups=4)",
        "Conv2d(4, 6, 3, groups=0)",
        "Conv2d(4, 6, 3, padding='x')",
        "Conv2d(4, 6, 3, padding='same', stride=2)",
        "Conv2d(4, 6, 3, padding_mode='mirror')",
        "Conv1d(4, 6, 3, padding='same', stride=2)",
        "Conv3d(4, 6, 3, padding='same', stride=(1, 1, 2))",
        "ConvTranspose1d(4, 6, 3, padding_mode='reflect')",
        "ConvTranspose2d(4, 6, 3, groups=3)",
    ],
)
def test_a_layer_refuses_what_torch_refuses(text):
    for library in (nn, torch.nn):
        with pytest.raises(ValueError) as caught:
            eval(text, vars(library))
        assert caught.type is ValueError


def test_what_lies_beyond_the_edges_by_hand():
    x = Tensor(np.array([[[1.0, 2, 3]]]))
    expected = {"zeros": [2, 4, 2], "reflect": [4, 4, 4], "replicate": [3, 4, 5], "circular": [5, 4, 3]}
    for mode, numbers in expected.items():
        layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode=mode, bias=False).double()
        layer.weight.array[...] = [[[1, 0, 1]]]
        assert layer(x).tolist() == [[numbers]]
