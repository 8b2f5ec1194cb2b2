"""The numbers and the geometry that tests draw."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.testing import strategies, values


@given(strategies.shapes(), strategies.seeds(), st.booleans())
def test_values_keep_their_distance(shape, seed, distinct):
    x = values(shape, seed, low=-3, high=2, away_from=(0.5, -1), gap=0.2, distinct=distinct)
    assert x.shape == shape and x.dtype == np.float64
    assert ((x >= -3) & (x <= 2) & (np.abs(x - 0.5) >= 0.2 - 1e-12) & (np.abs(x + 1) >= 0.2 - 1e-12)).all()
    if distinct and x.size > 1:
        assert np.diff(np.sort(x, axis=None)).min() > 0.4 * 4.2 / x.size


def test_values_are_reproducible_and_refuse_the_impossible():
    assert np.array_equal(values((3,), 7), values((3,), 7)) and not np.array_equal(values((3,), 7), values((3,), 8))
    with pytest.raises(ValueError, match="nothing is left"):
        values((3,), 0, low=-1, high=1, away_from=(0,), gap=2)


@given(st.data())
def test_geometry_is_valid(data):
    shape = data.draw(strategies.shapes())
    torch.zeros(shape)[data.draw(strategies.basic_index(shape))]
    np.broadcast_shapes(*data.draw(strategies.broadcastable(3)))
    np.zeros(shape or (1,)).sum(data.draw(strategies.axes(len(shape))))
    conv = data.draw(strategies.conv_geometry())
    torch.nn.functional.conv2d(torch.zeros(conv.input_shape), torch.zeros(conv.weight_shape), **conv.settings)
    pool = data.draw(strategies.pool_geometry())
    torch.nn.functional.max_pool2d(
        torch.zeros(pool.input_shape),
        pool.kernel_size,
        pool.stride,
        pool.padding,
        pool.dilation,
        pool.ceil_mode,
    )
