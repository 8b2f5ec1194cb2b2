"""Elements picked by index tensors and masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.broadcasting import broadcast_shapes, broadcast_tensors
from scratchnet.ops.creation import fresh
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.index_parsing import check_bounds
from scratchnet.ops.indexing import Index, open_grid
from scratchnet.ops.shape import reshape

__all__ = [
    "gather", "index_select", "take", "take_along_dim", "masked_select", "nonzero", "argwhere", "one_hot",
]  # fmt: skip


def check_index(index: Any, function: str, dtypes: tuple = (np.int64, np.int32)) -> None:
    """Refuse what is no tensor of indices."""
    if not isinstance(index, Tensor):
        raise TypeError(f"{function}(): argument 'index' must be Tensor, not {type(index).__name__}")
    if index.array.dtype not in dtypes:
        names = " or ".join(np.dtype(d).name for d in dtypes)
        raise RuntimeError(f"{function}(): Expected dtype {names} for index, but got {index.array.dtype}")


def along_dim(x: Tensor, dim: int, index: Tensor, function: str) -> tuple[int, tuple]:
    """For an `index` with the dimensions of x, that says for each of its places where along `dim` to look:

    `dim` counted from the front, and the index arrays for all dimensions (0, 1, … in the others).
    """
    check_index(index, function)
    shape, own = x.array.shape or (1,), index.array.shape or (1,)
    dim = wrap_dim(dim, len(shape))
    if index.array.size:
        if len(own) != len(shape):
            raise RuntimeError(
                f"{function}(): Index tensor must have the same number of dimensions as input tensor, got "
                f"{list(own)} for {list(shape)}"
            )
        for d in range(len(shape)):
            if d != dim and own[d] > shape[d]:
                raise RuntimeError(
                    f"Size does not match at dimension {d} expected index {list(own)} to be no larger than "
                    f"self {list(shape)} apart from dimension {dim}"
                )
        check_bounds(index.array, shape[dim], dim, negative=False, error=RuntimeError)
    index = index if index.array.ndim else reshape(index, 1)
    grid = [index if d == dim else open_grid(own, d, like=index.array) for d in range(len(own))]
    return dim, tuple(grid)


@method()
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """y[i][j] = input[index[i][j]][j] for dim = 0, y[i][j] = input[i][index[i][j]] for dim = 1, and so on.

    Parameters
    ----------
    index : Tensor of int64 or int32
        Of as many dimensions as `input`, and no larger but along `dim`. The result has its shape.

    Raises
    ------
    RuntimeError
        If an index is negative or too large, or the shapes do not fit.
    """
    dim, indices = along_dim(input, dim, index, "gather")
    if not index.array.size:  # may have any shape
        return reshape(Index((0,))(reshape(input, -1), reshape(index, -1)), index.array.shape)
    x = input if input.array.ndim else reshape(input, 1)
    y = Index(tuple(range(x.array.ndim)))(x, *indices)
    return y if index.array.ndim else reshape(y, ())


@method()
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The parts of `input` along `dim` that a vector of indices names.

    Raises
    ------
    IndexError
        If an index is negative or too large, or `index` has more than one dimension.
    """
    check_index(index, "index_select")
    if index.array.ndim > 1:
        raise IndexError(
            f"index_select(): Index is supposed to be a vector, got shape {list(index.array.shape)}"
        )
    dim = wrap_dim(dim, input.array.ndim)
    check_bounds(index.array, (input.array.shape or (1,))[dim], dim, negative=False)
    if not input.array.ndim:
        if index.array.size != 1:
            raise RuntimeError(
                f"index_select(): Index to scalar can have only 1 value, got {index.array.size} value(s)"
            )
        return reshape(Index((0,))(reshape(input, 1), reshape(index, 1)), ())
    return Index((dim,))(input, index if index.array.ndim else reshape(index, 1))


@method()
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements of the flattened `input` at `index`, in the shape of `index`; -1 is the last."""
    check_index(index, "take", (np.int64,))
    n = input.array.size
    if index.array.size:
        if not n:
            raise IndexError("take(): tried to take from an empty tensor")
        check_bounds(index.array, n, 0)
    y = Index((0,))(reshape(input, -1), reshape(index, -1))
    return reshape(y, index.array.shape)


@method()
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` that broadcasts `input` and `indices` in the other dimensions; without `dim`, of the flattened
    tensors.

    What `argmax(dim, keepdim=True)` or `argsort(dim)` returned picks the values along `dim`.
    """
    check_index(indices, "take_along_dim", (np.int64,))
    if dim is None:
        input, indices, dim = reshape(input, -1), reshape(indices, -1), 0
    ndim = input.array.ndim
    if indices.array.ndim != ndim:
        raise RuntimeError(
            f"take_along_dim(): input and indices should have the same number of dimensions, but got {ndim} "
            f"dimensions for input, and {indices.array.ndim} dimensions for indices"
        )
    dim = wrap_dim(dim, ndim)
    shape = list(broadcast_shapes(*[_without(x.array.shape, dim) for x in (input, indices)]))
    x, index = (x.expand(shape[:dim] + [x.array.shape[dim]] + shape[dim:]) for x in (input, indices))
    check_bounds(indices.array, input.array.shape[dim], dim)
    grid = index.array.shape
    return Index(tuple(range(ndim)))(x, *[index if d == dim else open_grid(grid, d, like=x.array) for d in range(ndim)])


def _without(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return shape[:dim] + shape[dim + 1 :]


@method()
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where `mask` is true, as a vector. The two are broadcast."""
    check_mask(mask, "masked_select")
    x, mask = broadcast_tensors(input, mask)
    if not x.array.ndim:
        x, mask = reshape(x, 1), reshape(mask, 1)
    return Index(tuple(range(x.array.ndim)))(x, *mask.array.nonzero())


def check_mask(mask: Any, function: str) -> None:
    """Refuse what is no tensor of bools."""
    if not isinstance(mask, Tensor):
        raise TypeError(f"{function}(): argument 'mask' must be Tensor, not {type(mask).__name__}")
    if mask.array.dtype != np.bool_:
        raise RuntimeError(f"{function}: expected a mask of dtype bool, but got {mask.array.dtype}")


# ---- where something is, as indices --------------------------------------------------------------
@method()
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero, shape (n, dims); with `as_tuple`, a vector for each
    dimension.

    `x[x.nonzero(as_tuple=True)]` picks those elements.
    """
    check_tensor(input, "nonzero")
    x = input.array
    if as_tuple:
        return tuple(map(fresh, (x if x.ndim else x.reshape(1)).nonzero()))
    if not x.ndim:
        return fresh(np.zeros((int(x.item() != 0), 0), np.int64))
    return fresh(np.stack(x.nonzero(), 1))


@method()
def argwhere(input: Tensor) -> Tensor:
    """`nonzero(input)`."""
    check_tensor(input, "argwhere")
    return nonzero(input)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 vectors, one for each class index c, with 1 at c and 0 elsewhere: shape (*tensor.shape,
    num_classes).

    Parameters
    ----------
    tensor : Tensor of int64
    num_classes : int
        -1: one more than the greatest index.
    """
    check_tensor(tensor, "one_hot", "tensor")
    index = tensor.array
    if index.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type int64, got {index.dtype}")
    if not index.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if index.size and index.min() < 0:
        raise RuntimeError(f"Class values must be non-negative, got {index.min()}")
    if num_classes == -1:
        num_classes = int(index.max()) + 1
    elif index.size and index.max() >= num_classes:
        raise RuntimeError(
            f"Class values must be smaller than num_classes, got {index.max()} with {num_classes} classes"
        )
    return fresh((index[..., None] == np.arange(num_classes, like=index)).astype(np.int64))
