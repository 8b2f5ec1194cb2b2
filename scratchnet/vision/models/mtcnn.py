"""MTCNN: three small networks, each looking closer at what the one before took for a face.

K. Zhang, Z. Zhang, Z. Li, Y. Qiao, "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks",
2016. The keys of the state dicts, and every rule of rounding, are those of the package facenet-pytorch: its weights load.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from scratchnet import nn
from scratchnet.autograd import Tensor, no_grad
from scratchnet.nn import functional as F
from scratchnet.ops.creation import empty
from scratchnet.ops.joining import cat
from scratchnet.ops.selection import maximum
from scratchnet.vision.ops import nms

_CELL, _STRIDE = 12, 2  # of the proposals: pixels that one of them sees, and from one to the next
_BATCH = 512  # crops that go through a network at once


class PNet(nn.Module):
    """Proposes faces of 12 × 12 pixels everywhere: fully convolutional; 6,632 parameters.

    x [N, 3, H, W] → corrections [N, 4, h, w] of the windows' corners, in parts of their sides, and probabilities
    [N, 2, h, w] of no face and of a face; h = ⌈(H − 2) / 2⌉ − 4 windows, two pixels apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.conv4_1, self.conv4_2 = nn.Conv2d(32, 2, 1), nn.Conv2d(32, 4, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.conv4_2(x), self.conv4_1(x).softmax(1)


class RNet(nn.Module):
    """Refines: crops [N, 3, 24, 24] → corrections [N, 4] and probabilities [N, 2]; 100,178 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.prelu4(self.dense4(_columns_first(self.prelu3(self.conv3(x)))))
        return self.dense5_2(x), self.dense5_1(x).softmax(1)


class ONet(nn.Module):
    """Decides: crops [N, 3, 48, 48] → corrections [N, 4], landmarks [N, 10] and probabilities [N, 2].

    The landmarks are five x, then five y, in parts of the sides of the crop; 389,040 parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu5(self.dense5(_columns_first(self.prelu4(self.conv4(x)))))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x).softmax(1)


def _columns_first(x: Tensor) -> Tensor:
    """[N, C, H, W] → [N, W·H·C]: the order of the framework that the weights were trained with."""
    return x.permute(0, 3, 2, 1).flatten(1)


class MTCNN(nn.Module):
    """Faces in a photograph, with eyes, nose and corners of the mouth.

    An image pyramid shows faces of every size at about 12 pixels to `pnet`. What it proposes is cropped for `rnet` at
    24 × 24 pixels, and what that one leaves for `onet` at 48 × 48. Each drops what it takes for no face, corrects the
    boxes, and keeps, of those that overlap, the most probable. Boxes are (x1, y1, x2, y2) in pixels.

    Parameters
    ----------
    min_face_size : float
        Pixels.
    thresholds : three floats
        The probability that a face needs in each network.
    factor : float
        From one size of the pyramid to the next, between 0 and 1.

    Raises
    ------
    ValueError
        For numbers out of these ranges.
    """

    def __init__(
        self, *, min_face_size: float = 20, thresholds: Sequence[float] = (0.6, 0.7, 0.7), factor: float = 0.709
    ) -> None:
        super().__init__()
        if not 0 < factor < 1:
            raise ValueError(f"MTCNN: expected factor between 0 and 1, got {factor}")
        if not min_face_size > 0:
            raise ValueError(f"MTCNN: expected min_face_size > 0, got {min_face_size}")
        if len(thresholds) != 3:
            raise ValueError(f"MTCNN: expected three thresholds, one for each network, got {thresholds}")
        self.min_face_size, self.thresholds, self.factor = min_face_size, tuple(thresholds), factor
        self.pnet, self.rnet, self.onet = PNet(), RNet(), ONet()

    def detect(self, image: Any) -> tuple[Tensor, Tensor, Tensor]:
        """The faces in one image, the largest first.

        Parameters
        ----------
        image : PIL image, array or Tensor of bytes [H, W, 3]
            Red, green, blue.

        Returns
        -------
        boxes [N, 4], probabilities [N] and landmarks [N, 5, 2]
            The landmarks (x, y): the eyes, the nose, the corners of the mouth, each pair from left to right in the image.
            N is 0 where there is no face, and in an image smaller than `min_face_size`.

        Raises
        ------
        ValueError
            For another shape, or an image without pixels.
        TypeError
            If the image is not of bytes: numbers from 0 to 1, say, would all be black.
        """
        with no_grad():
            planes = self.planes(image)
            boxes, scores, landmarks = self.decide(planes, self.refine(planes, self.propose(planes)))
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        order = areas.array.argsort()[::-1].copy()
        return boxes[order], scores[order], landmarks[order]

    def planes(self, image: Any) -> Tensor:
        """The image as [1, 3, H, W], of the parameters' type."""
        pixels = np.asarray(getattr(image, "array", image))
        if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
            raise ValueError(f"MTCNN.detect: expected an image of shape [H, W, 3], got {pixels.shape}")
        if pixels.dtype != np.uint8:
            raise TypeError(f"MTCNN.detect: expected an image of bytes, 0 … 255 in uint8, got {pixels.dtype}")
        return Tensor(pixels.transpose(2, 0, 1)[None].astype(self.pnet.conv1.weight.array.dtype, order="C"))

    def pyramid(self, height: int, width: int) -> Iterator[tuple[float, int, int]]:
        """Scale, height and width of each image of the pyramid.

        >>> list(MTCNN(min_face_size=24, factor=0.5).pyramid(60, 100))
        [(0.5, 31, 51), (0.25, 16, 26)]
        """
        scale = _CELL / self.min_face_size
        side = min(height, width) * scale
        while side >= _CELL:
            yield scale, int(height * scale + 1), int(width * scale + 1)
            scale, side = scale * self.factor, side * self.factor

    def propose(self, planes: Tensor) -> Tensor:
        """The first stage: boxes [N, 4] by `pnet`, in the whole image."""
        found = []
        for scale, height, width in self.pyramid(*planes.shape[2:]):
            corrections, probabilities = self.pnet(_scaled(planes, (height, width)))
            found.append(_windows(corrections, probabilities, scale, self.thresholds[0]))
        if not found:
            return empty(0, 4, dtype=planes.dtype)
        boxes, scores, corrections = (cat(parts) for parts in zip(*found, strict=True))
        keep = nms(boxes, scores, 0.7)
        return _corrected(boxes[keep], corrections[keep], 0)

    def refine(self, planes: Tensor, boxes: Tensor) -> Tensor:
        """The second stage: those of the boxes [N, 4] that `rnet` takes for faces, corrected."""
        boxes, crops = _crops(planes, boxes, 24)
        if not len(boxes):
            return boxes
        corrections, probabilities = _batched(self.rnet, crops)
        scores = probabilities[:, 1]
        faces = scores > self.thresholds[1]
        boxes, scores, corrections = boxes[faces], scores[faces], corrections[faces]
        keep = nms(boxes, scores, 0.7)
        return _corrected(boxes[keep], corrections[keep], 1)

    def decide(self, planes: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The third stage: boxes [N, 4] that `onet` takes for faces, probabilities [N] and landmarks [N, 5, 2]."""
        boxes, crops = _crops(planes, boxes, 48)
        if not len(boxes):
            return boxes, empty(0, dtype=boxes.dtype), empty(0, 5, 2, dtype=boxes.dtype)
        corrections, landmarks, probabilities = _batched(self.onet, crops)
        scores = probabilities[:, 1]
        faces = scores > self.thresholds[2]
        boxes, scores, corrections = boxes[faces], scores[faces], corrections[faces]
        points = landmarks[faces].reshape(-1, 2, 5).transpose(1, 2)
        points = points * _sides(boxes, 1)[:, None] + boxes[:, None, :2] - 1
        boxes = _corrected(boxes, corrections, 1)
        keep = _suppress_contained(boxes.array, scores.array, 0.7)
        return boxes[keep], scores[keep], points[keep]


def _scaled(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """In another size, each pixel the mean of what it covers; 0 … 255 becomes −1 … 1, about."""
    return (F.interpolate(planes, size=size, mode="area") - 127.5) / 128


def _windows(
    corrections: Tensor, probabilities: Tensor, scale: float, threshold: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Of one size of the pyramid: windows [N, 4] in the whole image, probabilities [N], corrections [N, 4]."""
    rows, columns = np.nonzero(probabilities.array[0, 1] >= threshold)
    corner = Tensor(_STRIDE * np.stack([columns, rows], 1)).to(probabilities.dtype)
    windows = cat([((corner + 1) / scale).floor(), ((corner + _CELL) / scale).floor()], 1)
    scores = probabilities[0, 1][rows, columns]
    keep = nms(windows, scores, 0.5)
    return windows[keep], scores[keep], corrections[0][:, rows, columns].T[keep]


def _sides(boxes: Tensor, extra: int) -> Tensor:
    """Width and height [N, 2]. With `extra` 1 a box from pixel 3 to pixel 5 is three pixels wide."""
    return boxes[:, 2:] - boxes[:, :2] + extra


def _corrected(boxes: Tensor, corrections: Tensor, extra: int) -> Tensor:
    """Each corner moved by its correction, which is in parts of the sides."""
    sides = _sides(boxes, extra)
    return boxes + corrections * cat([sides, sides], 1)


def _square(boxes: Tensor) -> Tensor:
    """Boxes with the longer side on both axes, about the same centre."""
    sides = _sides(boxes, 0)
    longer = maximum(sides[:, :1], sides[:, 1:])
    begin = boxes[:, :2] + sides * 0.5 - longer * 0.5
    return cat([begin, begin + longer], 1)


def _crops(planes: Tensor, boxes: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Squares around those boxes that lie in the image, at least in part, and what is in them, [N, 3, size, size]."""
    boxes = _square(boxes)
    height, width = planes.shape[2:]
    corners = np.trunc(boxes.array).astype(np.int32)
    x1, y1 = np.maximum(corners[:, :2], 1).T - 1  # pixels count from 1 where the weights come from
    x2, y2 = np.minimum(corners[:, 2:], [width, height]).T
    inside = np.flatnonzero((x2 > x1) & (y2 > y1))
    crops = [_scaled(planes[:, :, y1[i] : y2[i], x1[i] : x2[i]], (size, size)) for i in inside]
    return boxes[inside], cat(crops) if crops else empty(0, 3, size, size, dtype=planes.dtype)


def _batched(network: nn.Module, crops: Tensor) -> list[Tensor]:
    parts = [network(part) for part in crops.split(_BATCH)]
    return [cat(outputs) for outputs in zip(*parts, strict=True)]


def _suppress_contained(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """As `nms`, but with the intersection divided by the smaller area: a box inside a better one is dropped, too."""
    order, keep = scores.argsort()[::-1], []
    areas = (boxes[:, 2:] - boxes[:, :2] + 1).prod(1)
    while len(order):
        best, order = order[0], order[1:]
        keep.append(best)
        begin = np.maximum(boxes[best, :2], boxes[order, :2])
        end = np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.maximum(end - begin + 1, 0).prod(1)
        order = order[shared / np.minimum(areas[best], areas[order]) <= threshold]
    return np.array(keep, np.int64)
