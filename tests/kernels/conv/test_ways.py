"""Each way of computing a convolution, on each width of vectors, is the reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import jit
from scratchnet.kernels.conv import compiled, costs, geometry_of
from scratchnet.kernels.conv.reference import conv_forward, conv_grad_input, conv_grad_weight
from tests.kernels.calls import assert_close, guarded_allocations, on_threads, windows
from tests.kernels.conv.planning import small_patches, vectors_of

FUNCTIONS = {"forward": compiled._forward, "grad_input": compiled._grad_input, "grad_weight": compiled._grad_weight}

# input, weight, stride, padding, dilation, groups: each a corner of some way
CASES = [
    ((2, 3, 8, 9), (5, 3, 3, 3), 1, 1, 1, 1),
    ((2, 4, 8, 9), (6, 2, 3, 2), (2, 1), (1, 0), 1, 2),             # a stride along one axis, groups
    ((1, 2, 13, 40), (9, 2, 5, 3), (3, 2), (2, 4), (1, 2), 1),      # padding wider than the window reaches
    ((2, 3, 5, 6, 7), (4, 3, 2, 3, 3), (1, 2, 1), 1, 1, 1),
    ((2, 3, 50), (4, 3, 7), 3, 3, 2, 1),
    ((2, 8, 12, 12), (8, 1, 3, 3), 2, 1, 1, 8),                     # depthwise
    ((3, 7, 9, 9), (67, 7, 3, 3), 1, 1, 1, 1),                      # filters that fill no tile
    ((33, 7, 3, 5), (33, 7, 2, 2), 1, 1, 1, 1),                     # many small images
    ((3, 66, 7, 10), (134, 33, 1, 1), 1, 0, 1, 2),                  # single pixels: tiles across images, rows that fill no tile
    ((2, 6, 9, 9), (8, 3, 1, 1), 2, 0, 1, 2),                       # single pixels with a stride
    ((1, 1024, 3, 3), (15, 1024, 1, 1), 1, 0, 1, 1),                # single pixels, rows of weights 4 or 8 KiB apart
    ((1, 1, 1, 1), (1, 1, 1, 1), 1, 0, 1, 1),
    ((1, 2, 4, 4), (3, 2, 3, 3), 5, 1, 1, 1),                       # a stride larger than the window
    ((1, 2, 3, 3), (3, 2, 3, 3), 1, 9, 4, 1),                       # windows that see padding only
]  # fmt: skip


def data(case, dtype, seed=0):
    x_shape, w_shape, *options = case
    rng = np.random.default_rng(seed)
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, w_shape, w_shape[:1]))
    s = geometry_of(x_shape, w_shape, *options)
    return s, x, w, b, rng.standard_normal(s.output_shape).astype(dtype)


def expected(case, x, w, b, g):
    options = case[2:]
    return {
        "forward": conv_forward.reference(x, w, *options, b),
        "grad_input": conv_grad_input.reference(g, w, x.shape, *options),
        "grad_weight": conv_grad_weight.reference(g, x, w.shape, *options),
    }


def by_every_way(s, x, w, b, g, only=None):
    arguments = {"forward": (x, w, b), "grad_input": (g, w), "grad_weight": (g, x)}
    for what, function in FUNCTIONS.items():
        for way in costs.ways(s, what, x.dtype):
            if only is None or (what, way) in only:
                yield what, way, function(s, way, *arguments[what])


def check(case, dtype, seed=0, only=None):
    s, x, w, b, g = data(case, dtype, seed)
    wanted, seen = expected(case, x, w, b, g), set()
    for what, way, result in by_every_way(s, x, w, b, g, only):
        assert result.dtype == x.dtype
        assert_close(result, wanted[what], 64 + s.taps + s.pixels * s.batch)
        seen.add((what, way))
    return seen


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_every_way_is_the_reference(case, dtype):
    seen = check(case, dtype)
    assert {("forward", "pixels"), ("forward", "channels"), ("grad_input", "pixels"), ("grad_input", "channels"),
            ("grad_weight", "channels"), ("grad_weight", "dots")} <= seen  # fmt: skip
    assert (("forward", "matrix product") in seen) == (math.prod(case[1][2:]) == 1)


@pytest.mark.parametrize("case", CASES[:6] + CASES[8:10])
def test_in_many_blocks(case):
    with small_patches():
        check(case, np.float32)


@pytest.mark.parametrize("size", [0, 16, 32, 64])
def test_with_vectors_of_each_width(size):
    """Ways that take all instructions between them: what is compiled for a width takes seconds."""
    tiles = {("forward", "pixels"), ("forward", "channels"), ("grad_weight", "dots")}
    planes = {("forward", "depthwise"), ("grad_weight", "depthwise")} if size and jit.ENABLED else set()    # vectors' alone
    with vectors_of(size):
        assert check(CASES[6], np.float32, only=tiles) == tiles
        assert check(CASES[5], np.float32, only=planes) == planes


@given(geometry=st.sampled_from([1, 2, 2, 3]).flatmap(lambda dims: windows(dims=dims)), batch=st.integers(1, 4),
       groups=st.integers(1, 3), depth=st.integers(1, 6), filters=st.sampled_from([1, 4, 17]), seed=st.integers(0, 9))
def test_on_drawn_geometry(geometry, batch, groups, depth, filters, seed):
    size, kernel, *options = geometry
    case = (batch, groups * depth, *size), (groups * filters, depth, *kernel), *options, groups
    check(case, np.float64, seed)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 16, 32, 64])
@pytest.mark.parametrize("case", CASES[:7] + CASES[8:10])
def test_every_corner_with_vectors_of_each_width(case, size):
    with vectors_of(size):
        check(case, np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 16, 32, 64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(geometry=windows(), groups=st.integers(1, 3), filters=st.integers(1, 70))
def test_on_drawn_geometry_with_vectors_of_each_width(size, dtype, geometry, groups, filters):
    with vectors_of(size):
        check(((2, groups * 3, *geometry[0]), (groups * filters, 3, *geometry[1]), *geometry[2:], groups), dtype)


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_written_beside_the_arrays(case, monkeypatch):
    s, x, w, b, g = data(case, np.float32)
    free = list(by_every_way(s, x, w, b, g))
    with guarded_allocations(monkeypatch):
        guarded = list(by_every_way(s, x, w, b, g))
    for (*_, one), (*_, other) in zip(free, guarded, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("case", CASES)
def test_results_do_not_depend_on_the_threads(case):
    s, x, w, b, g = data(case, np.float32)
    results = on_threads(lambda: list(by_every_way(s, x, w, b, g)), (1, 2, 5))
    for one, *others in zip(*results, strict=True):
        assert all(np.array_equal(one[2], other[2]) for other in others)


@pytest.mark.parametrize("case", CASES)
def test_nan_reaches_nothing_that_it_should_not(case):
    """Neighbours in memory are not neighbours in the image: a NaN in a corner must stay with the windows that see it."""
    s, x, w, b, g = data(case, np.float64)
    for array in (x, g):
        corners = array.reshape(-1)
        before, corners[[0, -1]] = corners[[0, -1]], np.nan
        wanted = expected(case, x, w, b, g)
        for what, way, result in by_every_way(s, x, w, b, g):
            assert not (np.isnan(result) & np.isfinite(wanted[what])).any(), (what, way)
        corners[[0, -1]] = before


def test_nan_in_an_image_stays_where_its_windows_are():
    x, w = np.zeros((1, 1, 6, 7)), np.ones((2, 1, 3, 3))
    x[0, 0, 2, 6] = np.nan                                  # the end of a row: in memory, the next row begins here
    s = geometry_of(x.shape, w.shape, 1, 1)
    g = np.ones(s.output_shape)
    for what, way, result in by_every_way(s, x, w, np.zeros(2), g):
        seen = np.isnan(result)
        if what == "forward":
            assert seen[0, 0].nonzero()[0].tolist() == [1, 1, 2, 2, 3, 3], way
            assert seen[0, 0].nonzero()[1].tolist() == [5, 6] * 3, way
        if what == "grad_weight":
            assert seen[0, 0].tolist() == [[False, True, True]] * 3, way
