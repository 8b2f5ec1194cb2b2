"""Overlaps of all pairs of boxes: the compiled loop against the formula, in NaN and infinities too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import box_iou
from scratchnet.kernels.detection_iou import KINDS
from tests.kernels.calls import assert_close, both_forms, implementation

sets = st.sampled_from([(), (1,), (3,), (2, 2), (0,)])


def drawn(rng, *shape, dtype):
    corner = rng.uniform(-5, 5, (*shape, 2))
    return np.concatenate([corner, corner + rng.uniform(0.5, 6, (*shape, 2))], -1).astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(sets=sets, n=st.integers(0, 5), m=st.integers(0, 40), seed=st.integers(0, 2**32 - 1))
def test_twin_is_the_reference(kind, dtype, sets, n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = drawn(rng, *sets, n, dtype=dtype), drawn(rng, *sets, m, dtype=dtype)
    assert_close(box_iou(a, b, kind), box_iou.reference(a, b, kind), scale=1)
    backwards = b[..., ::-1, :]
    assert_close(box_iou(a, backwards, kind), box_iou.reference(a, backwards, kind), scale=1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_finite(kind):
    a = np.array([[0, 0, 1, 1], [0, np.nan, 1, 1], [0, 0, np.inf, 1], [0.0, 0, 0, 0], [2, 2, 1, 1]])
    assert_close(box_iou(a, a, kind), box_iou.reference(a, a, kind))
    assert_close(box_iou(a[3:], a[3:], kind), box_iou.reference(a[3:], a[3:], kind))


@both_forms
def test_by_hand(form):
    """Two squares of 4 that share 1 of their 7, in a square of 9; centres √2 apart, diagonals of 3√2."""
    a, b = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 1, 3, 3]])
    expected = {"iou": 1 / 7, "generalized": 1 / 7 - 2 / 9, "distance": 1 / 7 - 2 / 18, "complete": 1 / 7 - 2 / 18}
    for kind, value in expected.items():
        np.testing.assert_allclose(implementation(box_iou, form)(a, b, kind, 0.0), [[value]])


@both_forms
def test_arguments_are_checked(form):
    with pytest.raises(RuntimeError, match="boxes2"):
        implementation(box_iou, form)(np.zeros((2, 4)), np.zeros((2, 5)))
    for count in (0, 2):  # the twin leaves empty sets to the reference
        with pytest.raises(ValueError, match="kind"):
            implementation(box_iou, form)(np.zeros((count, 4)), np.zeros((2, 4)), "squared")
