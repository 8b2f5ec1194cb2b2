"""Many images as one, and that in a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchnet.autograd import Tensor

# A range of pixels smaller than this is not stretched further.
_LEAST_RANGE = 1e-5


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images side by side.

    Parameters
    ----------
    tensor : Tensor [N, C, H, W], [C, H, W] or [H, W], or a sequence of images [C, H, W]
        One channel becomes three.
    nrow : int
        Images in a row.
    padding : int
        Pixels between images and around them.
    normalize : bool
        Whether to map the range of the pixels to [0, 1].
    value_range : pair of float, optional
        That range, to which pixels are clipped; by default from the smallest pixel to the largest.
    scale_each : bool
        The range of each image, not that of all.
    pad_value : float
        Between the images.

    Returns
    -------
    Tensor [3 or C, rows · (H + padding) + padding, nrow · (W + padding) + padding]
        Without gradient. A single image comes back as it is, without padding.

    Raises
    ------
    TypeError
        If `tensor` holds no images.

    Examples
    --------
    >>> import scratchnet
    >>> make_grid(scratchnet.zeros(10, 1, 28, 28), nrow=5).shape
    scratchnet.Size([3, 62, 152])
    """
    images = _batch(tensor)
    if value_range is not None and not (isinstance(value_range, tuple) and len(value_range) == 2):
        raise TypeError(f"value_range has to be a tuple (min, max) if specified, got {value_range!r}")
    if normalize:
        images = (
            np.stack([_stretched(x, value_range) for x in images]) if scale_each else _stretched(images, value_range)
        )
    n, channels, height, width = images.shape
    if n == 1:
        return Tensor(images[0].copy())
    columns = min(nrow, n)
    rows = math.ceil(n / columns)
    down, right = height + padding, width + padding
    grid = np.full((channels, rows * down + padding, columns * right + padding), pad_value, images.dtype)
    for k, image in enumerate(images):
        y, x = (k // columns) * down + padding, (k % columns) * right + padding
        grid[:, y : y + height, x : x + width] = image
    return Tensor(grid)


def save_image(tensor: Tensor | Sequence[Tensor], fp: Any, format: str | None = None, **options: Any) -> None:
    """Write images with pixels in [0, 1] as one file: `make_grid` with these options, by Pillow.

    Parameters
    ----------
    tensor : as for `make_grid`
    fp : path or binary file
    format : str, optional
        Of the file, such as "png"; by default from the name.
    **options
        Of `make_grid`.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("save_image writes by Pillow: pip install 'scratchnet[cli]'") from error

    pixels = make_grid(tensor, **options).array * 255 + 0.5
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8).transpose(1, 2, 0)).save(fp, format=format)


def _batch(tensor: Any) -> np.ndarray:
    """[N, 3 or C, H, W]"""
    given = list(tensor) if isinstance(tensor, list | tuple) else [tensor]
    for one in given:
        if not isinstance(one, Tensor):
            raise TypeError(f"tensor or list of tensors expected, got a {type(one).__name__}")
    images = given[0].array if isinstance(tensor, Tensor) else np.stack([one.array for one in given])
    if images.ndim == 2:
        images = images[None]
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4:
        raise TypeError(f"expected images [N, C, H, W], [C, H, W] or [H, W], got shape {list(images.shape)}")
    return np.repeat(images, 3, 1) if images.shape[1] == 1 else images


def _stretched(images: np.ndarray, value_range: tuple[float, float] | None) -> np.ndarray:
    low, high = value_range or (float(images.min()), float(images.max()))
    return (np.clip(images, low, high) - low) / max(high - low, _LEAST_RANGE)
