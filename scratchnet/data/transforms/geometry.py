"""Images of another size: `Resize` and `CenterCrop`, of PIL images, arrays and Tensors."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from scratchnet.autograd import Tensor
from scratchnet.data.transforms.basic import Transform


class InterpolationMode(Enum):
    """How `Resize` finds the values between pixels; the antialiasing ones average over what a new pixel covers."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"


# Pillow's numbers for the same filters; its nearest pixel is the exact one
_PILLOW = {
    InterpolationMode.NEAREST_EXACT: 0,
    InterpolationMode.NEAREST: 0,
    InterpolationMode.LANCZOS: 1,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
}
_BY_NUMBER = {number: mode for mode, number in _PILLOW.items()}


class Resize(Transform):
    """An image in another size: bilinear, each new pixel a mean of those that it covers.

    PIL images are resized by Pillow; arrays by the same rule, columns first, then rows, each rounded to bytes; Tensors
    by `F.interpolate`.

    Parameters
    ----------
    size : int or (height, width)
        A single number is the length of the shorter side; the longer one keeps the proportions, rounded down.
    interpolation : InterpolationMode
        Or Pillow's number of one, such as `PIL.Image.BICUBIC`.
    max_size : int, optional
        What the longer side may have at most, where `size` is a single number; the shorter one then gets less than `size`.
    antialias : bool
        False: Tensors and arrays are sampled without taking the mean. PIL images are always averaged over.

    Raises
    ------
    TypeError, ValueError
        For a size or an interpolation that is none, or `max_size` together with two sizes, or not above `size`.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        if not isinstance(size, int | Sequence):
            raise TypeError(f"Resize: size should be int or sequence. Got {type(size)}")
        mode = _BY_NUMBER.get(interpolation) if isinstance(interpolation, int) else interpolation
        if not isinstance(mode, InterpolationMode):
            raise TypeError(f"Resize: interpolation should be an InterpolationMode, got {interpolation!r}")
        sizes = (size,) if isinstance(size, int) else tuple(size)
        if len(sizes) not in (1, 2):
            raise ValueError(f"Resize: if size is a sequence, it should have 1 or 2 values, got {size}")
        if max_size is not None and len(sizes) == 2:
            raise ValueError(f"Resize: max_size is for a size that is a single number, got {size} and {max_size}")
        if max_size is not None and max_size <= sizes[0]:
            raise ValueError(f"Resize: max_size = {max_size} must be strictly greater than the size {size}")
        self.size, self.interpolation, self.max_size, self.antialias = size, mode, max_size, antialias

    def __call__(self, image: Any) -> Any:
        if not hasattr(image, "crop"):
            return super().__call__(image)
        width, height = image.size
        height, width = self.output_size(height, width)
        return image.resize((width, height), _PILLOW[self.interpolation])

    def batch(self, images: Any) -> Any:
        """Tensors [N, C, H, W], arrays [N, H, W] or [N, H, W, C]; the result is of the same kind."""
        from scratchnet.nn.functional import interpolate

        x = _planes(images, "Resize")
        size = self.output_size(*x.shape[-2:])
        if size == tuple(x.shape[-2:]):
            return images
        mode = self.interpolation.value
        if mode == "nearest" and not isinstance(images, Tensor):
            mode = "nearest-exact"  # as Pillow
        y = interpolate(x, size, mode=mode, antialias=bool(self.antialias) and not mode.startswith("nearest"))
        return _like(images, y)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of what an image of this height and width becomes.

        >>> Resize(256).output_size(683, 1024)
        (256, 383)
        """
        if not isinstance(self.size, int) and len(self.size) == 2:
            return self.size[0], self.size[1]
        short = self.size if isinstance(self.size, int) else self.size[0]
        long = int(short * max(height, width) / min(height, width))
        if self.max_size is not None and long > self.max_size:
            short, long = int(self.max_size * short / long), self.max_size
        return (long, short) if width <= height else (short, long)

    def extra_repr(self) -> str:
        return (
            f"size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, "
            f"antialias={self.antialias}"
        )


class CenterCrop(Transform):
    """The middle of an image; where it is smaller than that, zeros around it.

    Parameters
    ----------
    size : int or (height, width)
        A single number: a square.

    Raises
    ------
    ValueError
        If `size` has more than two values.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        sizes = (size,) if isinstance(size, int) else tuple(size)
        if len(sizes) not in (1, 2):
            raise ValueError(f"CenterCrop: please provide only two dimensions (h, w) for size, got {size}")
        self.size = sizes[0], sizes[-1]

    def __call__(self, image: Any) -> Any:
        if not hasattr(image, "crop"):
            return super().__call__(image)
        width, height = image.size
        (top, bottom), (left, right) = _middle(height, self.size[0]), _middle(width, self.size[1])
        return image.crop((left, top, right, bottom))  # what lies outside is black

    def batch(self, images: Any) -> Any:
        """Tensors [N, C, H, W], arrays [N, H, W] or [N, H, W, C]; the result is of the same kind."""
        from scratchnet.nn.functional import pad

        x = _planes(images, "CenterCrop")
        height, width = x.shape[-2:]
        (top, bottom), (left, right) = _middle(height, self.size[0]), _middle(width, self.size[1])
        inner = x[..., max(top, 0) : bottom, max(left, 0) : right]
        margins = (max(-left, 0), max(right - width, 0), max(-top, 0), max(bottom - height, 0))
        return _like(images, pad(inner, margins) if any(margins) else inner)

    def extra_repr(self) -> str:
        return f"size={self.size}"


def _middle(n: int, size: int) -> tuple[int, int]:
    """First pixel, and the one after the last, of the middle `size` of n; of half pixels as torchvision has it."""
    begin = round((n - size) / 2) if size <= n else -((size - n) // 2)
    return begin, begin + size


def _planes(images: Any, name: str) -> Tensor:
    """[N, C, H, W], from Tensors of that shape, or arrays with the channels last or none."""
    if isinstance(images, Tensor):
        if images.ndim == 4:
            return images
    elif np.ndim(images) in (3, 4):
        array = np.asarray(images)
        return Tensor(array[:, None] if array.ndim == 3 else array.transpose(0, 3, 1, 2))
    raise ValueError(
        f"{name}: expected a PIL image, a Tensor [C, H, W] or an array [H, W] or [H, W, C], or a batch of them; "
        f"got a batch of shape {tuple(images.shape)}"
    )


def _like(images: Any, planes: Tensor) -> Any:
    """[N, C, H, W] in the form that `images` came in."""
    if isinstance(images, Tensor):
        return planes
    array = planes.array[:, 0] if images.ndim == 3 else planes.array.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(array)
