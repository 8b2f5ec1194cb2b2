"""MNIST5k as shipped, MNIST from files, and refusals."""

import hashlib

import numpy as np
import pytest

import scratchnet
from scratchnet.data import DataLoader
from scratchnet.data.datasets import MNIST, FashionMNIST, ImageDataset, MNIST5k, write_idx
from scratchnet.data.transforms import Compose, Normalize, RandomAffine, ToTensor


def test_the_shipped_digits_are_the_ones_stated():
    train, test = MNIST5k(), MNIST5k(train=False)
    assert len(train) == 4000 and len(test) == 1000
    assert np.bincount(train.targets).tolist() == [400] * 10
    assert np.bincount(test.targets).tolist() == [100] * 10
    content = np.concatenate([train.data, test.data]).tobytes()
    content += np.concatenate([train.targets, test.targets]).astype(np.uint8).tobytes()
    expected = "6096bdf0ef3395b7d722b37c585f2fec387b1353f62c9b765553334e15b180bc"  # mnist5k_origin.md
    assert hashlib.sha256(content).hexdigest() == expected


def test_a_sample_and_a_batch():
    digits = MNIST5k()
    image, label = digits[5]
    assert image.shape == (1, 28, 28) and image.dtype == np.float32 and isinstance(label, int)
    assert image.array.max() <= 1
    images, labels = next(iter(DataLoader(digits, 8)))
    assert images.shape == (8, 1, 28, 28) and labels.dtype == np.int64
    np.testing.assert_array_equal(images.array[5], image.array)
    assert labels.array[5] == label


@pytest.mark.parametrize("workers", [0, 2])
def test_a_function_of_one_image_and_a_transform_give_the_same_batches(workers):
    scale = Compose([ToTensor(), Normalize(0.1307, 0.3081)])
    fast = MNIST5k(transform=scale, target_transform=lambda label: 9 - label)
    slow = MNIST5k(transform=lambda image: scale(image), target_transform=lambda label: 9 - label)
    for (a, i), (b, j), _ in zip(*(DataLoader(d, 7, num_workers=workers) for d in (fast, slow)), range(3)):
        np.testing.assert_array_equal(a.array, b.array)
        np.testing.assert_array_equal(i.array, j.array)


def test_augmentation_is_repeated_with_the_seed():
    def batch(seed):
        scratchnet.manual_seed(seed)
        digits = MNIST5k(transform=Compose([RandomAffine(10), ToTensor()]))
        return next(iter(DataLoader(digits, 4, shuffle=True, num_workers=1)))[0].array

    np.testing.assert_array_equal(batch(1), batch(1))
    assert not np.array_equal(batch(1), batch(2))


# ---- files -----------------------------------------------------------------------------------------------

IMAGES, LABELS = MNIST5k(False).data[:20], MNIST5k(False).targets[:20].astype(np.uint8)


@pytest.mark.parametrize(
    "cls, folder, pattern",
    [
        (MNIST, "", "{}-idx{}-ubyte"),
        (MNIST, "MNIST/raw", "{}-idx{}-ubyte.gz"),
        (FashionMNIST, "FashionMNIST/raw", "{}-idx{}-ubyte"),
        (FashionMNIST, "", "{}.idx{}-ubyte"),
    ],
)
def test_the_usual_places(tmp_path, cls, folder, pattern):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for stem, part in (("train", slice(12)), ("t10k", slice(12, 20))):
        write_idx(tmp_path / folder / pattern.format(f"{stem}-images", 3), IMAGES[part])
        write_idx(tmp_path / folder / pattern.format(f"{stem}-labels", 1), LABELS[part])
    train, test = cls(tmp_path), cls(str(tmp_path), train=False)
    np.testing.assert_array_equal(train.data, IMAGES[:12])
    np.testing.assert_array_equal(test.targets, LABELS[12:])
    assert train.class_to_idx[train.classes[3]] == 3


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte, train-images-idx3-ubyte\.gz") as caught:
        MNIST(tmp_path)
    assert str(tmp_path / "MNIST" / "raw") in str(caught.value)


@pytest.mark.parametrize(
    "images, labels, message",
    [
        (IMAGES, LABELS[:19], r"got shapes \(20, 28, 28\) and \(19,\)"),
        (IMAGES, LABELS + 3, r"label 1\d of sample \d+ is out of range: expected 0 to 9"),
        (LABELS, LABELS, "1 dimensions, expected 3"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, images, labels, message):
    write_idx(tmp_path / "train-images-idx3-ubyte", images)
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels)
    with pytest.raises(ValueError, match=message):
        MNIST(tmp_path)


def test_nan_pixels_are_refused():
    images = np.zeros((3, 2, 2))
    images[1, 0, 0] = np.nan
    with pytest.raises(ValueError, match="1 images hold NaN or infinite pixels, the first is number 1"):
        ImageDataset(images, [0, 1, 0], "ab")
    with pytest.raises(ValueError, match="label -1 of sample 2"):
        ImageDataset(images, [0, 1, -1], "ab")
