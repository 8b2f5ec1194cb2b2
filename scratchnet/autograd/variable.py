"""torch's old name of a tensor that gradients flow to."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor


class _AnyTensor(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_AnyTensor):
    """`Variable(x, requires_grad)` is a Tensor over x's memory; every Tensor is an instance."""

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool | None = None) -> Any:
        if data is not None and not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return Tensor([] if data is None else data.array).requires_grad_(requires_grad)
