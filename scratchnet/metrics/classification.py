"""Metrics of classifiers. Logits, targets and predictions are Tensors or arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd import Tensor


def accuracy(logits: Any, targets: Any, top_k: int = 1) -> float:
    """The share of samples whose class is among the k that score highest.

    Of equal scores the class with the smaller number comes first, as for `argmax`; a NaN counts as higher
    than any score, so that a network that diverged is right about nothing.

    Parameters
    ----------
    logits : float [n, classes]
    targets : integers [n]
    top_k : int

    Raises
    ------
    ValueError
        If shapes do not fit, there are no samples, a target is out of range, or top_k is.

    Examples
    --------
    >>> import numpy as np
    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    0.5
    """
    scores, labels = _array(logits), _labels("accuracy", "targets", targets)
    if scores.ndim != 2 or labels.shape != scores.shape[:1]:
        raise ValueError(
            f"accuracy: expected logits [n, classes] and n targets, got shapes {scores.shape} and {labels.shape}"
        )
    if not 1 <= top_k <= scores.shape[1]:
        raise ValueError(f"accuracy: expected top_k between 1 and the {scores.shape[1]} classes, got {top_k}")
    if not labels.size:
        raise ValueError("accuracy: there are no samples")
    _check_range("accuracy", "targets", labels, scores.shape[1])
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    first = np.arange(scores.shape[1]) < labels[:, None]
    ahead = ~(scores <= own) | ((scores == own) & first)
    return float((ahead.sum(1) < top_k).mean())


def confusion_matrix(predictions: Any, targets: Any, num_classes: int | None = None) -> np.ndarray:
    """C[i, j] = the number of samples of class i that were taken for class j.

    Parameters
    ----------
    predictions : integers [n], or logits [n, classes]
    targets : integers [n]
    num_classes : int, optional
        If not given: the number of logits, or the largest class that occurs plus one.

    Returns
    -------
    int64 [classes, classes]
    """
    predictions = _array(predictions)
    if predictions.ndim == 2:
        num_classes = predictions.shape[1] if num_classes is None else num_classes
        predictions = predictions.argmax(1)
    guessed, true = (
        _labels("confusion_matrix", name, x) for name, x in (("predictions", predictions), ("targets", targets))
    )
    if guessed.shape != true.shape or true.ndim != 1:
        raise ValueError(
            f"confusion_matrix: expected as many predictions as targets, got shapes {guessed.shape} and {true.shape}"
        )
    if num_classes is None:
        num_classes = int(max(guessed.max(initial=-1), true.max(initial=-1))) + 1
    _check_range("confusion_matrix", "predictions", guessed, num_classes)
    _check_range("confusion_matrix", "targets", true, num_classes)
    pairs = np.bincount(true * num_classes + guessed, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes)


def per_class_accuracy(matrix: Any) -> np.ndarray:
    """The share of each class that was recognised: diagonal of a confusion matrix over its row sums.

    A class without samples gets NaN.
    """
    matrix = _array(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"per_class_accuracy: expected a square confusion matrix, got shape {matrix.shape}")
    counts = matrix.sum(1)
    return np.divide(np.diagonal(matrix), counts, out=np.full(len(matrix), np.nan), where=counts > 0)


def _array(x: Any) -> np.ndarray:
    return x.array if isinstance(x, Tensor) else np.asarray(x)


def _labels(function: str, name: str, x: Any) -> np.ndarray:
    labels = _array(x)
    if labels.dtype.kind not in "iu" and labels.size:
        raise ValueError(f"{function}: expected {name} of an integer dtype, got {labels.dtype}")
    return labels.astype(np.int64)


def _check_range(function: str, name: str, labels: np.ndarray, num_classes: int) -> None:
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if wrong.size:
        raise ValueError(f"{function}: {name} hold class {wrong[0]}, expected 0 to {num_classes - 1}")
