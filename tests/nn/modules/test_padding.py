"""Padding layers: torch's outputs, gradients and representations in all modes and dimensions, refusals."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import nn
from scratchnet.testing import values

SHAPES = {1: (2, 3, 5), 2: (2, 3, 4, 5), 3: (2, 3, 4, 3, 5)}
WIDTHS = {1: (1, 2), 2: (2, 1, 0, 3), 3: (1, 2, 0, 1, 2, 1)}


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("kind", ["ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad"])
def test_layer(check_module, kind, dims):
    x, value = values(SHAPES[dims], 0), ", 3.5" if kind == "ConstantPad" else ""
    for widths in (1, WIDTHS[dims], [*WIDTHS[dims]]):
        check_module(f"{kind}{dims}d({widths}{value})", x)
    check_module(f"{kind}{dims}d(2{value})", x[0], train=True)
    check_module(f"{kind}{dims}d({(-1, *WIDTHS[dims][1:])}{value})", x, train=True)


def test_zeros_are_a_constant():
    for dims in (1, 2, 3):
        zeros, constant = (getattr(nn, f"{kind}Pad{dims}d") for kind in ("Zero", "Constant"))
        assert issubclass(zeros, constant) and zeros(1).value == 0


@pytest.mark.parametrize(
    "text, shape",
    [
        ("CircularPad1d(1)", (4,)),
        ("CircularPad1d(5)", (2, 4)),
        ("CircularPad2d(1)", (2, 4)),
        ("CircularPad3d(1)", (2, 4, 3)),
        ("ReflectionPad1d(1)", (1, 2, 3, 4)),
        ("ReflectionPad1d(4)", (1, 2, 4)),
        ("ReflectionPad2d(1)", (3, 4)),
        ("ReplicationPad3d(1)", (3, 4, 5)),
        ("ConstantPad2d(-3, 1)", (3, 4)),
        ("ConstantPad2d(1, 1)", (3,)),
    ],
)
def test_refusals_are_those_of_torch(text, shape):
    refused = []
    for library in (scratchnet, torch):
        with pytest.raises((ValueError, RuntimeError, NotImplementedError)) as caught:
            eval(text, vars(library.nn))(library.ones(shape))
        refused.append(caught.type)
    assert refused[0] is refused[1]


def test_dtypes_are_kept():
    for dtype in (np.float32, np.float16):
        assert nn.ReflectionPad1d(1)(scratchnet.Tensor(np.ones((1, 2, 3), dtype))).dtype == dtype
