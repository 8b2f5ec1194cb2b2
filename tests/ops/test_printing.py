"""Text of tensors, character by character torch's."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import nn
from scratchnet.testing.strategies import seeds, shapes, values

RNG = np.random.default_rng(0)
ARRAYS = [
    np.array(3.0),
    np.array([1, 2.0]),
    np.array([1.5, np.nan, np.inf, -np.inf]),
    np.array([1.0, np.nan, np.inf]),
    np.array([1e-5, 1]),
    np.array([1e9, 1]),
    np.array([1e8, 1.0]),
    np.array([-0.0, 0]),
    np.array([0.00012, 5]),
    np.array(1e-10),
    np.array([1e300, 1e-300]),
    np.array([np.nan]),
    np.zeros(0),
    np.zeros((2, 0)),
    np.zeros((2, 3, 0, 4)),
    RNG.standard_normal((3, 4)),
    RNG.standard_normal((30, 40)),
    RNG.standard_normal((2, 500, 2)),
    RNG.standard_normal((5, 6, 7, 8)),
    RNG.standard_normal(40),
    np.arange(1001.0),
    np.arange(2000).reshape(2, 1000),
    np.arange(100),
    RNG.integers(-1000, 1000, (7, 3)),
    np.arange(60).reshape(3, 4, 5) > 30,
    np.array(True),
    np.array(5),
    np.zeros((0,), np.int64),
]
OPTIONS = [
    *({}, {"precision": 2}, {"sci_mode": True}, {"sci_mode": False}, {"profile": "short"}, {"edgeitems": 0}),
    *({"profile": "full", "linewidth": 40}, {"edgeitems": 1, "threshold": 10}, {"precision": 8, "linewidth": 120}),
]


@pytest.fixture(params=OPTIONS, ids=str)
def options(request):
    for F in (scratchnet, torch):
        F.set_printoptions(profile="default")
        F.set_printoptions(**request.param)
    yield request.param
    for F in (scratchnet, torch):
        F.set_printoptions(profile="default")


def assert_same_text(array, requires_grad=False):
    ours = repr(scratchnet.tensor(array, requires_grad=requires_grad))
    theirs = repr(torch.tensor(array, requires_grad=requires_grad)).replace("torch.", "scratchnet.")
    if "dtype=" in theirs:  # our name is 5 letters longer: the line may break before what follows it
        ours, theirs = (re.sub(r",\s+(dtype|requires_grad)=", r", \1=", text) for text in (ours, theirs))
    assert ours == theirs


def test_text(options):
    for array in ARRAYS:
        for dtype in (
            ("float16", "float32", "float64") if array.dtype.kind == "f" else ("int32", "int64", "bool", "uint8")
        ):
            with np.errstate(all="ignore"):
                converted = array.astype(dtype)
            assert_same_text(converted)
            if array.dtype.kind == "f":
                assert_same_text(converted, requires_grad=True)


@given(shape=shapes(max_side=9), seed=seeds(), exponent=st.integers(-12, 12), whole=st.booleans())
def test_drawn_text(shape, seed, exponent, whole):
    x = values(shape, seed, dtype=np.float32) * np.float32(10.0**exponent)
    assert_same_text(np.trunc(x) if whole else x)


def test_options():
    before = scratchnet.get_printoptions()
    with scratchnet.printoptions(precision=1):
        assert repr(scratchnet.tensor(1.23)) == "tensor(1.2)"
    assert scratchnet.get_printoptions() == before
    with pytest.raises(ValueError, match="profile"):
        scratchnet.set_printoptions(profile="long")


def test_history_is_shown():
    x = scratchnet.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == str(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x + 1) == "tensor([2., 3.], grad_fn=<Add>)"
    assert repr(x.detach()) == "tensor([1., 2.])"
    assert repr(nn.Parameter(x.detach())) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    assert f"{x[0]:.2f}" == "1.00"


def test_by_hand():
    x = scratchnet.tensor([[0.5, -10.25], [2.0, 3.0]], dtype=scratchnet.float64)
    assert repr(x) == ("tensor([[  0.5000, -10.2500],\n        [  2.0000,   3.0000]], dtype=scratchnet.float64)")
