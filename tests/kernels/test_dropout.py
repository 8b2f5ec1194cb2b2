"""What a mask keeps, scaled and shifted: by hand, compiled and in NumPy, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import masked_scale
from tests.kernels.calls import assert_close, both_forms, implementation


@both_forms
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(rows=st.sampled_from([0, 1, 7, 70]), shift=st.booleans(), turned=st.booleans())
def test_values(form, dtype, rows, shift, turned):
    rng = np.random.default_rng(0)
    x, keep = rng.standard_normal((rows, 100)).astype(dtype), rng.random((rows, 100)) < 0.7
    if turned:
        x, keep = x[:, ::-1], np.asfortranarray(keep)
    kept, dropped = (0.5, -1.5) if shift else (0.0, 0.0)
    expected = np.where(keep, dtype(1.25) * x + dtype(kept), dtype(dropped))
    assert_close(implementation(masked_scale, form)(x, keep, 1.25, kept, dropped), expected.astype(dtype), 2)


@both_forms
def test_an_example_by_hand(form):
    x, keep = np.tile([1.0, 2, np.inf, np.nan], (2000, 1)), np.tile([True, False, False, False], (2000, 1))
    y = implementation(masked_scale, form)(x, keep, 4.0, 1.0, -1.0)
    assert np.array_equal(y, np.tile([5.0, -1, np.nan, np.nan], (2000, 1)), equal_nan=True)


@both_forms
def test_one_decision_for_a_channel(form):
    y = implementation(masked_scale, form)(np.ones((2, 3, 1000)), np.array([True, False, True]).reshape(1, 3, 1), 2.0)
    assert (y == np.array([2, 0, 2]).reshape(3, 1)).all()


@both_forms
@pytest.mark.parametrize("keep", [np.ones((2, 3), bool), np.ones((3, 2)), np.ones(2, bool)])
def test_masks_that_do_not_fit_are_refused(form, keep):
    with pytest.raises(RuntimeError, match="masked_scale: expected a bool mask"):
        implementation(masked_scale, form)(np.ones((3, 2)), keep, 2.0)
