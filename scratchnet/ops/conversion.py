"""From Tensors to Python numbers, lists, arrays, other dtypes and devices; copies of Tensor objects."""

from __future__ import annotations

import builtins
import copy as _copy
import warnings
from typing import Any

import numpy as np

from scratchnet.autograd.device import check_device
from scratchnet.autograd.device import device as Device
from scratchnet.autograd.function import NOTHING
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import ViewFunction
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.layout import clone, is_nonzero
from scratchnet.ops.promotion import cast

__all__: list[str] = []


class Alias(ViewFunction):
    """y = x, as another Tensor object over the same memory.  dL/dx = g"""

    reads = NOTHING
    arithmetic = True

    def forward(self, x: Any) -> Any:
        return x[...]

    def backward(self, g: Any) -> Any:
        return g


@method()
def alias(input: Tensor) -> Tensor:
    """A view of all of `input`."""
    return Alias()(input)


# ---- to Python and NumPy -------------------------------------------------------------------------
@method()
def item(input: Tensor) -> Any:
    """The only element as a Python number."""
    if input.array.size != 1:
        raise RuntimeError(f"a Tensor with {input.array.size} elements cannot be converted to Scalar")
    return input.array.item()


@method()
def tolist(input: Tensor) -> Any:
    """The elements as nested lists of Python numbers; a number for a 0-dimensional tensor."""
    return input.array.tolist()


@method()
def numpy(input: Tensor, *, force: bool = False) -> np.ndarray:
    """The array of a tensor, which shares its memory; `force=True` is `detach().numpy()`.

    Raises
    ------
    RuntimeError
        If the tensor requires grad: what NumPy does with the numbers is not recorded.
    """
    if input.requires_grad and not force:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
        )
    return input.array


@method()
def __array__(input: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    array = numpy(input)
    return np.array(array, dtype, copy=copy)


@method()
def __bool__(input: Tensor) -> bool:
    return is_nonzero(input)


def _only(input: Tensor) -> Any:
    if input.array.size != 1:
        raise ValueError(
            f"only one element tensors can be converted to Python scalars, got {input.array.size} elements"
        )
    return input.array.item()


@method()
def __float__(input: Tensor) -> float:
    number = float(_only(input))
    if input._needs_grad:
        warnings.warn(
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
            "Consider using tensor.detach() first.",
            stacklevel=2,
        )
    return number


@method()
def __complex__(input: Tensor) -> complex:
    return complex(_only(input))


@method()
def __int__(input: Tensor) -> int:
    return int(_only(input))


@method()
def __index__(input: Tensor) -> int:
    if input.array.size != 1 or input.array.dtype.kind == "f":
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(input.array.item())


@method()
def __len__(input: Tensor) -> int:
    if not input.array.ndim:
        raise TypeError("len() of a 0-d tensor")
    return input.array.shape[0]


@method()
def __format__(input: Tensor, spec: str) -> str:
    return format(input.array.item(), spec) if not input.array.ndim else object.__format__(input, spec)


# ---- dtype and device ----------------------------------------------------------------------------
@method()
def to(
    input: Tensor,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Converted: `x.to(dtype)`, `x.to(device)`, `x.to(device, dtype)` or `x.to(other)`. Itself if nothing
    changes.

    Parameters
    ----------
    dtype, device : optional
        What is wanted.
    copy : bool
        Copy even if nothing changes.
    """
    flags = []
    for a in args:
        if isinstance(a, Tensor):
            dtype, device = a.array.dtype, a.device
        elif isinstance(a, bool):
            flags.append(a)
        elif isinstance(a, str | Device | int):
            device = Device("cuda", a) if isinstance(a, int) else a
        elif a is not None:
            dtype = a
    copy = flags[1] if len(flags) > 1 else copy
    if device is not None:
        check_device(device)
    y = input if dtype is None else cast(input, as_dtype(dtype))
    return clone(y) if copy and y is input else y


@method()
def cpu(input: Tensor) -> Tensor:
    """In main memory."""
    return to(input, "cpu")


@method()
def cuda(input: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """On a GPU: refused, there is none."""
    return to(input, Device("cuda", device if isinstance(device, int) else None))


@method()
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """In the dtype of `other`."""
    return to(input, other.array.dtype)


@method()
def type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """In another dtype; without one, torch's name of the tensor's type."""
    if dtype is None:
        return f"scratchnet.{_TYPE_NAMES.get(input.array.dtype.name, input.array.dtype.name)}Tensor"
    return to(input, getattr(dtype, "dtype", dtype) if isinstance(dtype, builtins.type) else dtype)


_TYPE_NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "int64": "Long", "int32": "Int",
    "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool",
}  # fmt: skip


def _conversion(name: str, dtype: Any) -> None:
    def convert(input: Tensor, memory_format: Any = None) -> Tensor:
        return cast(input, dtype)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"In {dtype.name}: `x.to({dtype.name})`."
    method(name)(convert)


for _dtype, _type_name in _TYPE_NAMES.items():
    _conversion(_type_name.lower(), np.dtype(_dtype))


# ---- copying and pickling the object -------------------------------------------------------------
@method()
def __deepcopy__(self: Tensor, memo: dict) -> Tensor:
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
            "moment. Use .clone() or .detach() first."
        )
    if id(self) in memo:
        return memo[id(self)]
    twin = rebuild(self.__class__, self.array.copy(order="K"), self._needs_grad, {})
    memo[id(self)] = twin
    twin._grad = _copy.deepcopy(self._grad, memo)
    twin.__dict__.update(_copy.deepcopy(self.__dict__, memo))
    return twin


@method()
def __reduce_ex__(self: Tensor, protocol: int) -> tuple:
    """A tensor with a history comes back without it, as a leaf that requires a gradient."""
    return rebuild, (self.__class__, self.array, self._needs_grad, dict(self.__dict__))


def rebuild(cls: Any, array: np.ndarray, requires_grad: bool, attributes: dict) -> Tensor:
    """A Tensor (or an object of a subclass, such as Parameter) from its parts."""
    y = cls.__new__(cls)
    Tensor.__init__(y, array, requires_grad)
    y.__dict__.update(attributes)
    return y
