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

    __str__ = __repr__

    def __deepcopy__(self, memo: dict) -> Parameter:
        """A copy without the gradient, as in torch: a copied network is to learn anew."""
        if id(self) not in memo:
            memo[id(self)] = type(self)(Tensor(self.array.copy()), self.requires_grad)
        return memo[id(self)]


class Buffer(Tensor):
    """A Tensor that registers itself as a buffer when assigned to an attribute of a Module.

    Parameters
    ----------
    data : Tensor, optional
        Its values, shared and not copied. Default: an empty tensor.
    persistent : bool
        Whether it is part of the module's `state_dict`.
    """

    __slots__ = ()

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        data = _check(data, "Buffer")
        super().__init__(data.array)
        self._counter = data._counter
        self.persistent = persistent


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
