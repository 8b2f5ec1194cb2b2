"""Layers that change the shape: torch's outputs, gradients, representations and refusals."""

import pytest
import torch

import scratchnet
from scratchnet import nn
from scratchnet.testing import values

X = values((2, 3, 4, 2), 0)


@pytest.mark.parametrize(
    "text",
    [
        "Flatten()",
        "Flatten(0)",
        "Flatten(1, 2)",
        "Flatten(-3, -2)",
        "Flatten(2, 2)",
        "Unflatten(2, (2, 2))",
        "Unflatten(-2, (-1, 2))",
        "Unflatten(2, [4])",
        "Unflatten(dim=1, unflattened_size=(1, 3, 1))",
    ],
)
def test_layer(check_module, text):
    check_module(text, X)


def test_each_undoes_the_other():
    layer = nn.Sequential(nn.Flatten(1, 2), nn.Unflatten(1, (3, 4)))
    x = scratchnet.Tensor(X)
    assert (layer(x) == x).all()


@pytest.mark.parametrize(
    "text, shape",
    [
        ("Flatten()", (3,)),
        ("Flatten(1, 0)", (2, 3)),
        ("Flatten(1, 4)", (2, 3)),
        ("Flatten(2)", (2, 3)),
        ("Unflatten(1, (2, 2))", (2, 3)),
        ("Unflatten(2, (2, 2))", (2, 4)),
        ("Unflatten(1, (-1, -1))", (2, 4)),
        ("Unflatten(1, ())", (2, 4)),
        ("Unflatten(1, 2)", (2, 4)),
        ("Unflatten(1, (2, 2.0))", (2, 4)),
    ],
)
def test_refusals_are_those_of_torch(text, shape):
    refused = []
    for library in (scratchnet, torch):
        with pytest.raises((IndexError, RuntimeError, TypeError)) as caught:
            eval(text, vars(library.nn))(library.ones(*shape))
        refused.append(caught.type)
    assert refused[0] is refused[1]
