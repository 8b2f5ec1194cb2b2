"""What all reductions share: the dimensions that go, and how a gradient is spread over them again."""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.broadcast import BroadcastTo
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.dims import wrap_dims
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.promotion import cast


class Reduction(Function):
    """Base of operations that reduce some dimensions: `dims` are counted from the front.

    `keep(r)` gives a result or its gradient the reduced dimensions back, with size 1; `spread(r)` gives it
    the input's shape. Both take arrays and Tensors.
    """

    reads = NOTHING

    def __init__(self, dims: tuple[int, ...], keepdim: bool) -> None:
        self.dims, self.keepdim = dims, keepdim

    def __call__(self, x: Tensor) -> Tensor:
        self.source_shape = x.array.shape
        return super().__call__(x)

    @property
    def count(self) -> int:
        """The number of elements that make one element of the result."""
        n = 1
        for i in self.dims:
            n *= self.source_shape[i]
        return n

    def keep(self, r: Any) -> Any:
        return r if self.keepdim else r.reshape(kept_shape(self.source_shape, self.dims))

    def spread(self, r: Any) -> Any:
        r = self.keep(r)
        return (
            BroadcastTo(self.source_shape)(r)
            if isinstance(r, Tensor)
            else np.broadcast_to(r, self.source_shape)
        )


def reduce(ufunc: Any, x: Any, dims: tuple[int, ...], keepdim: bool = False, **options: Any) -> Any:
    """The ufunc's reduction, as `x.sum` is `np.add`'s: directly it is quicker, and warns in our name."""
    return ufunc.reduce(x, dims, keepdims=keepdim, **options)


def values_indices(name: str) -> Any:
    """The named pair (values, indices) that the operation `name` returns."""
    return namedtuple(name, "values indices")


def kept_shape(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` with size 1 in the dimensions `dims`."""
    return tuple([1 if i in dims else n for i, n in enumerate(shape)])


def reduced_dims(dim: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce: None and () mean all of them."""
    if type(dim) is int and 0 <= dim < ndim:  # mostly
        return (dim,)
    return (
        tuple(range(ndim))
        if dim is None or (isinstance(dim, tuple | list) and not dim)
        else wrap_dims(dim, ndim)
    )


def reduction_input(input: Tensor, function: str, dtype: Any = None, *, floating: bool = False) -> Tensor:
    """The tensor to reduce, in `dtype` if one is given; refused if it must hold floats and does not."""
    x = check_tensor(input, function)
    if dtype is not None:
        x = cast(x, np.dtype(dtype))
    if floating and x.array.dtype.kind != "f":
        raise RuntimeError(
            f"{function}(): could not infer output dtype. Input dtype must be a floating point dtype. "
            f"Got: {x.array.dtype}; convert it with .float()"
        )
    return x


def check_nonempty(shape: tuple[int, ...], dims: tuple[int, ...], dim: Any, function: str) -> None:
    """Refuse to choose from no elements."""
    if 0 in [shape[i] for i in dims]:
        if dim is None or len(dims) != 1:
            raise (IndexError if "arg" in function else RuntimeError)(
                f"{function}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                "reduction dim with the 'dim' argument."
            )
        raise IndexError(f"{function}(): Expected reduction dim {dims[0]} to have non-zero size.")


def numpy_names(function: Callable) -> Callable:
    """Let a function of `dim` and `keepdim` be called with NumPy's `axis` and `keepdims`, as torch's can."""

    @functools.wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            if "axis" in kwargs:
                kwargs["dim"] = kwargs.pop("axis")
            if "keepdims" in kwargs:
                kwargs["keepdim"] = kwargs.pop("keepdims")
        return function(*args, **kwargs)

    return renamed
