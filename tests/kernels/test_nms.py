"""Suppression of boxes against its definition in plain Python, ties, NaN, and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import nms
from tests.kernels.calls import both_forms, implementation

draws = st.tuples(st.integers(0, 40), st.integers(0, 2**32 - 1))


def boxes(count, seed, dtype=np.float64, spread=12):
    """Boxes with whole corners: many pairs overlap equally."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, spread, (count, 2))
    return np.concatenate([corner, corner + rng.integers(0, 6, (count, 2))], 1).astype(dtype)


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    intersection = w * h if w > 0 and h > 0 else a[0].dtype.type(0)
    with np.errstate(all="ignore"):
        return intersection / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection)


def by_definition(boxes, scores, threshold, groups):
    order = sorted(range(len(boxes)), key=lambda i: (not np.isnan(scores[i]), -scores[i] if scores[i] == scores[i] else 0))
    kept = []
    for i in order:
        if not any(groups[i] == groups[j] and float(iou(boxes[i], boxes[j])) > threshold for j in kept):
            kept.append(i)
    return kept


@both_forms
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(draw=draws, threshold=st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0, -1.0]), grouped=st.booleans())
def test_definition(form, dtype, draw, threshold, grouped):
    count, seed = draw
    rng = np.random.default_rng(seed)
    x, scores = boxes(count, seed, dtype), rng.choice([0.1, 0.5, 0.9, np.inf, -np.inf, np.nan], count).astype(dtype)
    groups = rng.integers(-1, 2, count) if grouped else None
    kept = implementation(nms, form)(x, scores, threshold, groups)
    assert kept.dtype == np.int64
    assert kept.tolist() == by_definition(x, scores, threshold, np.zeros(count) if groups is None else groups)


@both_forms
@given(seed=st.integers(0, 2**32 - 1))
def test_boxes_that_are_not_finite_suppress_nothing(form, seed):
    rng = np.random.default_rng(seed)
    x, scores = boxes(20, seed, spread=3), rng.random(20)
    x[rng.integers(0, 20, 5), rng.integers(0, 4, 5)] = np.nan
    kept = implementation(nms, form)(x, scores, 0.2)
    assert kept.tolist() == by_definition(x, scores, 0.2, np.zeros(20))
    assert set(np.flatnonzero(np.isnan(x).any(1))) <= set(kept)


@pytest.mark.parametrize("count", [511, 512, 513, 1300])
def test_more_boxes_than_are_compared_at_once(count):
    rng = np.random.default_rng(count)
    corner = rng.uniform(0, 300, (count, 2))
    x = np.concatenate([corner, corner + rng.uniform(5, 40, (count, 2))], 1)
    scores = rng.random(count)
    assert np.array_equal(nms(x, scores, 0.3), nms.reference(x, scores, 0.3))


@both_forms
def test_an_example_by_hand(form):
    """Boxes 0 and 1 share half of box 0: 2 / (4 + 2 - 2) = 0.5. Box 2 lies apart; 3 is 2 again, with the same score."""
    x = np.array([[0.0, 0, 2, 2], [0, 0, 2, 1], [5, 5, 6, 6], [5, 5, 6, 6]])
    scores = np.array([0.5, 0.9, 0.7, 0.7])
    keep = implementation(nms, form)
    assert keep(x, scores, 0.4).tolist() == [1, 2]
    assert keep(x, scores, 0.5).tolist() == [1, 2, 0]
    assert keep(x, scores, 1.0).tolist() == [1, 2, 3, 0]
    assert keep(x, scores, 0.4, np.array([0, 1, 0, 1])).tolist() == [1, 2, 3, 0]


def test_a_threshold_that_float32_does_not_hold():
    """iou is exactly float32(0.1), which is larger than 0.1: so they overlap."""
    x = np.array([[0, 0, 1, 1], [0, 0, 10, 1]], np.float32)
    for form in (nms, nms.reference):
        assert form(x, np.array([1, 0], np.float32), 0.1).tolist() == [0]
        assert form(x, np.array([1, 0], np.float32), float(np.float32(0.1))).tolist() == [0, 1]


@both_forms
@pytest.mark.parametrize("shapes", [((3, 5), (3,)), ((3,), (3,)), ((3, 4), (2,)), ((3, 4), (3, 1))])
def test_shapes_are_checked(form, shapes):
    with pytest.raises(RuntimeError, match="expected"):
        implementation(nms, form)(*map(np.zeros, shapes), 0.5)
    with pytest.raises(RuntimeError, match="category"):
        implementation(nms, form)(np.zeros((3, 4)), np.zeros(3), 0.5, np.zeros(2))
