"""Resize and CenterCrop: Pillow's bytes for images, torch's numbers for Tensors, torchvision's sizes."""

import numpy as np
import pytest
import torch
from PIL import Image

import scratchnet
from scratchnet.data.transforms import CenterCrop, Compose, InterpolationMode, Resize, ToTensor
from scratchnet.vision import transforms as of_vision

COLOURS = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
MODES = list(InterpolationMode)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("size", [4, 11, (9, 3)])
def test_arrays_are_resized_as_pillow_does(mode, size):
    resize = Resize(size, mode)
    theirs = resize(Image.fromarray(COLOURS))
    ours = resize(COLOURS)
    assert ours.dtype == np.uint8 and ours.shape == (theirs.size[1], theirs.size[0], 3)
    np.testing.assert_allclose(ours.astype(int), np.asarray(theirs), atol=1)
    grey = COLOURS[..., 1]
    np.testing.assert_array_equal(resize(grey), ours[..., 1])
    np.testing.assert_array_equal(resize.batch(COLOURS[None])[0], ours)


@pytest.mark.parametrize("antialias", [True, False])
def test_tensors_are_resized_as_torch_does(antialias):
    x = torch.rand(2, 3, 9, 7)
    theirs = torch.nn.functional.interpolate(x, (5, 3), mode="bicubic", antialias=antialias)
    resize = Resize(3, InterpolationMode.BICUBIC, antialias=antialias)
    assert resize.output_size(9, 7) == (3, 3)
    ours = Resize((5, 3), InterpolationMode.BICUBIC, antialias=antialias).batch(scratchnet.from_numpy(x.numpy()))
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "size, max_size, image, expected",
    [
        (256, None, (683, 1024), (256, 383)),       # 383.8, rounded down
        (256, None, (1024, 683), (383, 256)),
        ([4], None, (6, 6), (4, 4)),
        (4, 5, (6, 12), (2, 5)),                    # 8 is too long: 5, and 4 · 5 / 8
        (4, 9, (6, 12), (4, 8)),
        ((3, 8), None, (6, 12), (3, 8)),
    ],
)  # fmt: skip
def test_sizes_are_torchvisions(size, max_size, image, expected):
    assert Resize(size, max_size=max_size).output_size(*image) == expected


def test_the_numbers_of_pillow_name_filters_too():
    assert [Resize(3, n).interpolation.value for n in range(4)] == ["nearest", "lanczos", "bilinear", "bicubic"]
    assert Resize(3, Image.Resampling.BICUBIC).interpolation is InterpolationMode.BICUBIC


def test_an_image_of_the_right_size_stays():
    assert Resize((9, 7))(COLOURS).base is COLOURS
    np.testing.assert_array_equal(np.asarray(Resize((9, 7))(Image.fromarray(COLOURS))), COLOURS)


@pytest.mark.parametrize("size", [3, 4, (5, 2), (10, 4), (4, 10), 12, [6]])
def test_the_middle_is_the_same_of_images_arrays_and_tensors(size):
    crop = CenterCrop(size)
    theirs = np.asarray(crop(Image.fromarray(COLOURS)))
    assert theirs.shape == (*crop.size, 3)
    np.testing.assert_array_equal(crop(COLOURS), theirs)
    np.testing.assert_array_equal(crop(COLOURS[..., 0]), theirs[..., 0])
    x = scratchnet.from_numpy(COLOURS).permute(2, 0, 1).double().requires_grad_()
    y = crop(x)
    np.testing.assert_array_equal(y.detach().numpy(), theirs.transpose(2, 0, 1))
    y.sum().backward()
    assert x.grad.sum().item() == 3 * min(9, crop.size[0]) * min(7, crop.size[1])


def test_the_middle_by_hand():
    row = np.arange(1, 6, dtype=np.uint8)[None]
    assert CenterCrop((1, 2))(row).tolist() == [[3, 4]]        # 1.5 rounds to 2, as in torchvision
    assert CenterCrop((1, 4))(row).tolist() == [[1, 2, 3, 4]]  # and 0.5 to 0
    assert CenterCrop((1, 8))(row).tolist() == [[0, 1, 2, 3, 4, 5, 0, 0]]


def test_together_at_torchvisions_address():
    prepare = Compose([of_vision.Resize(6), of_vision.CenterCrop(4), ToTensor()])
    assert prepare(Image.fromarray(COLOURS)).shape == (3, 4, 4)
    assert repr(prepare.transforms[0]) == "Resize(size=6, interpolation=bilinear, max_size=None, antialias=True)"
    assert repr(prepare.transforms[1]) == "CenterCrop(size=(4, 4))"


@pytest.mark.parametrize(
    "error, message, call",
    [
        (TypeError, "size should be int or sequence", lambda: Resize(2.5)),
        (ValueError, "1 or 2 values", lambda: Resize((1, 2, 3))),
        (TypeError, "an InterpolationMode, got 'bicubic'", lambda: Resize(3, "bicubic")),
        (TypeError, "an InterpolationMode, got 9", lambda: Resize(3, 9)),
        (ValueError, "single number", lambda: Resize((3, 4), max_size=5)),
        (ValueError, "strictly greater", lambda: Resize(3, max_size=3)),
        (ValueError, "only two dimensions", lambda: CenterCrop((1, 2, 3))),
        (ValueError, r"Resize: expected .* got a batch of shape \(1, 3\)", lambda: Resize(3)(np.zeros(3))),
        (ValueError, "CenterCrop: expected", lambda: CenterCrop(3)(scratchnet.zeros(2, 2))),
    ],
)
def test_refusals(error, message, call):
    with pytest.raises(error, match=message):
        call()
