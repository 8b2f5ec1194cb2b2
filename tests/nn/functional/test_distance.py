"""Distances, similarities and normalised vectors: gradients to second order, torch, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import broadcastable, seeds, shapes

norms = st.sampled_from([1, 2, 3, 1.5, np.inf])


@given(shapes(2, 4, min_side=1, max_side=3), seeds(), norms, st.data())
def test_normalize(shape, seed, p, data):
    x, dim = values(shape, seed, distinct=p == np.inf), data.draw(st.integers(-len(shape), len(shape) - 1))
    check_gradient(lambda x: F.normalize(x, p, dim), x)
    check_against_torch("nn.functional.normalize", x, p, dim)
    check_against_torch("nn.functional.normalize", x, p, dim, eps=3.0)


@given(broadcastable(min_dims=1, min_side=1, max_side=3), seeds(), st.data())
def test_cosine_similarity(sizes, seed, data):
    x, y = (values(size, seed + i) for i, size in enumerate(sizes))
    dim = data.draw(st.integers(-1, max(x.ndim, y.ndim) - 1))
    check_gradient(lambda x, y: F.cosine_similarity(x, y, dim), x, y)
    check_against_torch("nn.functional.cosine_similarity", x, y, dim)
    check_against_torch("nn.functional.cosine_similarity", x, y, dim=dim, eps=1.0)


@given(broadcastable(min_dims=1, min_side=1, max_side=3), seeds(), norms, st.booleans())
def test_pairwise_distance(sizes, seed, p, keepdim):
    x, y = values(sizes[0], seed, distinct=True), values(sizes[1], seed + 1, 3, 7, distinct=True)
    check_gradient(lambda x, y: F.pairwise_distance(x, y, p, keepdim=keepdim), x, y, order=1 if p == np.inf else 2)
    check_against_torch("nn.functional.pairwise_distance", x, y, p, 0.1, keepdim)


@given(st.integers(0, 4), st.integers(1, 3), seeds(), st.sampled_from([0, 1, 2, 3, np.inf]))
def test_pdist(n, d, seed, p):
    x = values((n, d), seed, distinct=True)
    if n > 1 and 0 < p < np.inf:
        check_gradient(lambda x: F.pdist(x, p), x, order=1)
    check_against_torch("nn.functional.pdist", x, p, grad=n > 1)  # torch 2.13 crashes in the gradient of no pairs


def test_examples_by_hand():
    x, y = Tensor(np.array([[3.0, 4.0]])), Tensor(np.array([[4.0, 3.0]]))
    np.testing.assert_allclose(F.normalize(x).array, [[0.6, 0.8]])
    np.testing.assert_allclose(F.cosine_similarity(x, y).array, [24 / 25])
    np.testing.assert_allclose(F.pairwise_distance(x, y, eps=0.0).array, [2**0.5])
    assert F.pdist(Tensor(np.array([[0.0, 0], [3, 4], [0, 4]]))).tolist() == [5, 4, 3]


def test_vectors_of_zeros():
    x = np.zeros((2, 3))
    for name in ("cosine_similarity", "pairwise_distance"):
        check_against_torch(f"nn.functional.{name}", x, x + 1)
    check_against_torch("nn.functional.normalize", x)
    check_against_torch("nn.functional.cosine_similarity", x, x)


def test_normalize_into_a_tensor_given():
    out = Tensor(np.empty((1, 2)))
    assert F.normalize(Tensor(np.array([[3.0, 4.0]])), out=out) is out
    np.testing.assert_allclose(out.array, [[0.6, 0.8]])
    with pytest.raises(RuntimeError, match="out="):
        F.normalize(Tensor(np.ones((1, 2)), True), out=out)


X = np.ones((2, 3))


@pytest.mark.parametrize(
    "name, args",
    [
        ("cosine_similarity", (X, X[:, :2])),
        ("cosine_similarity", (X, X, 2)),
        ("cosine_similarity", (X.astype(np.int64), X.astype(np.int64))),
        ("cosine_similarity", (X.astype(np.int64), X)),
        ("pairwise_distance", (X, X[:, :2])),
        ("pdist", (X[0],)),
        ("pdist", (X, -1)),
        ("normalize", (X, 2, 2)),
        ("normalize", (X[0],)),
    ],
)
def test_refusals_are_those_of_torch(name, args):
    check_against_torch(f"nn.functional.{name}", *args)


@pytest.mark.parametrize("text", ["CosineSimilarity()", "CosineSimilarity(dim=0, eps=0.5)", "PairwiseDistance()",
                                  "PairwiseDistance(p=1, eps=0.1, keepdim=True)"])  # fmt: skip
def test_layer(check_module, text):
    check_module(text, values((3, 4), 0), values((3, 4), 1))
