"""The transforms that draw no random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchnet.autograd import Tensor


class Transform:
    """Base class. A subclass defines `batch`, from a stack to a stack; one image is a stack of one."""

    def batch(self, images: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define batch")

    def __call__(self, image: Any) -> Any:
        return self.batch(image[None])[0]

    def extra_repr(self) -> str:
        return ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"


class Compose(Transform):
    """One transform after the other. Members may be plain functions of one image."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:
        for transform in self.transforms:
            image = transform(image)
        return image

    def batch(self, images: Any) -> Any:
        for transform in self.transforms:
            images = apply(transform, images)
        return images

    def extra_repr(self) -> str:
        return "".join(f"\n    {transform}" for transform in self.transforms) + "\n"


class Lambda(Transform):
    """A function of one image as a transform."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, image: Any) -> Any:
        return self.function(image)

    def batch(self, images: Any) -> Any:
        from scratchnet.data.collate import default_collate

        return default_collate([self.function(image) for image in images])


class ToTensor(Transform):
    """Images [H, W] or [H, W, C] of bytes to float32 Tensors [C, H, W] in [0, 1]; floats keep their values.

    PIL images work too.
    """

    def __call__(self, image: Any) -> Tensor:
        image = np.asarray(image)
        if image.ndim not in (2, 3):
            raise ValueError(f"ToTensor: pic should be 2/3 dimensional. Got {image.ndim} dimensions.")
        return self.batch(image[None])[0]

    def batch(self, images: Any) -> Tensor:
        array = images.array if isinstance(images, Tensor) else np.asarray(images)
        if array.ndim not in (3, 4):
            raise ValueError(f"ToTensor: expected images [N, H, W] or [N, H, W, C], got shape {array.shape}")
        array = array[:, None] if array.ndim == 3 else array.transpose(0, 3, 1, 2)
        if array.dtype == np.uint8:
            return Tensor(array.astype(np.float32) / np.float32(255))
        return Tensor(np.ascontiguousarray(array))


class Normalize(Transform):
    """(x − mean) / std for each channel of Tensors [C, H, W] or [N, C, H, W].

    Parameters
    ----------
    mean, std : float or sequence of float [C]
    """

    def __init__(self, mean: Any, std: Any) -> None:
        self.mean, self.std = np.atleast_1d(np.float64(mean)), np.atleast_1d(np.float64(std))
        if (self.std == 0).any():
            raise ValueError(f"Normalize: std evaluated to zero, leading to division by zero: {std}")

    def batch(self, images: Any) -> Tensor:
        x = images.array if isinstance(images, Tensor) else images
        if x.dtype.kind != "f":
            raise TypeError(f"Normalize: input tensor should be a float tensor. Got {x.dtype}.")
        if x.ndim < 3 or (self.mean.size not in (1, x.shape[-3])):
            raise ValueError(f"Normalize: expected images [N, C, H, W] with C = {self.mean.size}, got shape {x.shape}")
        mean, std = (value.astype(x.dtype)[:, None, None] for value in (self.mean, self.std))
        return Tensor((x - mean) / std)

    def extra_repr(self) -> str:
        return f"mean={self.mean.tolist()}, std={self.std.tolist()}"


def apply(transform: Callable[[Any], Any], images: Any) -> Any:
    """A transform, ours or any function of one image, on a stack of images."""
    batch = transform.batch if isinstance(transform, Transform) else Lambda(transform).batch
    return batch(images)
