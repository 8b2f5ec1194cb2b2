"""Numbers written where vectors of indices or masks say; each also in place, under its name with a `_`."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.broadcasting import broadcast_shapes, broadcast_tensors
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.gathering import check_index, check_mask
from scratchnet.ops.index_parsing import check_bounds, parse
from scratchnet.ops.indexing import PutAt, check_broadcast, matching
from scratchnet.ops.promotion import cast
from scratchnet.ops.selection import Where
from scratchnet.ops.shape import reshape
from scratchnet.ops.slicing import Slice

__all__ = ["index_add", "index_copy", "index_fill", "index_put", "masked_fill", "masked_scatter"]


def public(function: Any) -> Any:
    """Attach an operation to Tensor, together with its in-place form."""
    method()(function)
    method(function.__name__ + "_")(in_place(function))
    return function



# ---- by a vector of indices ----------------------------------------------------------------------
def _vector(
    input: Tensor, dim: int, index: Tensor, source: Any, function: str, negative: bool = False
) -> tuple:
    """`input` with a dimension at least, `dim` from the front, and the vector of indices, all checked."""
    if index.array.ndim > 1:
        raise IndexError(
            f"{function}(): Index is supposed to be a vector, got shape {list(index.array.shape)}"
        )
    x = input if input.array.ndim else reshape(input, 1)
    dim, index = wrap_dim(dim, x.array.ndim), index if index.array.ndim else reshape(index, 1)
    adding = function == "index_add"  # torch has other errors there
    error = RuntimeError if adding and x.array.ndim > 1 else IndexError
    check_bounds(index.array, x.array.shape[dim], dim, negative, error)
    if isinstance(source, Tensor):
        scalars = input.array.ndim < source.array.ndim
        source = source if source.array.ndim else reshape(source, 1)
        wanted = list(x.array.shape)
        wanted[dim] = index.array.size
        if list(source.array.shape) != wanted or (adding and scalars):
            count_differs = source.array.ndim != x.array.ndim or source.array.shape[dim] != index.array.size
            raise (IndexError if count_differs and not adding else RuntimeError)(
                f"{function}(): expected a source of shape {wanted} (that of self, with one place for each "
                f"index along dim {dim}), got {list(source.array.shape)}"
            )
        source = matching(
            x, source, f"{function}(): self and source must have the same dtype: got {x.array.dtype} for self"
        )
    return x, dim, index, source


@public
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """A copy of `input` with alpha · source[i] added at index[i] along `dim`."""
    check_index(index, "index_add")
    x, dim, index, source = _vector(input, dim, index, check_tensor(source, "index_add", "source"), "index_add")
    y = PutAt((dim,), accumulate=True)(x, source if alpha == 1 else source * alpha, index)
    return y if input.array.ndim else reshape(y, ())


@public
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with source[i] at index[i] along `dim`."""
    check_index(index, "index_copy", (np.int64,))
    x, dim, index, source = _vector(input, dim, index, check_tensor(source, "index_copy", "source"), "index_copy")
    y = PutAt((dim,))(x, source, index)
    return y if input.array.ndim else reshape(y, ())


@public
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of `input` with a number, or a 0-dimensional tensor, at `index` along `dim`."""
    if isinstance(index, Tensor) and index.array.dtype != np.int64:
        raise IndexError(f"index_fill(): Expected dtype int64 for index, got {index.array.dtype}")
    check_index(index, "index_fill", (np.int64,))
    value = _fill_value(input, value, "index_fill")
    x, dim, index, _ = _vector(input, dim, index, None, "index_fill", negative=True)
    y = PutAt((dim,))(x, value, np.unique(index.array))  # once each: so the gradient to value is right
    return y if input.array.ndim else reshape(y, ())


@public
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `values` at (with `accumulate`, added at) a tuple of index tensors."""
    for i, index in enumerate(indices):
        if not isinstance(index, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(index).__name__}")
    _, picks, _ = parse(input, tuple(reshape(i, 1) if not i.array.ndim else i for i in indices))
    dims, where = zip(*picks)
    values = matching(
        input,
        values,
        f"Index put requires the source and destination dtypes match, got {input.array.dtype} for the "
        "destination",
    )
    check_broadcast(values, input, dims, where)
    return PutAt(dims, accumulate)(input, values, *where)


# ---- by a mask -----------------------------------------------------------------------------------
def _fill_value(x: Tensor, value: Any, function: str) -> Any:
    """A number, or a 0-dimensional tensor, in the dtype of `x`."""
    if isinstance(value, Tensor):
        if value.array.ndim:
            raise RuntimeError(
                f"{function}_ only supports a 0-dimensional value tensor, but got tensor with "
                f"{value.array.ndim} dimension(s)."
            )
        return cast(value, x.array.dtype)
    if not isinstance(value, bool | int | float | np.generic):
        raise TypeError(f"{function}(): argument 'value' must be Number, not {type(value).__name__}")
    return np.array(value).astype(x.array.dtype)[()]  # a scalar: it has no device


@public
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy of `input` with a number, or a 0-dimensional tensor, where `mask` is true."""
    check_mask(mask, "masked_fill")
    value = _fill_value(input, value, "masked_fill")
    broadcast_shapes(input.array.shape, mask.array.shape)  # or raise
    return Where()(mask, value, input)


@public
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` with the elements of `source`, one after the other, where `mask` is true."""
    check_mask(mask, "masked_scatter")
    if source.array.dtype != input.array.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.array.dtype} and "
            f"{source.array.dtype}"
        )
    x, mask = broadcast_tensors(input, mask)
    if not x.array.ndim:
        return reshape(masked_scatter(reshape(x, 1), reshape(mask, 1), source), ())
    where = mask.array.nonzero()
    n = where[0].size
    if source.array.size < n:
        raise RuntimeError(
            f"Number of elements of source < number of ones in mask: got {source.array.size} < {n}"
        )
    values = Slice((slice(n), Ellipsis))(reshape(source, -1))
    return PutAt(tuple(range(x.array.ndim)))(x, values, *where)
