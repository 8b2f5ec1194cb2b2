"""Suppression on Tensors; tests/kernels has the tests of the algorithms."""

import numpy as np
import pytest

from scratchnet import Tensor
from scratchnet.vision import ops

BOXES = np.array([[0, 0, 2, 2], [0, 0, 2, 1], [5, 5, 6, 6], [0, 0, 2, 1.5]], np.float32)
SCORES = np.array([0.5, 0.9, 0.7, 0.6], np.float32)


def test_nms():
    boxes = Tensor(BOXES, True)
    kept = ops.nms(boxes, Tensor(SCORES), 0.4)
    assert kept.tolist() == [1, 2] and kept.dtype == np.int64 and not kept.requires_grad
    assert boxes[kept].tolist() == BOXES[[1, 2]].tolist()
    assert ops.nms(Tensor(BOXES[:0]), Tensor(SCORES[:0]), 0.4).shape == (0,)
    assert ops.nms(Tensor(BOXES.astype(np.float16)), Tensor(SCORES.astype(np.float16)), 0.4).tolist() == [1, 2]


def test_batched_nms():
    assert ops.batched_nms(Tensor(BOXES), Tensor(SCORES), Tensor(np.array([0, 1, 0, 0])), 0.4).tolist() == [1, 2, 3]
    assert ops.batched_nms(Tensor(BOXES), Tensor(SCORES), Tensor(np.array([2.0, 1, 0, 0])), 0.4).tolist() == [1, 2, 3, 0]
    negative = BOXES - 100  # an offset for each category would not keep these apart
    assert ops.batched_nms(Tensor(negative), Tensor(SCORES), Tensor(np.arange(4)), 0.4).tolist() == [1, 2, 3, 0]


def test_scores_that_are_lowered():
    keep, lowered = ops.soft_nms(Tensor(BOXES), Tensor(SCORES), 0.4)
    # box 0 shares 1/2 with box 1, and then 3/4 with box 3, which shares 2/3 with box 1
    assert keep.tolist() == [1, 2, 0, 3] and lowered.dtype == np.float32
    np.testing.assert_allclose(lowered.array, [0.9, 0.7, 0.5 * 0.5, 0.6 / 3 / 4], rtol=1e-5)
    np.testing.assert_allclose(
        ops.matrix_nms(Tensor(BOXES), Tensor(SCORES), method="linear").array, [0.5 * 0.5, 0.9, 0.7, 0.2], rtol=1e-5
    )
    np.testing.assert_allclose(ops.matrix_nms(Tensor(BOXES), Tensor(SCORES), Tensor(np.arange(4))).array, SCORES)


@pytest.mark.parametrize("function", [ops.nms, ops.soft_nms, ops.matrix_nms])
def test_refusals(function):
    rest = (0.5,) if function is ops.nms else ()
    with pytest.raises(RuntimeError, match="dtype"):
        function(Tensor(BOXES), Tensor(SCORES.astype(np.float64)), *rest)
    with pytest.raises(NotImplementedError):
        function(Tensor(BOXES.astype(int)), Tensor(SCORES.astype(int)), *rest)
    with pytest.raises(RuntimeError, match="scores"):
        function(Tensor(BOXES), Tensor(SCORES[:2]), *rest)
    with pytest.raises(RuntimeError, match="boxes"):
        function(Tensor(BOXES[0]), Tensor(SCORES), *rest)
    with pytest.raises(TypeError):
        function(BOXES, Tensor(SCORES), *rest)
    with pytest.raises(ValueError):
        ops.soft_nms(Tensor(BOXES), Tensor(SCORES), sigma=0)
    with pytest.raises(ValueError):
        ops.matrix_nms(Tensor(BOXES), Tensor(SCORES), method="hard")
