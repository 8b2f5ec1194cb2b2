"""Mean over batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.metrics import Mean


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.integers(1, 50)), min_size=1, max_size=20), st.data())
def test_is_the_weighted_mean_also_across_a_restart(batches, data):
    cut = data.draw(st.integers(0, len(batches)))
    first, second = Mean(), Mean()
    for value, n in batches[:cut]:
        first.update(value, n)
    second.load_state_dict(first.state_dict())
    for value, n in batches[cut:]:
        second.update(value, n)
    values, counts = zip(*batches)
    assert second.value == pytest.approx(np.average(values, weights=counts), abs=1e-9)


def test_of_nothing_is_nan():
    mean = Mean()
    assert np.isnan(mean.value)
    mean.update(3)
    mean.reset()
    assert np.isnan(mean.value)
    with pytest.raises(ValueError, match="n must not be negative"):
        mean.update(1, -1)
