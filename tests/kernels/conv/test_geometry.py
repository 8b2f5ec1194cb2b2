"""The checked shapes of a convolution: by hand, and the same convolution with more dimensions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import conv_forward
from scratchnet.kernels.conv import geometry_of
from tests.kernels.calls import windows


def test_an_example_by_hand():
    s = geometry_of((2, 6, 9, 8), (4, 3, 3, 2), stride=(2, 1), padding=1, dilation=(1, 3), groups=2)
    assert (s.batch, s.groups, s.channels, s.filters) == (2, 2, 3, 2)
    assert s.windows == ((3, 2), (2, 1), (1, 1), (1, 3))
    assert s.output == (5, 7)               # (9 + 2 - 3) // 2 + 1, 8 + 2 - 4 + 1
    assert (s.dims, s.taps, s.pixels) == (2, 18, 35)
    assert (s.input_shape, s.weight_shape, s.output_shape) == ((2, 6, 9, 8), (4, 3, 3, 2), (2, 4, 5, 7))
    lifted = s.lifted()
    assert (lifted.size, lifted.kernel, lifted.output) == ((1, 9, 8), (1, 3, 2), (1, 5, 7))
    assert (lifted.stride, lifted.padding, lifted.dilation) == ((1, 2, 1), (0, 1, 1), (1, 1, 3))


def test_it_is_remembered():
    args = ((1, 2, 5), (3, 2, 3))
    assert geometry_of(*args) is geometry_of(*args)
    assert geometry_of(list(args[0]), list(args[1]), [1], [0]) == geometry_of(*args)
    assert {geometry_of(*args): "plan"}[geometry_of(*args)] == "plan"


@given(st.integers(1, 2).flatmap(lambda dims: windows(dims=dims)), st.integers(1, 2))
def test_lifting_changes_shapes_only(geometry, groups):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 2 * groups, *geometry[0])), rng.standard_normal((groups, 2, *geometry[1]))
    s = geometry_of(x.shape, w.shape, *geometry[2:], groups)
    t = s.lifted()
    assert t == geometry_of(t.input_shape, t.weight_shape, t.stride, t.padding, t.dilation, groups)
    y = conv_forward.reference(x, w, *geometry[2:], groups)
    z = conv_forward.reference(x.reshape(t.input_shape), w.reshape(t.weight_shape), t.stride, t.padding, t.dilation,
                               groups)
    assert np.array_equal(y, z.reshape(s.output_shape))


def test_a_number_for_each_axis():
    with pytest.raises(TypeError, match=r"conv2d: stride: expected an int or 2, got \(1, 2, 3\)"):
        geometry_of((1, 1, 5, 5), (1, 1, 2, 2), stride=(1, 2, 3))
