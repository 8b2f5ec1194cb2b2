"""All names that a checkpoint may use, and what they mean here.

Whatever is not in the table is refused: `os.system`, `eval` and every class of somebody's own.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

from scratchnet.autograd.device import device
from scratchnet.autograd.size import Size
from scratchnet.autograd.tensor import Tensor
from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.machine import Allowed, Machine
from scratchnet.interop.numpy_state import NumpyType
from scratchnet.nn.parameter import Parameter

Order: TypeAlias = Literal["<", ">"]
# An expanded tensor (stride 0) may have more elements than its storage, up to this many.
_MOST_EXPANDED = 1 << 26
_MOST_DIMENSIONS = 64  # of a NumPy array
_MOST_STRIDE = 1 << 59  # times the 8 bytes of an element it is a 64-bit number


class StorageType:
    """`torch.FloatStorage` and its like.

    Attributes
    ----------
    stored : numpy.dtype
        How an element is written, without its byte order.
    dtype : numpy.dtype
        What it becomes: NumPy has no bfloat16, whose 16 bits are the upper half of a float32.
    """

    def __init__(self, name: str, stored: str, dtype: str = "") -> None:
        self.name, self.stored, self.dtype = name, np.dtype(stored), np.dtype(dtype or stored)

    def decode(self, data: np.ndarray, byteorder: Order = "<") -> np.ndarray:
        """Bytes as an array of `dtype`: the same memory if the file's form is ours."""
        stored = self.stored.newbyteorder(byteorder)
        if data.ctypes.data % stored.itemsize:
            data = data.copy()
        values = data.view(stored)
        if self.dtype == bool:  # a byte other than 0 and 1 would be neither True nor False
            return values != 0
        if self.stored == self.dtype:
            return values.astype(self.dtype, copy=False)
        wide = values.astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)


class Storage:
    """A flat array that tensors are views of."""

    def __init__(self, kind: StorageType, array: np.ndarray) -> None:
        self.kind, self.array = kind, array


def lookup(module: str, name: str) -> Any:
    """What a name in a pickle stands for.

    Raises
    ------
    CheckpointError
        If it is not in the table.
    """
    try:
        return _TABLE[module, name]
    except KeyError:
        full = f"{module}.{name}"
        raise CheckpointError(
            f"the pickle names {full[:100]!a}, which is not among the few names of tensors and containers that "
            "are read; nothing was executed"
        ) from None


def _tensor(
    machine: Machine,
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any = False,
    hooks: Any = None,
    metadata: Any = None,
) -> Tensor:
    """A view of a storage; every element of it must lie inside."""
    if type(storage) is not Storage:
        raise CheckpointError(f"a tensor is to be a view of {type(storage).__name__}, expected a storage")
    if type(size) not in (tuple, Size) or type(stride) is not tuple or len(size) != len(stride):
        raise CheckpointError("a tensor has sizes and strides that do not fit together")
    if len(size) > _MOST_DIMENSIONS:
        raise CheckpointError(f"a tensor has {len(size)} dimensions, at most {_MOST_DIMENSIONS} are possible")
    machine.spend(2 * len(size))
    if any(type(number) is not int or number < 0 for number in (offset, *size, *stride)):
        raise CheckpointError("the offset, sizes and strides of a tensor must be integers ≥ 0")
    if max(stride, default=0) > _MOST_STRIDE:  # that of a size of 1 reaches nothing, yet NumPy keeps it
        raise CheckpointError(f"a tensor has a stride of {max(stride)}, at most {_MOST_STRIDE} is possible")
    array, elements, last = storage.array, 1, offset
    for n, step in zip(size, stride, strict=True):
        elements *= n
        last += (n - 1) * step
    if elements and last >= array.size:
        raise CheckpointError(f"a tensor reaches element {last} of a storage of {array.size}")
    if elements > max(array.size, _MOST_EXPANDED):
        raise CheckpointError(f"a tensor of {elements} elements shows a storage of {array.size}")
    if elements:
        steps = [step * array.itemsize for step in stride]
        view = np.ndarray(size, array.dtype, array, offset * array.itemsize, steps)
    else:
        view = np.empty(size, array.dtype)
    return Tensor(view, _differentiable(view, requires_grad))


def _parameter(machine: Machine, data: Any, requires_grad: Any = True, hooks: Any = None) -> Parameter:
    if type(data) is not Tensor:
        raise CheckpointError(f"a Parameter is to hold {type(data).__name__}, expected a tensor")
    return Parameter(data, _differentiable(data.array, requires_grad))


def _differentiable(array: np.ndarray, requires_grad: Any) -> bool:
    return requires_grad is True and array.dtype.kind == "f"


def _sequence(machine: Machine, *arguments: Any) -> list[Any]:
    """The items of at most one list or tuple."""
    if len(arguments) > 1 or any(type(argument) not in (list, tuple) for argument in arguments):
        raise CheckpointError("a container is to be made of what is no list")
    items = list(arguments[0]) if arguments else []
    machine.spend(len(items))
    return items


def _ordered_dict(machine: Machine, *arguments: Any) -> OrderedDict:
    pairs = _sequence(machine, *arguments)
    if any(type(pair) not in (list, tuple) or len(pair) != 2 for pair in pairs):
        raise CheckpointError("an OrderedDict is to be made of what is no list of pairs")
    machine.spend(2 * len(pairs))
    return OrderedDict((machine.key(key), value) for key, value in pairs)


def _counter(machine: Machine, *arguments: Any) -> Counter:
    counts = arguments[0] if arguments else {}
    if len(arguments) > 1 or type(counts) is not dict:
        raise CheckpointError("a Counter is to be made of what is no dict")
    machine.spend(len(counts))
    return Counter(counts)


def _set(machine: Machine, *arguments: Any) -> set:
    return {machine.key(item) for item in _sequence(machine, *arguments)}


def _size(machine: Machine, *arguments: Any) -> Size:
    items = _sequence(machine, *arguments)
    if any(type(item) is not int for item in items):
        raise CheckpointError("a torch.Size must consist of integers")
    return Size(items)


def _device(machine: Machine, kind: Any, index: Any = None) -> device:
    """A device; kinds of torch's that are unknown here become the CPU."""
    if type(kind) is not str or not (index is None or type(index) is int):
        raise CheckpointError("a torch.device must be a string and perhaps a number")
    return device(kind, index) if kind in ("cpu", "cuda") else device("cpu")


def _encode(machine: Machine, text: Any, encoding: Any = "") -> bytes:
    """Bytes, as pickles of protocol 2 write them."""
    if type(text) is not str or type(encoding) is not str or encoding not in ("latin1", "latin-1"):
        raise CheckpointError("bytes must be written as text in latin1")
    machine.spend(len(text))
    return text.encode("latin1")


def _complex(machine: Machine, real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise CheckpointError("a complex number must consist of two floats")
    return complex(real, imaginary)


def _numpy_dtype(machine: Machine, code: Any, *flags: Any) -> NumpyType:
    if type(code) is not str or code not in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"):
        raise CheckpointError("a NumPy dtype must be one of bool, integers and floats")
    return NumpyType(code)


def _numpy_scalar(machine: Machine, dtype: Any, raw: Any) -> np.generic:
    if type(dtype) is not NumpyType or type(raw) is not bytes or len(raw) != dtype.dtype.itemsize:
        raise CheckpointError("a NumPy number must be a dtype and as many bytes as one number has")
    return np.frombuffer(raw, dtype.dtype)[0]


def _numpy_array(machine: Machine, cls: Any, shape: Any, code: Any) -> np.ndarray:
    """An empty array; `machine.build` fills it."""
    if cls is not _NDARRAY:
        raise CheckpointError("a NumPy array must be a plain ndarray")
    return np.empty(0)


_NDARRAY = object()  # the name numpy.ndarray: an argument, never called

_STORAGES = {
    "DoubleStorage": ("f8",),
    "FloatStorage": ("f4",),
    "HalfStorage": ("f2",),
    "BFloat16Storage": ("u2", "f4"),
    "LongStorage": ("i8",),
    "IntStorage": ("i4",),
    "ShortStorage": ("i2",),
    "CharStorage": ("i1",),
    "ByteStorage": ("u1",),
    "BoolStorage": ("u1", "?"),
}
_DTYPES = {
    "float64": "f8", "double": "f8", "float32": "f4", "float": "f4", "float16": "f2", "half": "f2", "bfloat16": "f4",
    "int64": "i8", "long": "i8", "int32": "i4", "int": "i4", "int16": "i2", "short": "i2", "int8": "i1", "uint8": "u1",
    "bool": "?",
}  # fmt: skip
_CALLABLE: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("collections", "Counter"): _counter,
    ("builtins", "set"): _set,
    ("__builtin__", "set"): _set,
    ("builtins", "complex"): _complex,
    ("__builtin__", "complex"): _complex,
    ("_codecs", "encode"): _encode,
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("numpy", "dtype"): _numpy_dtype,
    ("numpy.core.multiarray", "scalar"): _numpy_scalar,
    ("numpy._core.multiarray", "scalar"): _numpy_scalar,
    ("numpy.core.multiarray", "_reconstruct"): _numpy_array,
    ("numpy._core.multiarray", "_reconstruct"): _numpy_array,
}
_TABLE: dict[tuple[str, str], Any] = {
    **{place: Allowed(".".join(place), function) for place, function in _CALLABLE.items()},
    **{(module, name): StorageType(name, *form) for name, form in _STORAGES.items()
       for module in ("torch", "torch.storage", "torch.cuda")},
    **{("torch", name): np.dtype(code) for name, code in _DTYPES.items()},
    ("numpy", "ndarray"): _NDARRAY,
}  # fmt: skip
