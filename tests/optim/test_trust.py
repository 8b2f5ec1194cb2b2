"""Lengths and their ratio, where one is 0 or its square too large."""

import numpy as np
import pytest

import scratchnet
from scratchnet import nn, optim
from scratchnet.optim.trust import norm, trust_ratio


def test_a_layer_of_zeros_moves_too():
    assert trust_ratio(0.0, 3.0, 0.1) == trust_ratio(3.0, 0.0, 0.1) == 1
    for kind in (optim.LARS, optim.LAMB):
        p = nn.Parameter(scratchnet.zeros(2))
        p.grad = scratchnet.ones(2)
        kind([p], lr=0.5).step()
        assert p.array == pytest.approx(-0.5, abs=1e-3)


def test_the_length_of_half_precision_does_not_overflow():
    assert norm(np.full(4, 300, np.float16)) == 600 and norm(np.full((2, 2), 3, np.float32)[:, ::2]) == pytest.approx(18**0.5)
