"""Accuracy and confusion matrix: by hand, by definition, and against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor
from scratchnet.metrics import accuracy, confusion_matrix, per_class_accuracy


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(1, 6), st.data())
def test_accuracy_is_torchs_topk(seed, n, classes, data):
    k = data.draw(st.integers(1, classes))
    rng = np.random.default_rng(seed)
    logits, targets = rng.normal(size=(n, classes)), rng.integers(0, classes, n)
    top = torch.from_numpy(logits).topk(k).indices == torch.from_numpy(targets)[:, None]
    assert accuracy(Tensor(logits), Tensor(targets), k) == pytest.approx(top.any(1).double().mean().item())


def test_of_equal_scores_the_first_class_wins_as_for_argmax():
    logits = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]])
    assert accuracy(logits, np.array([0, 1])) == 1
    assert accuracy(logits, np.array([1, 2])) == 0
    assert accuracy(logits, np.array([1, 2]), top_k=2) == 1


def test_nan_is_never_right():
    assert accuracy(np.full((2, 3), np.nan), np.array([0, 2])) == 0
    assert accuracy(np.array([[5.0, np.nan]]), np.array([0])) == 0


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(1, 5))
def test_confusion_matrix_counts_pairs(seed, n, classes):
    rng = np.random.default_rng(seed)
    guessed, true = rng.integers(0, classes, (2, n))
    expected = np.zeros((classes, classes), np.int64)
    for i, j in zip(true, guessed):
        expected[i, j] += 1
    matrix = confusion_matrix(Tensor(guessed), true.astype(np.uint8), classes)
    np.testing.assert_array_equal(matrix, expected)
    assert matrix.dtype == np.int64
    if n:
        np.testing.assert_array_equal(confusion_matrix(np.eye(classes)[guessed], true), expected)


def test_by_hand():
    matrix = confusion_matrix([0, 2, 2, 0], [0, 0, 2, 2])
    assert matrix.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]
    np.testing.assert_array_equal(per_class_accuracy(matrix), [0.5, np.nan, 0.5])


@pytest.mark.parametrize(
    "message, call",
    [
        (r"shapes \(2, 3\) and \(3,\)", lambda: accuracy(np.zeros((2, 3)), np.zeros(3, int))),
        ("integer dtype, got float64", lambda: accuracy(np.zeros((2, 3)), np.zeros(2))),
        ("hold class 3, expected 0 to 2", lambda: accuracy(np.zeros((2, 3)), np.array([0, 3]))),
        ("hold class -1", lambda: accuracy(np.zeros((2, 3)), np.array([0, -1]))),
        ("top_k", lambda: accuracy(np.zeros((2, 3)), np.zeros(2, int), top_k=4)),
        ("no samples", lambda: accuracy(np.zeros((0, 3)), np.zeros(0, int))),
        ("predictions hold class 2", lambda: confusion_matrix([2], [0], 2)),
        ("as many predictions as targets", lambda: confusion_matrix([2, 1], [0])),
        ("square", lambda: per_class_accuracy(np.zeros((2, 3)))),
    ],
)
def test_refusals(message, call):
    with pytest.raises(ValueError, match=message):
        call()
