"""Mistakes of pooling and resampling that no option gives."""

from itertools import pairwise

import numpy as np

import scratchnet
from scratchnet.nn import functional as F
from tests.interop.causes.planting import MAPS, Planted


def adaptive(begin, end):
    def forward(self, x):
        for axis in (2, 3):
            edges = np.arange(4) * 5 / 3
            parts = [
                x.narrow(axis, int(begin(a)), int(end(b) - begin(a))).mean(axis, keepdim=True)
                for a, b in pairwise(edges)
            ]
            x = scratchnet.cat(parts, axis)
        return x

    return forward


def from_corners(self, x):
    """Bilinear at i·s: twice the size is every other one of the neighbour's mean."""
    for axis in (2, 3):
        n = x.shape[axis]
        high = scratchnet.cat([x.narrow(axis, 1, n - 1), x.narrow(axis, n - 1, 1)], axis)
        x = scratchnet.stack([x, (x + high) / 2], axis + 1).flatten(axis, axis + 1)
    return x


ADAPTIVE = ("AdaptiveAvgPool2d", (3,), MAPS)

PLANTED = [
    Planted(
        "sampling.another_pool", "it computes AvgPool2d, torch's MaxPool2d", "MaxPool2d", (2,), MAPS,
        forward=lambda s, x: F.avg_pool2d(x, 2),
    ),
    Planted(
        "sampling.windows", "windows end at ⌊(i + 1)·L/n⌋, torch's at ⌈(i + 1)·L/n⌉", *ADAPTIVE,
        forward=adaptive(np.floor, np.floor),
    ),
    Planted(
        "sampling.windows", "windows begin and end at the nearest pixel, torch's at ⌊i·L/n⌋ and ⌈(i + 1)·L/n⌉",
        *ADAPTIVE, forward=adaptive(np.rint, np.rint),
    ),
    Planted(
        "sampling.half_pixel", "pixels are taken to lie at their corner: i·s, torch's at (i + ½)·s − ½", "Upsample", (),
        MAPS, {"scale_factor": 2, "mode": "bilinear"}, forward=from_corners,
    ),
]  # fmt: skip
