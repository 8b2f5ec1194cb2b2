"""grid_sample and affine_grid: gradients to second order, torch, by hand, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor, kernels
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds

paddings = st.sampled_from(["zeros", "border", "reflection"])


@st.composite
def samplings(draw, largest=5):
    """Shapes of images or volumes and of points, arguments, a seed."""
    dims = draw(st.integers(2, 3))
    modes = ["bilinear", "nearest"] + ["bicubic"] * (dims == 2)
    n, c = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    sizes, out = ([draw(st.integers(1, largest if dims == 2 else 3)) for _ in range(dims)] for _ in range(2))
    settings_ = dict(mode=draw(st.sampled_from(modes)), padding_mode=draw(paddings), align_corners=draw(st.booleans()))
    return (n, c, *sizes), (n, *out, dims), settings_, draw(seeds())


def points(shape, sizes, align, seed, reach=1.6):
    """Coordinates that lie between pixels, away from the kinks of all kinds of padding."""
    rng = np.random.default_rng(seed)
    grid = np.empty(shape)
    for axis, size in enumerate(sizes[::-1]):
        u = np.floor(rng.uniform(-reach * size / 2, reach * size / 2, shape[:-1]) + size / 2) + rng.choice(
            [0.15, 0.3, 0.7, 0.85], shape[:-1]
        )
        grid[..., axis] = 2 * u / max(size - 1, 1) - 1 if align else (2 * u + 1) / size - 1
    return grid


@given(samplings(largest=4))
def test_gradients(sampling):
    shape, grid_shape, settings_, seed = sampling
    grid = points(grid_shape, shape[2:], settings_["align_corners"], seed)
    check_gradient(lambda x, grid: F.grid_sample(x, grid, **settings_), values(shape, seed), grid)


@given(samplings(), st.sampled_from([np.float32, np.float64]))
def test_against_torch(sampling, dtype):
    shape, grid_shape, settings_, seed = sampling
    x, grid = values(shape, seed, dtype=dtype), points(grid_shape, shape[2:], settings_["align_corners"], seed)
    tolerance = dict(rtol=1e-3, atol=2e-4) if dtype == np.float32 else dict(rtol=1e-7, atol=1e-9)
    check_against_torch("nn.functional.grid_sample", x, grid.astype(dtype), **settings_, **tolerance)


@given(samplings())
def test_the_references_of_the_kernels(sampling):
    shape, grid_shape, settings_, seed = sampling
    x, grid = values(shape, seed), points(grid_shape, shape[2:], settings_["align_corners"], seed, reach=4)
    results = []
    for reference in (False, True):
        leaves = Tensor(x, True), Tensor(grid, True)
        with kernels.use_reference(reference):
            y = F.grid_sample(*leaves, **settings_)
            (y * y).sum().backward()
        results.append((y.array, *(leaf.grad.array for leaf in leaves)))
    for actual, expected in zip(*results):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align", [False, True])
def test_points_on_pixels_and_edges(padding, align):
    """At kinks the subgradient is torch's."""
    x = values((1, 2, 4, 4), 0)
    row = np.array([-2.0, -1, -0.75, 0, 0.25, 1, 1.5])
    grid = np.stack(np.meshgrid(row, row), -1)[None]
    for mode in ("bilinear", "bicubic"):
        check_against_torch("nn.functional.grid_sample", x, grid, mode, padding, align, rtol=1e-7, atol=1e-9)


def test_what_is_not_finite():
    """torch's answer for a coordinate that is NaN; for others it reads beyond the image."""
    grid = np.array([[[[np.nan, 0.0], [0, 0]]]])
    y = F.grid_sample(scratchnet.ones(1, 1, 3, 3).double(), Tensor(grid), align_corners=False)
    np.testing.assert_array_equal(y.array, [[[[np.nan, 1]]]])
    for padding in ("zeros", "border", "reflection"):
        for mode in ("nearest", "bilinear", "bicubic"):
            for number in (np.nan, np.inf, -np.inf, 1e30, -1e30):
                leaves = Tensor(values((1, 1, 3, 3), 0), True), Tensor(np.full((1, 2, 2, 2), number), True)
                F.grid_sample(*leaves, mode, padding, False).sum().backward()  # neither crashes nor reads beyond
                assert leaves[0].grad.shape == (1, 1, 3, 3)
    x = np.ones((1, 1, 3, 3))
    x[0, 0, 0, 0] = np.nan  # what is outside of the image is 0, not 0 times its first pixel
    check_against_torch("nn.functional.grid_sample", x, np.full((1, 1, 2, 2), 1.1), align_corners=False, grad=False)


def test_by_hand():
    x = Tensor(np.array([[[[1.0, 2], [3, 4]]]]), True)
    grid = Tensor(np.array([[[[0.0, 0.0], [-1, -1], [1, 0], [0.5, -0.5]]]]), True)
    y = F.grid_sample(x, grid, align_corners=True)
    assert y.tolist() == [[[[2.5, 1, 3, 2.25]]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[[0.25 + 1 + 0.1875, 0.25 + 0.5 + 0.5625], [0.25 + 0.0625, 0.25 + 0.5 + 0.1875]]]]
    assert grid.grad.tolist()[0][0][0] == [0.5, 1]  # half a pixel for a unit: 1 to the right, 2 down
    assert F.grid_sample(x, grid, align_corners=False).tolist()[0][0][0][1] == 0.25  # a corner of the first pixel


@given(st.integers(2, 3), st.booleans(), seeds(), st.data())
def test_affine_grid(dims, align, seed, data):
    size = (2, 3, *(data.draw(st.integers(2, 4)) for _ in range(dims)))
    theta = values((2, dims, dims + 1), seed)
    check_against_torch("nn.functional.affine_grid", theta, size, align)
    check_gradient(lambda t: F.affine_grid(t, size, align), theta)


def test_the_identity_reads_the_image_itself():
    x = Tensor(values((2, 3, 4, 5), 0))
    theta = Tensor(np.tile(np.eye(2, 3), (2, 1, 1)))
    for align in (False, True):
        y = F.grid_sample(x, F.affine_grid(theta, x.shape, align), align_corners=align)
        np.testing.assert_allclose(y.array, x.array, atol=1e-12)


@pytest.mark.parametrize("align", [True, False])
def test_an_axis_of_one_pixel(align):
    theta = values((1, 2, 3), 0)
    for library, t in ((scratchnet, Tensor(theta)), (torch, torch.from_numpy(theta))):
        if align:
            with pytest.warns(UserWarning):
                y = library.nn.functional.affine_grid(t, (1, 1, 1, 4), align)
        else:
            y = library.nn.functional.affine_grid(t, (1, 1, 1, 4), align)
        if library is scratchnet:
            ours = y.array
    np.testing.assert_allclose(ours, y.numpy(), atol=1e-12)


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


@pytest.mark.parametrize(
    "x, grid, kwargs",
    [
        (ones(1, 1, 4, 4), ones(1, 2, 2, 3), {}),
        (ones(1, 1, 4, 4), ones(2, 2, 2, 2), {}),
        (ones(1, 1, 4, 4), ones(1, 2, 2), {}),
        (ones(1, 4, 4), ones(1, 2, 2), {}),
        (ones(1, 1, 4), ones(1, 2, 1), {}),
        (ones(1, 1, 4, 4), ones(1, 2, 2, 2, dtype=np.float64), {}),
        (ones(1, 1, 4, 4, dtype=np.int32), ones(1, 2, 2, 2, dtype=np.int32), {}),
        (ones(1, 1, 0, 4), ones(1, 2, 2, 2), {}),
        (ones(0, 1, 4, 4), ones(0, 2, 2, 2), {}),
        (ones(1, 1, 4, 4), ones(1, 0, 2, 2), {}),
        (ones(1, 1, 4, 4, 4), ones(1, 2, 2, 2, 2), {}),
        (ones(1, 1, 4, 4, 4), ones(1, 2, 2, 3), {}),
        (ones(1, 1, 4, 4, 4), ones(1, 2, 2, 2, 3), dict(mode="bicubic")),
        (ones(1, 1, 4, 4), ones(1, 2, 2, 2), dict(mode="cubic")),
        (ones(1, 1, 4, 4), ones(1, 2, 2, 2), dict(padding_mode="circular")),
    ],
)
def test_grid_sample_refuses_what_torch_refuses(x, grid, kwargs):
    check_against_torch("nn.functional.grid_sample", x, grid, align_corners=False, **kwargs)


@pytest.mark.parametrize(
    "theta, size",
    [
        (ones(2, 2, 3), (3, 1, 4, 5)),
        (ones(2, 3, 4), (2, 1, 4, 5)),
        (ones(2, 2, 3), (2, 1, 4)),
        (ones(2, 2, 3, dtype=np.int32), (2, 1, 4, 5)),
        (ones(2, 2, 3), (2, 1, 0, 5)),
        (ones(2, 2, 3), (2, 0, 4, 5)),
        (ones(2, 2, 3), (2, 1, 4, 5.5)),
        (ones(0, 2, 3), (0, 1, 4, 5)),
        (ones(2, 3), (2, 1, 4, 5)),
    ],
)
def test_affine_grid_refuses_what_torch_refuses(theta, size):
    check_against_torch("nn.functional.affine_grid", theta, size, align_corners=False)


def test_the_default_of_align_corners_is_announced():
    with pytest.warns(UserWarning, match="align_corners"):
        F.grid_sample(scratchnet.ones(1, 1, 2, 2), scratchnet.zeros(1, 1, 1, 2))
    with pytest.warns(UserWarning, match="align_corners"):
        F.affine_grid(scratchnet.ones(1, 2, 3), (1, 1, 2, 2))
