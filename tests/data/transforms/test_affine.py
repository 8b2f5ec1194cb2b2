"""RandomAffine: the map against torch's grid_sample, and the draws."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor
from scratchnet.data.transforms import RandomAffine, warp


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(2, 9), st.integers(2, 9))
def test_warp_is_torchs_grid_sample(seed, channels, height, width):
    rng = np.random.default_rng(seed)
    images = rng.uniform(size=(4, channels, height, width))
    matrix = np.eye(2) + rng.uniform(-0.6, 0.6, (4, 2, 2))
    matrix[0] = np.eye(2)
    matrix[np.abs(np.linalg.det(matrix)) < 0.1] = np.eye(2)
    shift = rng.uniform(-3, 3, (4, 2))

    # torch's grid: where each output pixel comes from, in units in which the image reaches from -1 to 1
    inverse = np.linalg.inv(matrix)
    size = np.array([width, height])
    theta = np.concatenate(
        [
            inverse * size[None, None, :] / size[None, :, None],
            -(inverse @ shift[..., None]) * 2 / size[:, None],
        ],
        2,
    )
    grid = F.affine_grid(torch.from_numpy(theta), [4, channels, height, width], align_corners=False)
    expected = F.grid_sample(torch.from_numpy(images), grid, align_corners=False)
    np.testing.assert_allclose(warp(images, matrix, shift), expected.numpy(), atol=2e-6)


def test_by_hand():
    image = np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]])
    still, quarter = np.eye(2)[None], np.array([[[0.0, -1.0], [1.0, 0.0]]])
    np.testing.assert_allclose(warp(image, still, np.zeros((1, 2))), image, rtol=1e-5)
    right = warp(image, still, np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(right[0], [[0, 1, 2], [0, 4, 5], [0, 7, 8]], rtol=1e-5)
    half_down = warp(image, still, np.array([[0.0, 0.5]]))
    np.testing.assert_allclose(half_down[0], [[0.5, 1, 1.5], [2.5, 3.5, 4.5], [5.5, 6.5, 7.5]], rtol=1e-5)
    turned = warp(image, quarter, np.zeros((1, 2)))  # y points down: clockwise
    np.testing.assert_allclose(turned[0], np.rot90(image[0], -1), rtol=1e-4)


def test_bytes_stay_bytes_and_tensors_stay_tensors():
    images = np.full((2, 5, 5), 200, np.uint8)
    turned = RandomAffine(20)(images[0])
    assert turned.dtype == np.uint8 and turned[2, 2] == 200 and turned[0, 0] < 200
    tensor = RandomAffine(20, generator=scratchnet.Generator()).batch(Tensor(np.ones((2, 1, 5, 5), np.float32)))
    assert isinstance(tensor, Tensor) and tensor.dtype == np.float32 and tensor.shape == (2, 1, 5, 5)


def test_draws_stay_in_their_ranges_and_are_seeded():
    transform = RandomAffine((-30, 10), translate=(0.1, 0.2), scale=(0.5, 2), shear=20)
    scratchnet.manual_seed(0)
    matrix, shift = transform.draw(4000, width=100, height=50)
    scratchnet.manual_seed(0)
    np.testing.assert_array_equal(transform.draw(4000, 100, 50)[0], matrix)

    angle = np.degrees(np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0]))  # the first column is not sheared
    scale = np.hypot(matrix[:, 0, 0], matrix[:, 1, 0])
    for values, low, high in (
        (angle, -30, 10),
        (scale, 0.5, 2),
        (shift[:, 0], -10, 10),
        (shift[:, 1], -10, 10),
    ):
        assert low <= values.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < values.max() <= high
    np.testing.assert_allclose(np.linalg.det(matrix), scale**2, rtol=1e-9)
    slant = np.degrees(np.arctan((matrix[:, 0, 0] * matrix[:, 0, 1] + matrix[:, 1, 0] * matrix[:, 1, 1]) / scale**2))
    assert -20 <= slant.min() < -19 and 19 < slant.max() <= 20


@pytest.mark.parametrize(
    "options",
    [
        dict(degrees=-1),
        dict(degrees=0, translate=(0.1, 2)),
        dict(degrees=0, scale=(0, 1)),
        dict(degrees=0, scale=(2, 1)),
        dict(degrees=0, shear=-3),
    ],
)
def test_refusals(options):
    with pytest.raises(ValueError, match="RandomAffine"):
        RandomAffine(**options)


def test_one_dimensional_images_are_refused():
    with pytest.raises(ValueError, match="expected images"):
        RandomAffine(3).batch(np.zeros((2, 5)))
