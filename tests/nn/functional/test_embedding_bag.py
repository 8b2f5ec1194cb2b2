"""Bags of embeddings: gradients to second order, torch, empty bags, padding, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor, nn
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds

NAME = "nn.functional.embedding_bag"
W = values((5, 3), 0, distinct=True)


@st.composite
def bags(draw):
    """Indices, and keyword arguments."""
    rng = np.random.default_rng(draw(seeds()))
    options = {"mode": draw(st.sampled_from(["sum", "mean", "max"])), "padding_idx": draw(st.sampled_from([None, 0, -1]))}
    if draw(st.booleans()):
        indices = rng.integers(0, 5, (draw(st.integers(0, 3)), draw(st.integers(1, 4))))
    else:
        indices = rng.integers(0, 5, draw(st.integers(0, 7)))
        last = draw(st.booleans())
        inner = sorted(draw(st.lists(st.integers(0, len(indices)), max_size=3)))
        options["offsets"] = np.array([0, *inner, *([len(indices)] if last else [])])
        options["include_last_offset"] = last
    if options["mode"] == "sum" and draw(st.booleans()):
        options["per_sample_weights"] = values(indices.shape, 1)
    return indices, options


@given(bags())
def test_torch(drawn):
    indices, options = drawn
    if indices.dtype == np.int64 and options.get("padding_idx") is not None and "per_sample_weights" in options:
        check_against_torch(NAME, indices, W, grad=False, **options)  # torch gives padded entries a gradient of noise
    else:
        check_against_torch(NAME, indices, W, **options)


@given(bags())
def test_gradients(fused_equals_composed, drawn):
    indices, options = drawn
    weights = options.pop("per_sample_weights", None)
    if "offsets" in options:
        options["offsets"] = Tensor(options["offsets"])

    def bag(w, s=None):
        return F.embedding_bag(Tensor(indices), w, per_sample_weights=s, **options)

    inputs = (W,) if weights is None else (W, weights)
    check_gradient(bag, *inputs)
    fused_equals_composed(bag, *inputs)


def test_an_example_by_hand():
    w = Tensor(np.array([[1.0, 6], [2, 5], [3, 4]]), True)
    for mode, y, g in (("sum", [[4, 10], [0, 0]], [[1, 1], [0, 0], [1, 1]]),
                       ("mean", [[2, 5], [0, 0]], [[0.5, 0.5], [0, 0], [0.5, 0.5]]),
                       ("max", [[3, 6], [0, 0]], [[0, 1], [0, 0], [1, 0]])):  # fmt: skip
        w.grad = None
        result = F.embedding_bag(Tensor(np.array([0, 2])), w, Tensor(np.array([0, 2])), mode=mode)
        result.sum().backward()
        assert result.tolist() == y and w.grad.tolist() == g


def test_gradients_divided_by_frequency():
    """(torch looks up the frequency in a wrong place when an index is repeated.)"""
    w = Tensor(W, True)
    F.embedding_bag(Tensor(np.array([[2, 2, 3]])), w, scale_grad_by_freq=True, mode="sum").sum().backward()
    assert w.grad.tolist() == [[0] * 3, [0] * 3, [1] * 3, [1] * 3, [0] * 3]


def test_nan_in_the_largest():
    w = np.array([[1.0, np.nan], [np.nan, 2.0], [1.0, 2.0]])
    check_against_torch(NAME, np.array([[0, 1, 2], [2, 2, 0]]), w, mode="max", grad=False)


def test_long_rows_are_shortened():
    indices, w = np.array([[0, 2], [2, 3]]), values((4, 3), 0)
    check_against_torch(NAME, indices, w, max_norm=1.0, grad=False)


I, O = np.array([1, 2, 3]), np.array([0, 2])


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((np.array([1, 5]), W, O[:1]), {}),
        ((np.array([1, -1]), W, O[:1]), {}),
        ((I, W, O + 1), {}),
        ((I, W, np.array([0, 4])), {}),
        ((I, W, None), {}),
        ((I, W, O[None]), {}),
        ((I[None], W, O), {}),
        ((I[None, None], W), {}),
        ((I, W[0], O), {}),
        ((I, W, O), dict(mode="min")),
        ((I, W, O), dict(mode="max", scale_grad_by_freq=True)),
        ((I, W, O), dict(mode="max", sparse=True)),
        ((I, W, O), dict(mode="mean", per_sample_weights=np.ones(3))),
        ((I, W, O), dict(mode="sum", per_sample_weights=np.ones(2))),
        ((I, W, O), dict(mode="sum", per_sample_weights=np.ones(3, np.float32))),
        ((I, W, O), dict(padding_idx=7)),
        ((I.astype(float), W, O), {}),
    ],
)
def test_refusals_are_those_of_torch(args, kwargs):
    check_against_torch(NAME, *args, **kwargs)


@pytest.mark.parametrize("text", ["EmbeddingBag(5, 2)", "EmbeddingBag(5, 2, 1.0, 1.0, True, 'sum', padding_idx=-1)",
                                  "EmbeddingBag(5, 2, mode='max', include_last_offset=True)"])  # fmt: skip
def test_layer(check_module, text):
    check_module(text, np.array([1, 4, 4, 0]), np.array([0, 2, 4]))


def test_from_pretrained_and_sparse():
    layer = nn.EmbeddingBag.from_pretrained(Tensor(W), mode="sum")
    assert not layer.weight.requires_grad and layer(Tensor(np.array([[1, 2]]))).tolist() == [(W[1] + W[2]).tolist()]
    with pytest.raises(NotImplementedError, match="sparse=True"):
        nn.EmbeddingBag(3, 2, sparse=True)(Tensor(np.array([[1]])))
    with pytest.raises(AssertionError, match="2-dimensional"):
        nn.EmbeddingBag.from_pretrained(Tensor(W[0]))
