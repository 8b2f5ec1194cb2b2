"""From drawings of any kind to MNIST's look."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from scratchnet.cli.images import read_digit, sketch
from scratchnet.data.datasets import MNIST5k


def drawing(size=(200, 120), paper="white", ink="black", mode="RGB"):
    image = Image.new(mode, size, paper)
    ImageDraw.Draw(image).line([(60, 20), (60, 100)], fill=ink, width=12)
    return image


def test_a_stroke_by_hand(tmp_path):
    """A stroke of 12 × 80 (both ends of a line count) is scaled to a height of 20 and put into the middle."""
    drawing().save(tmp_path / "a.png")
    image = read_digit(tmp_path / "a.png")
    rows, columns = (np.flatnonzero(image.max(axis) > 127) for axis in (1, 0))
    assert image.shape == (28, 28) and image.dtype == np.uint8 and image.max() == 255
    assert (rows[0], rows[-1]) == (4, 23)
    assert len(columns) == 3 and columns[0] >= 12 and columns[-1] <= 15
    assert image[:4].max() == 0 and image[:, :10].max() == 0


@pytest.mark.parametrize(
    "name, options",
    [
        ("dark.png", {"paper": "black", "ink": "white"}),
        ("blue on yellow.png", {"paper": "#ffee88", "ink": "#102080"}),
        ("see-through.png", {"mode": "RGBA", "paper": (0, 0, 0, 0), "ink": (0, 0, 0, 255)}),
        ("grey.png", {"mode": "L", "paper": 200, "ink": 30}),
        ("large.png", {"size": (1500, 900)}),
    ],
)
def test_colours_and_sizes_do_not_matter(tmp_path, name, options):
    drawing().save(tmp_path / "plain.png")
    drawing(**options).save(tmp_path / name)
    expected, image = (read_digit(tmp_path / n).astype(int) for n in ("plain.png", name))
    assert np.abs(image - expected).max() <= 2


def test_other_formats(tmp_path):
    for name in ("a.png", "a.gif", "a.bmp", "a.webp"):
        drawing().save(tmp_path / name)
        assert read_digit(tmp_path / name).max() == 255
    drawing().save(tmp_path / "a.jpg", quality=80)
    ink = [read_digit(tmp_path / name).sum(dtype=float) for name in ("a.jpg", "a.png")]
    assert ink[0] == pytest.approx(ink[1], rel=0.1)


def test_mnist_digits_come_back_as_they_are(tmp_path):
    digits = MNIST5k(False).data[:20]
    for digit in digits:
        Image.fromarray(digit).save(tmp_path / "a.png")
        np.testing.assert_array_equal(read_digit(tmp_path / "a.png"), digit)
        large = Image.fromarray(255 - digit).resize((280, 280), Image.Resampling.BICUBIC)
        large.save(tmp_path / "b.png")
        a, b = read_digit(tmp_path / "b.png") / 255.0, digit / 255.0
        near = [np.roll(a, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]  # to a pixel where it was
        assert max((c * b).sum() for c in near) > 0.9 * np.sqrt((a * a).sum() * (b * b).sum())


@pytest.mark.parametrize(
    "content, message",
    [
        (b"no image at all", "cannot be read as an image: it is of no known format"),
        (b"", "cannot be read as an image: it is of no known format"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, content, message):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_digit(tmp_path / "a.png")


def test_a_truncated_image_is_refused(tmp_path):
    Image.effect_noise((64, 64), 90).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"a\.png cannot be read as an image: .*truncated"):
        read_digit(tmp_path / "a.png")


def test_an_empty_sheet_is_refused(tmp_path):
    for paper in ("white", "black", "#808080"):
        Image.new("RGB", (50, 40), paper).save(tmp_path / "a.png")
        with pytest.raises(ValueError, match="nothing is drawn on it"):
            read_digit(tmp_path / "a.png")


def test_sketch():
    image = np.zeros((28, 28), np.uint8)
    image[0, 0] = image[1, 1] = image[0, 2] = image[1, 2] = 255
    lines = sketch(image)
    assert len(lines) == 14 and lines[0] == "▀▄█" + " " * 25 and lines[1] == " " * 28
