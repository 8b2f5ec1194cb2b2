"""Sampling at points: the compiled loops against the references, derivatives of any order, points anywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import grid_sample, grid_sample_adjoint, grid_sample_slope
from scratchnet.kernels.grid_sample_taps import CUBIC, LINEAR, REFLECTION, axis_taps
from tests.kernels.calls import assert_close, both_forms, guarded_allocations, implementation

paddings = st.sampled_from(["zeros", "border", "reflection"])


@st.composite
def samplings(draw):
    dims = draw(st.integers(2, 3))
    mode = draw(st.sampled_from(["nearest", "bilinear"] + ["bicubic"] * (dims == 2)))
    sizes = [draw(st.integers(1, 5)) for _ in range(dims)]
    points = [draw(st.integers(0, 14 if dims == 2 else 5)) for _ in range(dims)]
    n, c = draw(st.integers(0, 2)), draw(st.integers(0, 3))
    orders = tuple(draw(st.sampled_from([0, 0, 1, 2, 3])) for _ in range(dims))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x, grid = rng.standard_normal((n, c, *sizes)), rng.uniform(-3, 3, (n, *points, dims))
    grid += 1e-3 * (np.abs(np.modf(grid)[0]) < 1e-3)
    return x, grid, (mode, draw(paddings), draw(st.booleans()), orders)


@given(samplings())
def test_twins_are_the_references(monkeypatch_context, drawn):
    x, grid, settings = drawn
    y = grid_sample.reference(x, grid, *settings)
    g = np.random.default_rng(0).standard_normal(y.shape)
    scale = 100 * 5.0 ** sum(settings[3])

    def run():
        return [grid_sample(x, grid, *settings), grid_sample_adjoint(g, grid, x.shape, *settings),
                grid_sample_slope(g, x, grid, *settings)]

    run()                                       # what is compiled now is not guarded
    with guarded_allocations(monkeypatch_context):
        results = run()
    expected = [y, grid_sample_adjoint.reference(g, grid, x.shape, *settings),
                grid_sample_slope.reference(g, x, grid, *settings)]
    for actual, wanted in zip(results, expected):
        assert_close(actual, wanted, scale=scale)
    np.testing.assert_allclose(np.vdot(results[0], g), np.vdot(x, results[1]), rtol=1e-9, atol=1e-9 * scale)


@pytest.fixture(scope="module")
def monkeypatch_context():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.parametrize("count", [127, 128, 129, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_more_points_than_a_block(count, dtype):
    rng = np.random.default_rng(count)
    x, grid = rng.standard_normal((2, 18, 6, 7)).astype(dtype), rng.uniform(-1.2, 1.2, (2, 1, count, 2)).astype(dtype)
    g = rng.standard_normal((2, 18, 1, count)).astype(dtype)
    assert_close(grid_sample(x, grid), grid_sample.reference(x, grid), scale=4)
    assert_close(grid_sample_adjoint(g, grid, x.shape), grid_sample_adjoint.reference(g, grid, x.shape), scale=40)
    assert_close(grid_sample_slope(g, x, grid), grid_sample_slope.reference(g, x, grid), scale=400)


@pytest.mark.parametrize("mode", [LINEAR, CUBIC])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_the_weights(mode, order):
    """A difference of taps of one order less."""
    c, step = np.linspace(-0.83, 0.79, 7), 1e-5
    positions, weights = axis_taps(c, 9, mode, REFLECTION, False, order)
    (before, low), (after, high) = (axis_taps(c + s, 9, mode, REFLECTION, False, order - 1) for s in (-step, step))
    assert np.array_equal(before, after) and np.array_equal(positions, after)
    np.testing.assert_allclose(weights, (high - low) / (2 * step), rtol=1e-5, atol=1e-4)


def test_weights_sum_to_one_wherever_the_point_is():
    c = np.random.default_rng(0).uniform(-4, 4, 50)
    for mode in (LINEAR, CUBIC):
        np.testing.assert_allclose(axis_taps(c, 9, mode, REFLECTION, True)[1].sum(0), 1)


@both_forms
def test_reflection_by_hand(form):
    """Between edges at -½ and 2½, 0 1 2 is read 2 1 0 | 0 1 2 | 2 1 0; between centres, 1 2 | 1 | ..."""
    x = np.array([[[[0.0, 1, 2]]]])
    u = np.arange(-4.0, 7)
    run = implementation(grid_sample, form)
    edges = np.stack([(2 * u + 1) / 3 - 1, 0 * u], -1)[None, None]
    assert np.allclose(run(x, edges, "bilinear", "reflection"), [[[[2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]]]])
    centres = np.stack([u - 1, 0 * u], -1)[None, None]
    assert np.allclose(run(x, centres, "bilinear", "reflection", True), [[[[0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]]]])


@both_forms
def test_arguments_are_checked(form):
    x, grid, g = np.ones((1, 1, 3, 3)), np.zeros((1, 2, 2, 2)), np.ones((1, 1, 2, 2))
    value, adjoint, slope = (implementation(k, form) for k in (grid_sample, grid_sample_adjoint, grid_sample_slope))
    for bad in (grid[..., :1], grid[0], np.zeros((2, 2, 2, 2))):
        with pytest.raises(RuntimeError, match="grid"):
            value(x, bad)
    with pytest.raises(ValueError, match="mode"):
        value(x, grid, "cubic")
    with pytest.raises(RuntimeError, match="orders|order"):
        value(x, grid, orders=(1,))
    with pytest.raises(RuntimeError, match="pixels"):
        value(x[:, :, :0], grid)
    with pytest.raises(RuntimeError, match="g of shape"):
        adjoint(g[:, :, :1], grid, x.shape)
    with pytest.raises(RuntimeError, match="g of shape"):
        slope(g[:, :, :1], x, grid)
