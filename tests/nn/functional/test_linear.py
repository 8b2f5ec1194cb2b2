"""Affine maps: gradients to second order, torch, an example by hand, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor, nn
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes


@given(shapes(0, 3, 1, 3), st.integers(1, 3), st.integers(1, 3), st.booleans(), seeds())
def test_gradients(leading, inputs, outputs, with_bias, seed):
    arrays = [values((*leading, inputs), seed), values((outputs, inputs), seed + 1)]
    arrays += [values((outputs,), seed + 2)] if with_bias else []
    check_gradient(F.linear, *arrays)
    check_against_torch("nn.functional.linear", *arrays)


def test_an_example_by_hand():
    x, w, b = (
        Tensor(np.array([[1.0, 2]]), True),
        Tensor(np.array([[3.0, 4], [5, 6]]), True),
        Tensor(np.array([7.0, 8]), True),
    )
    y = F.linear(x, w, b)
    assert y.tolist() == [[18, 25]]  # 1·3 + 2·4 + 7, 1·5 + 2·6 + 8
    y.backward(Tensor(np.array([[1.0, 10]])))
    assert x.grad.tolist() == [[53, 64]]  # 3 + 10·5, 4 + 10·6
    assert w.grad.tolist() == [[1, 2], [10, 20]]
    assert b.grad.tolist() == [1, 10]


X, W = values((2, 4), 0), values((5, 4), 1)


@pytest.mark.parametrize(
    "args",
    [
        (X, W[0]),
        (X[0], W[0]),
        (X, W[0], W[0, :1]),
        (X[:, :3], W),
        (X[:, :0], W[:, :0]),
        (X[:0], W),
        (X, W[:0]),
        (X, W, W[:4, 0]),
        (X, W, W[:1, 0]),
        (X, W, W[:, :2].T),
        (X, W, W[None, :1]),
        (X, W, W[0, 0].reshape(())),
        (X.astype(np.float32), W),
        (X, W, W[:, 0].astype(np.float32)),
        (X.astype(np.int64), W.astype(np.int64)),
        (X[0, 0].reshape(()), W),
        (X, W[None]),
        (X, None),
    ],
)
def test_unusual_shapes_and_refusals_are_those_of_torch(args):
    check_against_torch("nn.functional.linear", *args)


def test_messages_say_what_was_given_and_what_was_expected():
    with pytest.raises(
        RuntimeError, match=r"input of shape \(2, 3\) has 3 features, but weight of shape \(5, 4\) expects 4"
    ):
        F.linear(Tensor(X[:, :3]), Tensor(W))


@pytest.mark.parametrize("text", ["Linear(4, 3)", "Linear(4, 3, bias=False)", "Identity(3, a=5)"])
def test_layer(check_module, text):
    for dtype in (np.float32, np.float64):
        check_module(text, values((2, 3, 4), 0, dtype=dtype))


def test_dtype_of_the_parameters():
    assert nn.Linear(2, 2, dtype=np.float64).weight.dtype == np.float64
    with pytest.raises(RuntimeError, match="in_features must not be negative"):
        nn.Linear(-1, 2)
    with pytest.raises(TypeError, match="out_features must be an int"):
        nn.Linear(1, 2.0)


@pytest.mark.parametrize("text", ["Flatten()", "Flatten(0, 1)", "Unflatten(1, (2, 2))", "Unflatten(-1, (-1, 2))"])
def test_layers_that_change_the_shape(check_module, text):
    check_module(text, values((2, 4, 4), 0))


@pytest.mark.parametrize("text", ["1, 2", "1, (2, 2.5)"])
def test_unflatten_refuses_what_torch_refuses(text):
    for library in (nn, torch.nn):
        with pytest.raises(TypeError):
            eval(f"Unflatten({text})", vars(library))
