"""Hypothesis strategies: shapes that broadcast, axes, indices, and the geometry of layers.

They draw geometry and a seed; the numbers come from `values(shape, seed)`, so that Hypothesis shrinks shapes
instead of floats.

    @given(shape=shapes(min_dims=1), seed=seeds(), data=st.data())
    def test_sum(shape, seed, data):
        dim = data.draw(axis(len(shape)))
        check_gradient(lambda x: x.sum(dim), values(shape, seed))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from scratchnet.testing.numbers import values

__all__ = [
    "ConvGeometry", "PoolGeometry", "axes", "axis", "basic_index", "broadcastable", "conv_geometry",
    "pool_geometry", "seeds", "shapes", "values",
]  # fmt: skip


def seeds() -> st.SearchStrategy[int]:
    """Seeds for `values`."""
    return st.integers(0, 2**16 - 1)


def shapes(
    min_dims: int = 0, max_dims: int = 4, min_side: int = 0, max_side: int = 4
) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of up to `max_dims` dimensions; 0-dimensional and empty ones among them."""
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def broadcastable(
    draw: Any, n: int = 2, min_dims: int = 0, max_dims: int = 4, min_side: int = 0, max_side: int = 4
) -> tuple[tuple[int, ...], ...]:
    """A tuple of `n` shapes that broadcast together: some sides are 1, some leading dimensions missing."""
    whole = draw(shapes(min_dims, max_dims, min_side, max_side))
    drawn = []
    for _ in range(n):
        missing = draw(st.integers(0, len(whole) - min_dims))
        drawn.append(tuple(1 if draw(st.booleans()) else side for side in whole[missing:]))
    return tuple(drawn)


def axis(ndim: int) -> st.SearchStrategy[int]:
    """One dimension of `ndim`, counted from the front or the back."""
    n = max(ndim, 1)
    return st.integers(-n, n - 1)


@st.composite
def axes(draw: Any, ndim: int, min_size: int = 0) -> Any:
    """None, one dimension, or a tuple of distinct ones: what reductions take as `dim`."""
    several = st.permutations(range(ndim)).flatmap(
        lambda order: st.integers(min_size, ndim).map(lambda k: tuple(order[:k]))
    )
    chosen = draw(st.one_of(st.none(), axis(ndim), several) if ndim >= min_size else st.none())
    if isinstance(chosen, tuple):
        return tuple(d - ndim if draw(st.booleans()) else d for d in chosen)
    return chosen


@st.composite
def basic_index(draw: Any, shape: tuple[int, ...]) -> tuple:
    """An index of ints, slices, Ellipsis and None that fits the shape. Steps are positive, as torch wants."""
    front = draw(st.integers(0, len(shape)))
    back = draw(st.integers(front, len(shape)))

    def item(side: int) -> Any:
        bound = st.one_of(st.none(), st.integers(-side - 1, side + 1))
        span = st.builds(slice, bound, bound, st.one_of(st.none(), st.integers(1, 3)))
        return draw(st.one_of(st.integers(-side, side - 1), span) if side else span)

    items = [item(side) for side in shape[:front]]
    if back < len(shape) or draw(st.booleans()):
        items += [..., *[item(side) for side in shape[back:]]]
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), None)
    return tuple(items)


@dataclass(frozen=True)
class ConvGeometry:
    """Shapes and settings of a convolution that fits its input."""

    input_shape: tuple[int, ...]
    weight_shape: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    @property
    def settings(self) -> dict[str, Any]:
        """Keyword arguments of `conv1d`, `conv2d`, `conv3d`."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }


@dataclass(frozen=True)
class PoolGeometry:
    """Shape and settings of a pooling that fits its input."""

    input_shape: tuple[int, ...]
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool


@st.composite
def conv_geometry(draw: Any, dims: int = 2, max_kernel: int = 3, max_extra: int = 3) -> ConvGeometry:
    """Geometry of a small convolution over `dims` dimensions: stride, padding, dilation, groups, odd sizes.

    The input is (batch, channels, *size), the weight (out_channels, channels / groups, *kernel).
    """
    sides = [draw(_window(max_kernel, max_extra, padded=True)) for _ in range(dims)]
    groups = draw(st.integers(1, 2))
    channels, filters = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    size, kernel, stride, padding, dilation = zip(*sides)
    batch = draw(st.integers(1, 2))
    weight = (filters, channels // groups, *kernel)
    return ConvGeometry((batch, channels, *size), weight, stride, padding, dilation, groups)


@st.composite
def pool_geometry(
    draw: Any, dims: int = 2, max_kernel: int = 3, max_extra: int = 3, dilated: bool = True
) -> PoolGeometry:
    """Geometry of a small pooling: padding is at most half the kernel, as torch demands."""
    sides = [draw(_window(max_kernel, max_extra, dilated=dilated)) for _ in range(dims)]
    size, kernel, stride, padding, dilation = zip(*sides)
    leading = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    return PoolGeometry((*leading, *size), kernel, stride, padding, dilation, draw(st.booleans()))


@st.composite
def _window(draw: Any, max_kernel: int, max_extra: int, padded: bool = False, dilated: bool = True) -> tuple:
    """(size, kernel, stride, padding, dilation) of one dimension, with at least one place for the window."""
    kernel, stride = draw(st.integers(1, max_kernel)), draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 2)) if dilated else 1
    padding = draw(st.integers(0, 2 if padded else kernel // 2))
    span = dilation * (kernel - 1) + 1
    size = max(1, span - 2 * padding) + draw(st.integers(0, max_extra))
    return size, kernel, stride, padding, dilation
