"""Tensors made of numbers that the caller gives, or of a rule.

All of these take `device`, `requires_grad` and the other options of `fresh` by keyword.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.device import check_device
from scratchnet.autograd.mode import INFERENCE, modes
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.dims import given_shape
from scratchnet.ops.dtypes import as_dtype, check_array, from_sequence
from scratchnet.ops.promotion import get_default_dtype

__all__ = [
    "tensor", "as_tensor", "asarray", "from_numpy", "scalar_tensor",
    "zeros", "ones", "full", "empty", "zeros_like", "ones_like", "full_like", "empty_like",
]  # fmt: skip


def fresh(
    array: Any,
    *,
    requires_grad: bool = False,
    device: Any = None,
    pin_memory: bool = False,
    layout: Any = None,
    memory_format: Any = None,
) -> Tensor:
    """A leaf Tensor over a new array; every function that makes Tensors out of nothing ends here.

    Parameters
    ----------
    requires_grad : bool
        Record operations on it; floating-point dtypes only.
    device : str or device, optional
        Only the CPU exists.
    pin_memory, layout, memory_format
        For torch's sake: memory cannot be pinned, and the others have one value.
    """
    if device is not None:
        check_device(device)
    if pin_memory:
        raise RuntimeError(
            "pin_memory=True requires a GPU: this version of scratchnet computes on the CPU only"
        )
    y = Tensor(array)
    if requires_grad:
        y.requires_grad_()
    if modes.inference:
        y._counter = INFERENCE
    return y


def size_of(function: str, args: tuple, size: Any = None) -> tuple[int, ...]:
    """The shape that `zeros(2, 3)`, `zeros((2, 3))` or `zeros(size=(2, 3))` asks for."""
    shape = given_shape(function, "size", args, size)
    if min(shape, default=0) < 0:
        raise RuntimeError(
            f"{function}: Trying to create tensor with negative dimension {min(shape)}: {list(shape)}"
        )
    return shape


def dtype_or_default(dtype: Any) -> np.dtype:
    return get_default_dtype() if dtype is None else as_dtype(dtype)


# ---- from data -----------------------------------------------------------------------------------
def tensor(data: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """A new leaf from a number, nested sequences, or a copy of an array or of another tensor's numbers.

    Without `dtype`, Python floats give the default dtype, ints int64, bools bool; arrays, tensors and NumPy
    scalars keep theirs.

    Raises
    ------
    ValueError
        If sequences of different lengths are nested, or an int does not fit into 64 bits.
    TypeError, RuntimeError
        If something is not a number, or does not fit into `dtype`.
    """
    if dtype is None and data.__class__ is float:
        array = np.array(data, get_default_dtype())
    elif isinstance(data, Tensor):
        array = data.array.astype(data.array.dtype if dtype is None else as_dtype(dtype))
    elif isinstance(data, np.ndarray):
        array = check_array(data)
        with np.errstate(all="ignore"):
            array = array.astype(array.dtype if dtype is None else as_dtype(dtype))
    else:
        array = from_sequence(data, None if dtype is None else as_dtype(dtype), get_default_dtype())
    return fresh(array, **options)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A Tensor itself if its dtype is right; a Tensor over the memory of an array; else `tensor(data)`."""
    if isinstance(data, Tensor):
        check_device(device)
        return data if dtype is None else data.to(as_dtype(dtype))
    if isinstance(data, np.ndarray) and (dtype is None or as_dtype(dtype) == data.dtype):
        return fresh(check_array(data), device=device)
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """`as_tensor` with a choice: `copy=True` always copies, `copy=False` raises where a copy is needed."""
    y = as_tensor(obj, dtype, device)
    source = obj.array if isinstance(obj, Tensor) else obj
    shared = isinstance(source, np.ndarray) and np.may_share_memory(source, y.array)
    if copy is False and not shared:
        raise ValueError(
            f"asarray: can't alias {type(obj).__name__} without a copy; give copy=None to allow one"
        )
    if copy and shared:
        y = y.clone()
    return y.detach().requires_grad_() if requires_grad and not y.requires_grad else y


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A Tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return fresh(check_array(ndarray))


def scalar_tensor(s: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """A 0-dimensional tensor, of the default dtype if no other is given."""
    return tensor(s, dtype=dtype_or_default(dtype), **options)


# ---- filled --------------------------------------------------------------------------------------
def zeros(*args: Any, size: Any = None, dtype: Any = None, **options: Any) -> Tensor:
    """Zeros: `zeros(2, 3)` or `zeros((2, 3))`."""
    return fresh(np.zeros(size_of("zeros", args, size), dtype_or_default(dtype)), **options)


def ones(*args: Any, size: Any = None, dtype: Any = None, **options: Any) -> Tensor:
    """Ones: `ones(2, 3)` or `ones((2, 3))`."""
    return fresh(np.ones(size_of("ones", args, size), dtype_or_default(dtype)), **options)


def empty(*args: Any, size: Any = None, dtype: Any = None, **options: Any) -> Tensor:
    """Memory as it is found, without set values."""
    return fresh(np.empty(size_of("empty", args, size), dtype_or_default(dtype)), **options)


def full(size: Any, fill_value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """A tensor with all elements `fill_value`, whose type decides the dtype if none is given."""
    if not isinstance(size, tuple | list):
        raise TypeError(
            f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}"
        )
    value = _number("full", fill_value)
    return fresh(
        np.full(size_of("full", (size,)), value, from_sequence(value, dtype, get_default_dtype()).dtype),
        **options,
    )


def _number(function: str, value: Any) -> Any:
    if isinstance(value, Tensor) and not value.array.ndim and not value.requires_grad:
        value = value.array[()]
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, bool | int | float):
        raise TypeError(f"{function}(): argument 'fill_value' must be Number, not {type(value).__name__}")
    return value


def _array_of(function: str, input: Any) -> Any:
    if not isinstance(input, Tensor):
        raise TypeError(
            f"{function}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}"
        )
    return input.array


def zeros_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """Zeros in the shape, and by default the dtype, of `input`."""
    return fresh(np.zeros_like(_array_of("zeros_like", input), dtype and as_dtype(dtype)), **options)


def ones_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """Ones in the shape, and by default the dtype, of `input`."""
    return fresh(np.ones_like(_array_of("ones_like", input), dtype and as_dtype(dtype)), **options)


def empty_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """Memory as it is found, in the shape, and by default the dtype, of `input`."""
    return fresh(np.empty_like(_array_of("empty_like", input), dtype and as_dtype(dtype)), **options)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
    """`fill_value` in the shape, and by default the dtype, of `input`."""
    array, value = _array_of("full_like", input), _number("full_like", fill_value)
    dtype = array.dtype if dtype is None else as_dtype(dtype)
    return fresh(np.full_like(array, from_sequence(value, dtype)[()], dtype), **options)


# ---- methods -------------------------------------------------------------------------------------
def _new(function: Any) -> Any:
    """`x.new_zeros(…)`: as `zeros(…)`, but in the dtype of x unless another is given."""

    def new(self: Tensor, *args: Any, dtype: Any = None, **options: Any) -> Tensor:
        return function(*args, dtype=self.array.dtype if dtype is None else dtype, **options)

    new.__name__ = new.__qualname__ = f"new_{function.__name__}"
    new.__doc__ = f"`{function.__name__}(…)`, in the dtype of this tensor unless another is given."
    return method(new.__name__)(new)


@method("new")
def new(self: Tensor, *args: Any, **options: Any) -> Tensor:
    """`x.new(2, 3)` is `x.new_empty(2, 3)`, and `x.new([1, 2])` is `x.new_tensor([1, 2])`."""
    function = tensor if len(args) == 1 and not isinstance(args[0], int) else empty
    return function(*args, dtype=self.array.dtype, **options)


for _function in (tensor, zeros, ones, full, empty):
    _new(_function)
