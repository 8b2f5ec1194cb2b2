"""Soft and matrix NMS against their definitions in plain Python, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import matrix_nms, soft_nms
from tests.kernels.calls import both_forms, implementation
from tests.kernels.test_nms import boxes, iou

methods = pytest.mark.parametrize("method", ["linear", "gaussian"])
counts, seeds = st.integers(0, 25), st.integers(0, 2**32 - 1)


def overlap(a, b):
    return np.nan_to_num(iou(a, b))


@both_forms
@methods
@given(count=counts, seed=seeds, threshold=st.sampled_from([0.0, 0.3, 0.7]), floor=st.sampled_from([0.0, 0.2]))
def test_soft_nms(form, method, count, seed, threshold, floor):
    x = boxes(count, seed) + [0, 0, 1, 1]           # none is empty
    scores = np.random.default_rng(seed).choice([0.1, 0.4, 0.8, 0.9], count)
    left, taken = {i: s for i, s in enumerate(scores) if s > floor}, []
    while left:
        best = max(left, key=left.get)
        taken.append((best, left.pop(best)))
        for i in left:
            o = iou(x[best], x[i])
            left[i] *= np.exp(-o * o / 0.5) if method == "gaussian" else 1 - o if o >= threshold else 1
        left = {i: s for i, s in left.items() if s > floor}
    keep, lowered = implementation(soft_nms, form)(x, scores, threshold, 0.5, floor, method)
    assert keep.tolist() == [i for i, _ in taken]
    np.testing.assert_allclose(lowered, [s for _, s in taken], rtol=1e-12)


@both_forms
@methods
@given(count=counts, seed=seeds, grouped=st.booleans())
def test_matrix_nms(form, method, count, seed, grouped):
    x, rng = boxes(count, seed), np.random.default_rng(seed)
    scores, groups = rng.random(count), rng.integers(0, 2, count) if grouped else np.zeros(count, int)
    order = np.argsort(-scores)

    def o(i, j):
        return overlap(x[i], x[j]) if groups[i] == groups[j] else 0.0

    def f(v):
        return 1 - v if method == "linear" else np.exp(-2.0 * v * v)

    expected = scores.copy()
    for rank, j in enumerate(order):
        for i in order[:rank]:
            covered = max((o(k, i) for k in order[: np.flatnonzero(order == i)[0]]), default=0.0)
            if f(covered) > 0:
                expected[j] = min(expected[j], scores[j] * f(o(i, j)) / f(covered))
    actual = implementation(matrix_nms, form)(x, scores, groups if grouped else None, method)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@both_forms
def test_an_example_by_hand(form):
    """Boxes 0 and 1 overlap by 0.5, 1 and 2 by 0.5, 0 and 2 not at all."""
    x = np.array([[0.0, 0, 2, 2], [0, 0, 2, 4], [0, 2, 2, 4]])
    scores = np.array([0.8, 0.6, 0.5])
    keep, lowered = implementation(soft_nms, form)(x, scores, 0.4)
    assert keep.tolist() == [0, 2, 1] and np.allclose(lowered, [0.8, 0.5, 0.6 * 0.5 * 0.5])
    # box 2 pays nothing for box 1, which box 0 suppresses by as much
    assert np.allclose(implementation(matrix_nms, form)(x, scores, None, "linear"), [0.8, 0.3, 0.5])


@both_forms
def test_a_copy_of_a_copy(form):
    x = np.array([[0.0, 0, 1, 1]] * 3)
    assert implementation(matrix_nms, form)(x, np.array([0.9, 0.8, 0.7]), None, "linear").tolist() == [0.9, 0, 0]


@both_forms
def test_refusals(form):
    for function in (soft_nms, matrix_nms):
        with pytest.raises(ValueError, match="method"):
            implementation(function, form)(np.zeros((1, 4)), np.zeros(1), method="hard")
        with pytest.raises(RuntimeError, match="boxes of shape"):
            implementation(function, form)(np.zeros((1, 5)), np.zeros(1))
