"""Images side by side, in a file, and scripts that import torchvision."""

import io

import numpy as np
import pytest
from PIL import Image

import scratchnet
from scratchnet.data.datasets import write_idx
from scratchnet.vision.utils import make_grid, save_image
from tests.examples.test_torch_scripts import with_scratchnet

RNG = np.random.default_rng(0)


def naive(images, nrow, padding, value):
    """Pixel by pixel: which image it belongs to, if to any."""
    n, channels, height, width = images.shape
    columns = min(nrow, n)
    shape = (-(-n // columns) * (height + padding) + padding, columns * (width + padding) + padding)
    grid = np.full((channels, *shape), value)
    for y in range(shape[0]):
        for x in range(shape[1]):
            row, i = divmod(y - padding, height + padding)
            column, j = divmod(x - padding, width + padding)
            k = row * columns + column
            if 0 <= i < height and 0 <= j < width and row >= 0 and 0 <= column < columns and k < n:
                grid[:, y, x] = images[k, :, i, j]
    return grid


@pytest.mark.parametrize(("n", "nrow", "padding"), [(5, 2, 1), (3, 8, 2), (4, 2, 0), (2, 1, 3)])
def test_each_pixel_is_where_it_belongs(n, nrow, padding):
    images = RNG.standard_normal((n, 3, 3, 2))
    grid = make_grid(scratchnet.tensor(images), nrow, padding, pad_value=0.5)
    np.testing.assert_array_equal(grid.numpy(), naive(images, nrow, padding, 0.5))
    same = make_grid([scratchnet.tensor(image) for image in images], nrow, padding, pad_value=0.5)
    np.testing.assert_array_equal(same.numpy(), grid.numpy())


def test_one_image_and_one_channel():
    image = RNG.standard_normal((2, 3)).astype(np.float32)
    for shape in ((2, 3), (1, 2, 3), (1, 1, 2, 3)):
        grid = make_grid(scratchnet.tensor(image.reshape(shape)))
        np.testing.assert_array_equal(grid.numpy(), np.stack([image] * 3))
        assert grid.dtype == scratchnet.float32


def test_ranges_by_hand():
    images = scratchnet.tensor([[[[0.0, 2.0]]], [[[4.0, 8.0]]]])
    for options, expected in (
        ({}, [0, 0.25, 0.5, 1]),
        ({"scale_each": True}, [0, 1, 0, 1]),
        ({"value_range": (2.0, 4.0)}, [0, 0, 1, 1]),
    ):
        grid = make_grid(images, padding=0, normalize=True, **options)
        assert grid[0].flatten().tolist() == expected and images.flatten().tolist() == [0, 2, 4, 8]


def test_a_file_has_the_pixels(tmp_path):
    x = scratchnet.tensor([[[0.0, 1.0], [0.5, 2.0]]])
    save_image(x, tmp_path / "x.png")
    stream = io.BytesIO()
    save_image([x, x], stream, "png", padding=1, pad_value=1.0)
    with Image.open(tmp_path / "x.png") as one, Image.open(stream) as two:
        assert np.asarray(one)[..., 0].tolist() == [[0, 255], [128, 255]]
        assert np.asarray(two)[..., 2].tolist() == [
            [255] * 7, [255, 0, 255, 255, 0, 255, 255], [255, 128, 255, 255, 128, 255, 255], [255] * 7,
        ]  # fmt: skip


@pytest.mark.parametrize("given", [3, [1, 2], np.zeros((1, 2, 2)), scratchnet.zeros(3), scratchnet.zeros(1, 1, 1, 1, 1)])
def test_what_are_no_images(given):
    with pytest.raises(TypeError, match="expected"):
        make_grid(given)


def test_a_range_is_a_pair():
    with pytest.raises(TypeError, match="value_range has to be a tuple"):
        make_grid(scratchnet.zeros(1, 2, 2), normalize=True, value_range=1.0)


SCRIPT = """
import torch
import torchvision
import torchvision.transforms as T
from torchvision import datasets, transforms
from torchvision.utils import make_grid, save_image

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_set = datasets.MNIST(folder, train=True, download=True, transform=transform)
loader = torch.utils.data.DataLoader(train_set, batch_size=4, shuffle=True)
data, target = next(iter(loader))
grid = torchvision.utils.make_grid(data, nrow=2, normalize=True)
assert T.ToTensor is transforms.ToTensor and torchvision.ops.nms and torchvision.models.resnet18
"""


def test_scripts_that_import_torchvision(tmp_path):
    digits = RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8)
    write_idx(tmp_path / "train-images-idx3-ubyte", digits)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(6, dtype=np.uint8))
    names = {"folder": tmp_path}
    exec(with_scratchnet(SCRIPT), names)
    assert names["grid"].shape == (3, 62, 62) and names["data"].shape == (4, 1, 28, 28)
    expected = (digits[names["target"].numpy()] / 255 - 0.1307) / 0.3081
    np.testing.assert_allclose(names["data"].numpy()[:, 0], expected, rtol=1e-5, atol=1e-6)
