"""ToTensor, Normalize, Compose, Lambda."""

import numpy as np
import pytest

from scratchnet import Tensor
from scratchnet.data.transforms import Compose, Lambda, Normalize, ToTensor

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 51


def test_to_tensor_by_hand():
    image = ToTensor()(GREY)
    assert image.shape == (1, 2, 3) and image.dtype == np.float32
    np.testing.assert_allclose(image.array[0], [[0, 0.2, 0.4], [0.6, 0.8, 1.0]], rtol=1e-6)
    colour = ToTensor()(np.stack([GREY, 255 - GREY], axis=2))
    np.testing.assert_allclose(colour.array[1], 1 - image.array[0], rtol=1e-6, atol=1e-7)
    assert ToTensor()(GREY.astype(np.float64)).array.max() == 255  # floats are left alone


def test_to_tensor_takes_pil_images():
    from PIL import Image

    np.testing.assert_array_equal(ToTensor()(Image.fromarray(GREY)).array, ToTensor()(GREY).array)


def test_normalize_by_hand():
    x = Tensor(np.float32([[[1.0]], [[2.0]]]))
    np.testing.assert_allclose(Normalize([0.5, 1], [0.25, 2])(x).array.ravel(), [2, 0.5])
    np.testing.assert_allclose(Normalize(0.5, 0.25)(x).array.ravel(), [2, 6])


def test_compose_of_one_and_of_many_agree():
    transform = Compose([lambda image: image[:, ::-1], ToTensor(), Normalize(0.1, 0.3)])
    images = np.stack([GREY, 255 - GREY])
    many = transform.batch(images)
    for one, image in zip(many.array, images):
        np.testing.assert_array_equal(one, transform(image).array)
    assert repr(transform).splitlines()[2:] == ["    ToTensor()", "    Normalize(mean=[0.1], std=[0.3])", ")"]
    np.testing.assert_array_equal(Lambda(ToTensor()).batch(images).array, ToTensor().batch(images).array)


@pytest.mark.parametrize(
    "error, call",
    [
        (ValueError, lambda: ToTensor()(np.zeros(3))),
        (ValueError, lambda: ToTensor().batch(GREY)),
        (ValueError, lambda: Normalize(0.5, 0)),
        (TypeError, lambda: Normalize(0.5, 1)(Tensor(GREY[None]))),
        (ValueError, lambda: Normalize([0.5, 1], 1)(Tensor(np.zeros((3, 2, 2))))),
        (ValueError, lambda: Normalize([0.5], 1).batch(Tensor(np.zeros((2, 2))))),
    ],
)
def test_refusals(error, call):
    with pytest.raises(error):
        call()
