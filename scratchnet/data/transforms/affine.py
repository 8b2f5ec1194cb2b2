"""Small random rotations, shifts, scalings and shears: the same digit, written by somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchnet import random
from scratchnet.autograd import Tensor
from scratchnet.data.transforms.basic import Transform
from scratchnet.data.worker import current_generator


class RandomAffine(Transform):
    """Each image of a stack gets a random affine map about its centre, sampled bilinearly.

    out(p) = image(A⁻¹ (p − c − t) + c),  A = rotation(α) · shear(φ) · scale(s)

    with p = (x, y) a pixel, c the centre, and α, φ, s, t drawn uniformly for each image.

    Parameters
    ----------
    degrees : float or (low, high)
        α in degrees; a number d means (−d, d).
    translate : (a, b), optional
        |t_x| ≤ a · width and |t_y| ≤ b · height. Unlike torchvision's, shifts are not rounded to whole
        pixels.
    scale : (low, high), optional
        s, the same for both axes.
    shear : float or (low, high), optional
        φ in degrees, along x.
    generator : Generator, optional
        If not given: that of the DataLoader's worker, or the default one.
    """

    def __init__(
        self,
        degrees: Any,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Any = None,
        generator: random.Generator | None = None,
    ) -> None:
        self.degrees = _interval("degrees", degrees)
        self.shear = _interval("shear", 0 if shear is None else shear)
        self.translate = (0.0, 0.0) if translate is None else tuple(map(float, translate))
        self.scale = (1.0, 1.0) if scale is None else tuple(map(float, scale))
        self.generator = generator
        if len(self.translate) != 2 or not all(0 <= t <= 1 for t in self.translate):
            raise ValueError(f"RandomAffine: translate should be two values between 0 and 1, got {translate}")
        if len(self.scale) != 2 or not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"RandomAffine: scale should be two positive values, low <= high, got {scale}")

    def batch(self, images: Any) -> Any:
        """images [N, H, W] or [N, C, H, W], bytes or floats; the result has the same type."""
        x = images.array if isinstance(images, Tensor) else np.asarray(images)
        if x.ndim not in (3, 4):
            raise ValueError(f"RandomAffine: expected images [N, H, W] or [N, C, H, W], got shape {x.shape}")
        matrix, shift = self.draw(x.shape[0], x.shape[-1], x.shape[-2])
        y = warp(x, matrix, shift)
        return Tensor(y) if isinstance(images, Tensor) else y

    def draw(self, n: int, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """A [n, 2, 2] and t [n, 2] for n images."""
        u = (self.generator or current_generator()).uniform((5, n), np.float64)
        low, high = np.array([self.degrees, self.shear, self.scale]).T
        alpha, phi, s = low[:, None] + (high - low)[:, None] * u[:3]
        cos, sin = np.cos(np.radians(alpha)), np.sin(np.radians(alpha))
        rotation = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
        shear = np.zeros((n, 2, 2)) + np.eye(2)
        shear[:, 0, 1] = np.tan(np.radians(phi))
        shift = (2 * u[3:].T - 1) * self.translate * (width, height)
        return rotation @ shear * s[:, None, None], shift

    def extra_repr(self) -> str:
        return f"degrees={self.degrees}, translate={self.translate}, scale={self.scale}, shear={self.shear}"


def warp(images: np.ndarray, matrix: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """out_n(p) = images_n(A_n⁻¹ (p − c − t_n) + c), bilinear, zero outside.

    Parameters
    ----------
    images : array [N, …, H, W]
    matrix : array [N, 2, 2], A for (x, y) vectors
    shift : array [N, 2], t in pixels
    """
    n, height, width = images.shape[0], *images.shape[-2:]
    kind = np.float64 if images.dtype == np.float64 else np.float32
    inverse = np.linalg.inv(matrix)
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    start = centre - np.einsum("nij,nj->ni", inverse, centre + shift)
    rows, columns = np.mgrid[:height, :width].reshape(2, -1)
    points = inverse.astype(kind) @ np.stack([columns, rows]).astype(kind) + start.astype(kind)[:, :, None]

    # A border of zeros, and points beyond it moved onto it: no case distinctions at the edges.
    padded = np.pad(images.astype(kind), [(0, 0)] * (images.ndim - 2) + [(1, 1), (1, 1)])
    x = np.clip(points[:, 0] + 1, 0, width + 1)
    y = np.clip(points[:, 1] + 1, 0, height + 1)
    left, top = np.minimum(x.astype(np.intp), width), np.minimum(y.astype(np.intp), height)
    fx, fy = ((fraction[:, None]).astype(kind) for fraction in (x - left, y - top))

    stride = width + 2
    planes = padded.reshape(n, -1, (height + 2) * stride)
    first = np.arange(planes[..., 0].size).reshape(n, -1, 1) * planes.shape[2]  # where each plane begins
    corner = (top * stride + left)[:, None] + first

    def at(offset: int) -> np.ndarray:
        return padded.ravel().take(corner + offset, mode="clip")  # never clips: it is the mode that does not check

    upper, lower = at(0), at(stride)
    upper += fx * (at(1) - upper)
    lower += fx * (at(stride + 1) - lower)
    upper += fy * (lower - upper)
    out = upper.reshape(images.shape)
    return np.rint(out).astype(images.dtype) if images.dtype.kind in "iu" else out.astype(images.dtype, copy=False)


def _interval(name: str, value: Any) -> tuple[float, float]:
    if np.ndim(value) == 0:
        if value < 0:
            raise ValueError(f"RandomAffine: if {name} is a single number, it must be non-negative, got {value}")
        return -float(value), float(value)
    low, high = map(float, value)
    return low, high
