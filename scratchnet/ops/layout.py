"""How a tensor lies in memory, and what there is to ask about it without looking at its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.size import Size
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor

__all__ = [
    *("clone", "detach", "numel", "is_tensor", "is_floating_point", "is_signed", "is_complex"),
    *("is_nonzero", "is_same_size"),
]


class Clone(Function):
    """y = a copy of x, with its strides (`order="K"`) or in row-major order ("C").  dL/dx = g"""

    reads = NOTHING
    arithmetic = True

    def __init__(self, order: str = "K") -> None:
        self.order = order

    def forward(self, x: Any) -> Any:
        order = self.order
        if 0 in x.strides and any([step == 0 and size > 1 for step, size in zip(x.strides, x.shape)]):
            order = "C"  # as torch: repeated elements are laid out one after the other
        return x.copy(order=order)

    def backward(self, g: Any) -> Any:
        return g


@method()
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy, through which gradients flow, with the strides of `input` if those leave no gaps."""
    check_tensor(input, "clone")
    return Clone()(input)


def detach(input: Tensor) -> Tensor:
    """The same memory without history: `input.detach()`."""
    check_tensor(input, "detach")
    return input.detach()


@method()
def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """`input` if its elements lie in row-major order without gaps, else a copy for which that holds."""
    return input if input.array.flags.c_contiguous else Clone("C")(input)


@method()
def is_contiguous(input: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie in memory in row-major order without gaps."""
    return input.array.flags.c_contiguous


@method()
def stride(input: Tensor, dim: int | None = None) -> Any:
    """How many elements apart neighbours along each dimension (or along `dim`) lie in memory."""
    array = input.array
    steps = [s // array.itemsize for s in array.strides]
    for d in range(array.ndim - 1, -1, -1):
        if array.shape[d] == 1 and not steps[d]:  # NumPy's mark of a new dimension; torch goes on counting
            steps[d] = array.shape[d + 1] * steps[d + 1] if d + 1 < array.ndim else 1
    if dim is None:
        return tuple(steps)
    if not steps:
        raise IndexError("stride: a 0-dimensional tensor has no dimensions to ask for")
    return steps[wrap_dim(dim, array.ndim)]


@method()
def size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size along `dim`."""
    shape = input.array.shape
    if dim is None:
        return Size(shape)
    if not shape:
        raise IndexError("size: a 0-dimensional tensor has no dimensions to ask for")
    return shape[wrap_dim(dim, len(shape))]


@method("numel", "nelement")
def numel(input: Tensor) -> int:
    """The number of elements."""
    check_tensor(input, "numel")
    return input.array.size


@method("dim", "ndimension")
def dim(input: Tensor) -> int:
    """The number of dimensions."""
    return input.array.ndim


@method()
def element_size(input: Tensor) -> int:
    """The size of an element in bytes."""
    return input.array.itemsize


@method()
def data_ptr(input: Tensor) -> int:
    """The address of the first element."""
    return input.array.__array_interface__["data"][0]


@method()
def storage_offset(input: Tensor) -> int:
    """How many elements after the beginning of its memory the first element lies.

    The memory is that of the array that owns it, which for `from_numpy` of a part of an array is the whole of that.
    """
    owner = input.array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return (data_ptr(input) - owner.__array_interface__["data"][0]) // input.array.itemsize


@method()
def get_device(input: Tensor) -> int:
    """The number of the GPU that the tensor is on; -1 on the CPU."""
    return -1 if input.device.index is None else input.device.index


@method()
def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a floating-point one."""
    check_tensor(input, "is_floating_point")
    return input.array.dtype.kind == "f"


@method()
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    check_tensor(input, "is_signed")
    return input.array.dtype.kind in "fi"


@method()
def is_complex(input: Tensor) -> bool:
    """False: there are no complex tensors here."""
    return False


@method()
def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero."""
    check_tensor(input, "is_nonzero")
    if input.array.size != 1:
        raise RuntimeError(
            "Boolean value of Tensor with no values is ambiguous"
            if not input.array.size
            else "Boolean value of Tensor with more than one value is ambiguous; use .any() or .all()"
        )
    return bool(input.array.item())


@method()
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal."""
    check_tensor(input, "is_same_size")
    check_tensor(other, "is_same_size", "other")
    return input.array.shape == other.array.shape


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a Tensor."""
    return isinstance(obj, Tensor)


method("is_cuda")(property(lambda self: self.device.type == "cuda", doc="Whether the tensor is on a GPU."))
method("is_cpu")(property(lambda self: self.device.type == "cpu", doc="Whether it is in main memory."))
method("is_sparse")(property(lambda self: False, doc="There are no sparse tensors here."))
