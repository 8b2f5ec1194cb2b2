"""Embedding: gradients to second order, torch, rows that are looked up more than once, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor, nn
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes


@given(shapes(0, 3, 0, 3), seeds(), st.sampled_from([None, 0, -1]), st.booleans())
def test_gradients_and_torch(shape, seed, padding, by_frequency):
    indices = np.random.default_rng(seed).integers(0, 3, shape)
    options = dict(padding_idx=padding, scale_grad_by_freq=by_frequency)
    w = values((3, 2), seed)
    check_against_torch("nn.functional.embedding", indices, w, **options)
    if not by_frequency and padding is None:  # the others are no gradients, but what one wants instead
        check_gradient(lambda w: F.embedding(Tensor(indices), w, **options), w)


def test_an_example_by_hand():
    w = Tensor(np.array([[1.0, 2], [3, 4], [5, 6]]), True)
    y = F.embedding(Tensor(np.array([2, 0, 2])), w, padding_idx=0)
    assert y.tolist() == [[5, 6], [1, 2], [5, 6]]
    y.sum().backward()
    assert w.grad.tolist() == [[0, 0], [0, 0], [2, 2]]  # row 2 was seen twice; row 0 is padding


@pytest.mark.parametrize("norm_type", [1.0, 2.0])
def test_long_rows_are_shortened_in_place(norm_type):
    w, indices = values((4, 3), 0), np.array([[0, 2], [2, 3]])

    def call(library):
        def lookup(indices, w):
            w = w.detach().clone()
            return library.nn.functional.embedding(indices, w, max_norm=1.0, norm_type=norm_type), w

        return lookup

    import scratchnet

    check_against_torch(call(scratchnet), indices, w, torch_fn=call(torch))


W = values((5, 2), 0)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((np.array([5]), W), {}),
        ((np.array([-1]), W), {}),
        ((np.array([1.0]), W), {}),
        ((np.array([1], np.uint8), W), {}),
        ((np.array([1], np.int32), W), {}),
        ((np.array([1]), W[0]), {}),
        ((np.array([1]), W), dict(padding_idx=5)),
    ],
)
def test_refusals_are_those_of_torch(args, kwargs):
    check_against_torch("nn.functional.embedding", *args, **kwargs)


@pytest.mark.parametrize(
    "text",
    [
        "Embedding(5, 2)",
        "Embedding(5, 2, padding_idx=-1)",
        "Embedding(5, 2, max_norm=1.0, norm_type=1.0)",
        "Embedding(5, 2, scale_grad_by_freq=True)",
    ],
)
def test_layer(check_module, text):
    check_module(text, np.array([[1, 4], [4, 0]]))


def test_from_pretrained():
    layer = nn.Embedding.from_pretrained(Tensor(W))
    assert not layer.weight.requires_grad and layer(Tensor(np.array(1))).tolist() == W[1].tolist()
    assert nn.Embedding.from_pretrained(Tensor(W), freeze=False).weight.requires_grad
    with pytest.raises(NotImplementedError, match="sparse=True"):
        nn.Embedding(3, 2, sparse=True)(Tensor(np.array([1])))
    with pytest.raises(AssertionError, match="Shape of weight does not match"):
        nn.Embedding(3, 2, _weight=Tensor(W))
