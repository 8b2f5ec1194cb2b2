"""Numbers written where an index with the dimensions of the tensor says: the opposite of `gather`."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.gathering import along_dim
from scratchnet.ops.indexing import Index, PutAt, matching
from scratchnet.ops.layout import clone
from scratchnet.ops.putting import public
from scratchnet.ops.selection import Where
from scratchnet.ops.shape import reshape
from scratchnet.ops.slicing import Slice

__all__ = ["scatter", "scatter_add", "scatter_reduce"]


def _scatter(x: Tensor, dim: int, index: Tensor, src: Any, put: Any, function: str) -> Tensor:
    """`put(dim)(x, values, *indices)`, with index arrays for all dimensions and values that fit them."""
    dim, indices = along_dim(x, dim, index, function)
    if not index.array.size:
        return clone(x)
    if isinstance(src, Tensor):
        src = matching(
            x,
            src,
            f"{function}(): Expected self.dtype to be equal to src.dtype: got {x.array.dtype} for self",
        )
        src = _part_for(index, src, x, dim, function)
    else:
        src = matching(x, src, function)
    y = put(dim)(x if x.array.ndim else reshape(x, 1), src, *indices)
    return y if x.array.ndim else reshape(y, ())


def _part_for(index: Tensor, src: Tensor, x: Tensor, dim: int, function: str) -> Tensor:
    """The first elements of `src` along each dimension, as many as `index` has."""
    own, given = index.array.shape or (1,), src.array.shape or (1,)
    if len(own) != len(given):
        raise RuntimeError(
            f"{function}(): Index tensor must have the same number of dimensions as src tensor, got "
            f"{len(own)} and {len(given)}"
        )
    if any(n > m for n, m in zip(own, given)):
        raise RuntimeError(
            f"Expected index {list(own)} to be no larger than self {list(x.array.shape)} apart from "
            f"dimension {dim} and to be no larger size than src {list(given)}"
        )
    src = src if src.array.ndim else reshape(src, 1)
    return src if own == given else Slice((*[slice(n) for n in own], Ellipsis))(src)


def _put(accumulate: bool) -> Any:
    return lambda dim: (
        lambda x, src, *indices: PutAt(tuple(range(x.array.ndim)), accumulate)(x, src, *indices)
    )


@public
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """A copy of `input` with y[index[i][j]][j] = src[i][j] for dim = 0, and so on: what `gather` reads,
    written.

    Parameters
    ----------
    index : Tensor of int64
        Of as many dimensions as `input` and `src`, and no larger than `src`, nor than `input` but along
        `dim`.
    src : Tensor or number
        What is written. Where `index` names a place twice, the gradient is as if both had been written.
    reduce : "add" or "multiply", optional
        What to do with what is there already.
    """
    src = value if src is None else src
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"reduce argument must be either add or multiply, got {reduce!r}")
    if reduce == "multiply":
        src = (
            src
            if isinstance(src, Tensor)
            else Tensor(np.full_like(input.array, src, shape=index.array.shape))
        )
        return scatter_reduce(input, dim, index, src, "prod")
    return _scatter(input, dim, index, src, _put(reduce == "add"), "scatter")


@public
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of `input` with y[index[i][j]][j] += src[i][j] for dim = 0, and so on. See `scatter`."""
    return _scatter(input, dim, index, check_tensor(src, "scatter_add", "src"), _put(True), "scatter_add")


@public
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """As `scatter_add`, but what meets at one place is combined by `reduce`.

    Parameters
    ----------
    reduce : "sum", "prod", "mean", "amax" or "amin"
        Where several are the greatest (or least), they share the gradient.
    include_self : bool
        Whether the number of `input` takes part at places that `index` names. It stays at all others.
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    start = clone(input) if include_self else scatter(input, dim, index, _neutral(input, reduce))
    if reduce == "sum":
        return scatter_add(start, dim, index, src)
    if reduce == "mean":
        return _mean(start, dim, index, src, include_self)
    op = Product if reduce == "prod" else Greatest if reduce == "amax" else Least
    return _scatter(start, dim, index, src, op, "scatter_reduce")


def _neutral(x: Tensor, reduce: str) -> Any:
    """The number that changes nothing when it is combined with another."""
    if reduce not in ("amax", "amin"):
        return int(reduce == "prod")
    dtype, sign = x.array.dtype, -1 if reduce == "amax" else 1
    if dtype.kind == "b":
        return sign > 0
    return sign * np.inf if dtype.kind == "f" else (np.iinfo(dtype).min if sign < 0 else np.iinfo(dtype).max)


def _mean(start: Tensor, dim: int, index: Tensor, src: Tensor, include_self: bool) -> Tensor:
    ones = Tensor(np.ones_like(src.array))
    total = scatter_add(start, dim, index, src)
    count = scatter_add(Tensor(np.full_like(start.array, include_self)), dim, index, ones)
    count.array[count.array == 0] = 1
    return total / count if start.array.dtype.kind == "f" else total // count


class Product(Function):
    """y = x, with y[i] ·= v for the v that go to i.  dL/dv = g · (the product of all others at its place)"""

    reads = None

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any, v: Any, *indices: Any) -> Any:
        y = x.copy()
        np.multiply.at(y, tuple(indices), v)
        return y

    def backward(self, g: Tensor) -> tuple:
        x, v, *indices = self.inputs
        dims = tuple(range(x.array.ndim))
        g_x = g * Product(self.dim)(Tensor(np.ones_like(x.array)), v, *indices)
        # without its own zero, where that is the only zero at its place; 0 where there is another
        v_zero, zeros = v.array == 0, np.zeros_like(x.array)
        np.add.at(zeros, tuple(map(_array, indices)), v_zero)
        alone = v_zero & (zeros[tuple(map(_array, indices))] == 1)
        others = Product(self.dim)(x, Where()(Tensor(alone), 1.0, v), *indices)
        g_v = Where()(
            Tensor(v_zero),
            Where()(Tensor(alone), Index(dims)(g * others, *indices), 0.0),
            Index(dims)(g * self.output, *indices) / Where()(Tensor(v_zero), 1.0, v),
        )
        return g_x, g_v, *[None] * len(indices)


class Greatest(Function):
    """y[i] = max(x[i], the v that go to i).  Equals share the gradient."""

    reads = None
    combine: np.ufunc = np.maximum

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: Any, v: Any, *indices: Any) -> Any:
        y = x.copy()
        self.combine.at(y, tuple(indices), v)
        return y

    def backward(self, g: Tensor) -> tuple:
        x, v, *indices = self.inputs
        y, key = self.output.array, tuple(map(_array, indices))
        from_x, from_v = x.array == y, v.array == y[key]
        sharing = from_x.astype(y.dtype)
        np.add.at(sharing, key, from_v)
        share = g / Tensor(sharing)
        picked = Index(tuple(range(y.ndim)))(share, *indices)
        return share * Tensor(from_x), picked * Tensor(from_v), *[None] * len(indices)


class Least(Greatest):
    """y[i] = min(x[i], the v that go to i).  Equals share the gradient."""

    combine = np.minimum


def _array(x: Any) -> Any:
    return x.array if isinstance(x, Tensor) else x
