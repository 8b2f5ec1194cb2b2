"""What each pixel of a resized axis is made of: sparse matrices, one for an axis, that resize by a product.

Resizing is linear and separable, whatever its mode: y = M x along each axis.  The rows of M have one entry (nearest),
two (linear), four (cubic) or as many as the pixels are apart (area, antialiased).  The gradient is the product with
Mᵀ, another table of the same kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np


@dataclass(frozen=True, eq=False)
class Table:
    """Output o is Σ weight[t] · input[position[t]] for t in begin[o] … begin[o + 1]."""

    inputs: int
    begin: np.ndarray           # int64 [outputs + 1]
    position: np.ndarray        # int64
    weight: np.ndarray

    @property
    def outputs(self) -> int:
        return len(self.begin) - 1

    @cached_property
    def owner(self) -> np.ndarray:
        """The output that each tap belongs to."""
        return np.repeat(np.arange(self.outputs), np.diff(self.begin))

    @cached_property
    def adjoint(self) -> Table:
        """The transposed matrix."""
        order = np.argsort(self.position, kind="stable")
        begin = np.concatenate([[0], np.cumsum(np.bincount(self.position, minlength=self.inputs))])
        result = Table(self.outputs, begin.astype(np.int64), self.owner[order], self.weight[order])
        result.__dict__["adjoint"] = self
        return result

    @cached_property
    def identity(self) -> bool:
        return self.inputs == self.outputs and np.array_equal(self.position, np.arange(self.outputs)) and \
            np.array_equal(self.begin, np.arange(self.outputs + 1)) and bool((self.weight == 1).all())

    @cached_property
    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions and weights as [taps, outputs], 1 or an even number of taps.

        An output with fewer of them has the rest at position `inputs`, a cell after the last, where a zero must be.
        """
        counts = np.diff(self.begin)
        most = int(counts.max(initial=1))
        shape = (most if most == 1 else most + most % 2, self.outputs)
        positions, weights = np.full(shape, self.inputs, np.uint32), np.zeros(shape, self.weight.dtype)
        number = np.arange(len(self.owner)) - np.repeat(self.begin[:-1], counts)
        positions[number, self.owner], weights[number, self.owner] = self.position, self.weight
        return positions, weights

    @cached_property
    def ragged(self) -> bool:
        """Whether `columns` needs that zero."""
        return bool((self.columns[0] == self.inputs).any())


def _dense(positions, weights, inputs):
    """A table from arrays [outputs, taps]."""
    count = positions.shape[1]
    return Table(inputs, np.arange(len(positions) + 1) * count, positions.reshape(-1).astype(np.int64),
                 np.ascontiguousarray(weights.reshape(-1)))


def _step(real, inputs, outputs, align_corners, scale):
    """Pixels of the input from one of the output to the next, rounded as torch rounds it."""
    if align_corners:
        return real(inputs - 1) / real(outputs - 1) if outputs > 1 else real(0)
    return real(1 / scale) if scale is not None and scale > 0 else real(inputs) / real(outputs)


def _centres(real, inputs, outputs, align_corners, scale):
    """Where the pixels of the output lie on the input, whose first pixel is at 0."""
    step, i = _step(real, inputs, outputs, align_corners, scale), np.arange(outputs).astype(real)
    return step * i if align_corners else step * (i + real(0.5)) - real(0.5)


def _nearest(real, inputs, outputs, align_corners, scale):
    step = _step(real, inputs, outputs, False, scale)
    index = np.floor((step * np.arange(outputs).astype(real)).astype(np.float32))
    return _dense(np.minimum(index, inputs - 1)[:, None], np.ones((outputs, 1), real), inputs)


def _nearest_exact(real, inputs, outputs, align_corners, scale):
    centre = np.maximum(_centres(real, inputs, outputs, False, scale), real(0))
    index = np.floor((centre + real(0.5)).astype(np.float32))
    return _dense(np.minimum(index, inputs - 1)[:, None], np.ones((outputs, 1), real), inputs)


def _split(centre, inputs):
    """The pixel before each point, and how far behind it the point lies."""
    index = np.minimum(np.floor(centre), inputs - 1)
    return index.astype(np.int64), np.clip(centre - index, 0, 1).astype(centre.dtype)


def _linear(real, inputs, outputs, align_corners, scale):
    if inputs == outputs:
        return _dense(np.arange(outputs)[:, None], np.ones((outputs, 1), real), inputs)
    centre = np.maximum(_centres(real, inputs, outputs, align_corners, scale), real(0))
    index, t = _split(centre, inputs)
    return _dense(np.stack([index, np.minimum(index + 1, inputs - 1)], 1), np.stack([1 - t, t], 1), inputs)


def cubic_kernel(x, a):
    """The cubic convolution kernel at distance |x|: R. Keys, *Cubic Convolution Interpolation for Digital Image
    Processing* (1981)."""
    a, x = x.dtype.type(a), np.abs(x)
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0)).astype(x.dtype)


def _cubic(real, inputs, outputs, align_corners, scale):
    index, t = _split(_centres(real, inputs, outputs, align_corners, scale), inputs)
    offsets = np.arange(-1, 3)
    weights = cubic_kernel(t[:, None] - offsets.astype(real), -0.75)
    return _dense(np.clip(index[:, None] + offsets, 0, inputs - 1), weights, inputs)


def _ranges(first, stop, inputs):
    """Which of [outputs, taps] lie between first and stop, and their positions."""
    offsets = np.arange(int((stop - first).max(initial=0)))
    positions = first[:, None] + offsets
    return positions < stop[:, None], positions


def _area(real, inputs, outputs, align_corners, scale):
    i = np.arange(outputs)
    first, stop = i * inputs // outputs, -(-(i + 1) * inputs // outputs)
    valid, positions = _ranges(first, stop, inputs)
    count = stop - first
    weights = np.broadcast_to((1 / count)[:, None], valid.shape)
    return Table(inputs, np.concatenate([[0], np.cumsum(count)]), positions[valid], weights[valid].astype(real))


def _lanczos_kernel(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0).astype(x.dtype)


# name: the kernel and how far it reaches
_SMOOTH = {
    "linear": (lambda x: np.maximum(0, 1 - np.abs(x)).astype(x.dtype), 1),
    "cubic": (lambda x: cubic_kernel(x, -0.5), 2),
    "lanczos": (_lanczos_kernel, 3),
}


def _antialiased(mode, real, inputs, outputs, align_corners, scale):
    """The kernel, stretched over as many pixels as an output stands for: what lies closer together is averaged."""
    kernel, reach = _SMOOTH[mode]
    step = _step(real, inputs, outputs, align_corners, scale)
    stretch = max(step, real(1))
    support = real(reach) * stretch
    centre = step * (np.arange(outputs).astype(real) + real(0.5))
    first = np.maximum((centre - support + real(0.5)).astype(np.int64), 0)
    stop = np.minimum((centre + support + real(0.5)).astype(np.int64), inputs)
    valid, positions = _ranges(first, stop, inputs)
    weights = kernel((positions.astype(real) - centre[:, None] + real(0.5)) / stretch) * valid
    total = weights.sum(1, keepdims=True)
    weights = np.divide(weights, total, out=weights, where=total != 0)
    return Table(inputs, np.concatenate([[0], np.cumsum(valid.sum(1))]), positions[valid], weights[valid])


_MODES = {"nearest": _nearest, "nearest-exact": _nearest_exact, "linear": _linear, "cubic": _cubic, "area": _area}


@lru_cache(maxsize=256)
def table(mode: str, inputs: int, outputs: int, dtype: np.dtype, align_corners: bool = False,
          scale: float | None = None, antialias: bool = False) -> Table:
    """How an axis of a number of inputs is resized to a number of outputs.

    Parameters
    ----------
    mode : "nearest", "nearest-exact", "linear", "cubic", "area" or "lanczos"
    align_corners : the centres of the first pixels fall together, and those of the last; else their outer edges do
    scale : pixels of the output for one of the input, if not outputs / inputs
    antialias : average where pixels of the output are farther apart than those of the input
    """
    real = np.dtype(dtype).type
    with np.errstate(all="ignore"):
        if antialias:
            return _antialiased(mode, real, inputs, outputs, align_corners, scale)
        return _MODES[mode](real, inputs, outputs, align_corners, scale)
