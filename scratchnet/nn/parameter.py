"""Tensors that a Module owns: parameters, which are learned, and buffers, which are not."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor


class Parameter(Tensor):
    """A Tensor to be learned: it registers itself when it is assigned to an attribute of a Module.

    Parameters
    ----------
    data : Tensor, optional
        Its values, shared and not copied. Default: an empty tensor.
    requires_grad : bool
        Whether it is to be learned.

    Raises
    ------
    RuntimeError
        If it requires grad and is not of a floating-point dtype.
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        data = _check(data, "Parameter")
        if requires_grad and data.array.dtype.kind != "f":
            raise RuntimeError(
                f"Only Tensors of floating point dtype can require gradients, got Parameter(data) of {data.array.dtype}"
            )
        super().__init__(data.array, bool(requires_grad))
        self._counter = data._counter

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict) -> Parameter:
        if id(self) not in memo:
            memo[id(self)] = type(self)(Tensor(self.array.copy()), self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return _rebuild, (type(self), self.array, self.requires_grad)


class Buffer(Tensor):
    """A Tensor that registers itself as a buffer when assigned to an attribute of a Module.

    Parameters
    ----------
    data : Tensor, optional
        Its values, shared and not copied. Default: an empty tensor.
    persistent : bool
        Whether it is part of the module's `state_dict`.
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        data = _check(data, "Buffer")
        super().__init__(data.array)
        self._counter = data._counter
        self.persistent = persistent

    def __deepcopy__(self, memo: dict) -> Buffer:
        if id(self) not in memo:
            memo[id(self)] = Buffer(Tensor(self.array.copy()), persistent=self.persistent)
        return memo[id(self)]


def reset_gradient(parameter: Tensor, set_to_none: bool) -> None:
    """Forget the gradient of a parameter, or fill it with zeros."""
    gradient = parameter._grad
    if set_to_none or gradient is None:
        parameter._grad = None
        return
    if gradient._node is not None or gradient._needs_grad:  # it was made with create_graph=True
        gradient = parameter._grad = gradient.detach()
    with no_grad():
        gradient.zero_()


def _check(data: Any, what: str) -> Tensor:
    if data is None:
        return Tensor(np.empty(0, np.float32))
    if not isinstance(data, Tensor):
        raise TypeError(
            f"{what}: data must be a Tensor, got {type(data).__name__}; make one with scratchnet.tensor(data)"
        )
    return data


def _rebuild(cls: type[Parameter], array: Any, requires_grad: bool) -> Parameter:
    return cls(Tensor(array), requires_grad)
