"""What a convolution of given shapes does, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv import channels, costs, dots, pixels, pointwise
from scratchnet.kernels.conv.geometry import Geometry, geometry_of
from scratchnet.kernels.conv.passes import Layout, Pass, forward_pass, grad_input_passes


class Explanation(NamedTuple):
    """How one of the three computations goes; prints as a paragraph."""

    what: str                           # forward, grad_input or grad_weight
    way: str                            # pixels, channels, dots, matrix product or reference
    costs: dict[str, float]             # of every way that serves, in vectors multiplied
    multiply_adds: int
    share_of_peak: float                # predicted: vectors that must be multiplied / cost
    tile: tiles.Shape | None
    patch_bytes: int                    # of padded input, per thread
    packed_bytes: int                   # of weights, or of gradients or pixels per thread, laid out for the tile
    passes: int                         # a gradient to the input with a stride takes several

    def __str__(self) -> str:
        ways = ", ".join(f"{way} {cost / 1e6:.2f}" for way, cost in sorted(self.costs.items(), key=lambda item: item[1]))
        lines = [f"{self.what}: by {self.way}, {2 * self.multiply_adds / 1e9:.3g} GFLOP, "
                 f"{self.share_of_peak:.0%} of peak predicted",
                 f"    costs (million vectors multiplied): {ways}"]  # fmt: skip
        if self.tile is not None:
            m, v, lanes = self.tile
            lines.append(f"    tile of {m} x {v} vectors of {lanes} lanes: {m * v} sums in {tiles.registers()} registers, "
                         f"{m + v} loads for {m * v} multiply-adds")  # fmt: skip
            lines.append(f"    patch {_size(self.patch_bytes)}, packed {_size(self.packed_bytes)}"
                         + (f", {self.passes} passes" if self.passes > 1 else ""))  # fmt: skip
        return "\n".join(lines)


class Explanations(tuple):
    """Those of the forward and of both gradients; prints as what they say."""

    def __repr__(self) -> str:
        return "\n".join(str(e) for e in self)


def _size(count: int) -> str:
    return f"{count / 1024:.0f} KiB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MiB"


def explain(input_shape: tuple, weight_shape: tuple, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
            dtype: Any = np.float32) -> Explanations:  # fmt: skip
    """Say which way a convolution and its gradients are computed, with which tile and buffers, and how fast that should be.

    Parameters
    ----------
    input_shape : (N, C, *size)
    weight_shape : (O, C/groups, *kernel)
    stride, padding, dilation, groups : as of conv2d
    dtype : float32 or float64

    Returns
    -------
    A tuple of three `Explanation`, which prints as text.

    Examples
    --------
    >>> from scratchnet.kernels import conv
    >>> conv.explain((8, 64, 56, 56), (64, 64, 1, 1))[0].way
    'matrix product'
    """
    s, dtype = geometry_of(tuple(input_shape), tuple(weight_shape), stride, padding, dilation, groups), np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"explain: expected dtype float32 or float64, which are compiled, got {dtype}")
    return Explanations(_explain(s, what, dtype) for what in ("forward", "grad_input", "grad_weight"))


def _explain(s: Geometry, what: str, dtype: Any) -> Explanation:
    found, way = costs.ways(s, what, dtype), costs.cheapest(s, what, dtype)
    passes = grad_input_passes(s) if what == "grad_input" else (forward_pass(s),)
    needed = forward_pass(s).work
    shape, patch, packed = _buffers(s, passes[0], way, what, dtype) if passes else (None, 0, 0)
    share = needed / tiles.lanes(dtype) / found[way] if found[way] else 0.0
    return Explanation(what, way, found, needed, share, shape, patch * dtype.itemsize, packed * dtype.itemsize, len(passes))


def _buffers(s: Geometry, p: Pass, way: str, what: str, dtype: Any) -> tuple[tiles.Shape | None, int, int]:
    """The tile, the numbers in a patch, and the numbers packed."""
    layout: Layout
    if way == "pixels":
        shape, layout, _ = pixels.plan_of(p, dtype, 1)
        return shape, layout.length, 0
    if way == "dots":
        shape, layout, _ = dots.plan_of(p, dtype)
        return shape, layout.length, 0
    if way == "channels":
        of_weight = what == "grad_weight"
        shape, layout, plan = channels.plan_of(p, dtype, of_weight)
        pixels_ = plan.images * plan.pixels
        packed = pixels_ if of_weight else p.groups * plan.panels * p.reduction
        if what == "forward":       # what is used at once
            packed = min(p.reduction, plan.taps)
        return shape, plan.images * plan.patch, packed * shape.width
    if way == "matrix product":
        shape, panels = pointwise.plan_of(s, what, dtype)
        return shape, 0, (panels.depth if what == "grad_weight" else panels.inner) * shape.width
    return None, 0, 0
