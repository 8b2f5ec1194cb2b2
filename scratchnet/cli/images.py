"""From any image of a digit to what MNIST's digits look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIDE, BOX = 28, 20  # of an image, and of the box its ink is fitted into


def read_digit(path: str | Path) -> np.ndarray:
    """The image as MNIST would have it: bytes [28, 28], light ink on a dark ground.

    The makers of MNIST scaled each digit into a box of 20 × 20 and put its centre of mass into the middle of
    28 × 28 pixels; so do we. An image of 28 × 28 on a dark ground is taken as it is.

    Raises
    ------
    ValueError
        If the file is no image, or nothing is drawn on it.
    FileNotFoundError
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.load()
            grey = _grey(image)
    except FileNotFoundError:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        reason = "it is of no known format" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ValueError(f"{path} cannot be read as an image: {reason}") from error
    ground = _border(grey)
    ink = 255 - grey if ground > 127 else grey
    if ink.shape == (SIDE, SIDE) and ground <= 127:
        return ink.astype(np.uint8)
    ink = np.clip(ink - _border(ink), 0, None)
    if ink.max() < 32:
        raise ValueError(f"{path}: nothing is drawn on it, or too faintly to be seen")
    return _centred(np.round(ink * (255 / ink.max())).astype(np.uint8))


def _grey(image: object) -> np.ndarray:
    """Brightness 0 … 255 [H, W]; what is transparent becomes white."""
    from PIL import Image

    rgba = image.convert("RGBA")  # type: ignore[attr-defined]
    paper = Image.new("RGBA", rgba.size, "white")
    return np.asarray(Image.alpha_composite(paper, rgba).convert("L"), np.float64)


def _border(grey: np.ndarray) -> float:
    """The brightness of the ground: the median along the edges."""
    return float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))


def _centred(ink: np.ndarray) -> np.ndarray:
    from PIL import Image

    drawn = ink > 48
    rows, columns = (np.flatnonzero(drawn.any(axis)) for axis in (1, 0))
    crop = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * BOX / max(crop.shape))) for side in crop.shape)
    small = np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BOX), np.float64)
    mass = small.sum()
    y, x = ((small.sum(axis) @ np.arange(n)) / mass for axis, n in ((1, height), (0, width)))
    top = int(np.clip(round((SIDE - 1) / 2 - y), 0, SIDE - height))
    left = int(np.clip(round((SIDE - 1) / 2 - x), 0, SIDE - width))
    out = np.zeros((SIDE, SIDE), np.uint8)
    out[top : top + height, left : left + width] = np.round(small * (255 / small.max()))
    return out


def sketch(image: np.ndarray) -> list[str]:
    """An image [28, 28] of bytes as 14 lines of text, two pixels above one another in a character."""
    dark = image > 96
    return ["".join(" ▀▄█"[top + 2 * bottom] for top, bottom in zip(*rows)) for rows in zip(dark[::2], dark[1::2])]
