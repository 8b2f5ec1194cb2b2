"""Lazy modules: parameters whose shape is read off the first input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from scratchnet.autograd.device import check_device
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module
from scratchnet.nn.parameter import Parameter
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.promotion import get_default_dtype

__all__ = ["LazyModuleMixin", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


class _Uninitialized(Tensor):
    """A tensor that has a dtype, but no shape yet, and so no numbers: whatever looks at them is an error."""

    __slots__ = ()
    cls_to_become: type[Tensor]

    @property
    def array(self) -> Any:
        raise ValueError(
            f"this {type(self).__name__} has no values yet: call its module once, which reads the shape off the input"
        )

    @array.setter
    def array(self, value: Any) -> None:
        _set_array(self, value)

    @property
    def blank(self) -> Tensor:
        """An empty tensor of the dtype; to assign another one converts."""
        return Tensor(_get_array(self))

    @blank.setter
    def blank(self, value: Tensor) -> None:
        _set_array(self, value.array)

    @property
    def dtype(self) -> Any:
        return self.blank.dtype

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            f"Can't access the shape of an uninitialized parameter or buffer: call the module once to initialise it, also "
            f"before its {type(self).__name__} is loaded into another module"
        )

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary tensor of this shape, with values that are still to be set."""
        check_device(device)
        array = np.zeros(tuple(shape), self.dtype if dtype is None else as_dtype(dtype))
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        self.array = array

    def __deepcopy__(self, memo: dict) -> Self:
        if id(self) not in memo:
            cls: Any = type(self)
            memo[id(self)] = cls(self.requires_grad, dtype=self.dtype)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self.requires_grad, None, self.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


_slot = Tensor.__dict__["array"]
_get_array, _set_array = _slot.__get__, _slot.__set__


def _empty(device: Any, dtype: Any) -> Tensor:
    check_device(device)
    return Tensor(np.empty(0, get_default_dtype() if dtype is None else as_dtype(dtype)))


class UninitializedParameter(_Uninitialized, Parameter):
    """A `Parameter` without a shape; `materialize` makes it one with."""

    __slots__ = ()
    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        Parameter.__init__(self, _empty(device, dtype), requires_grad)


class UninitializedBuffer(_Uninitialized):
    """A buffer without a shape. A lazy module's first input tells the shape, and `materialize` gives it."""

    __slots__ = ()
    cls_to_become = Tensor

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> None:
        Tensor.__init__(self, _empty(device, dtype).array, requires_grad)


def is_lazy(value: Any) -> bool:
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(value, _Uninitialized)


class LazyModuleMixin:
    """What makes a module lazy: before its first call, `initialize_parameters` is given the arguments of that call.

        class LazyScale(LazyModuleMixin, Scale):
            cls_to_become = Scale

            def __init__(self):
                super().__init__()
                self.weight = UninitializedParameter()

            def initialize_parameters(self, input):
                self.weight.materialize(input.shape[-1:])
                self.reset_parameters()

    Then the module becomes one of the class `cls_to_become`. Make optimizers afterwards.
    """

    cls_to_become: type | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.cls_to_become is not None or self.has_uninitialized_params():
            self.initialize_parameters(*args, **kwargs)
            if self.has_uninitialized_params():
                raise RuntimeError(f"module {type(self).__name__} has not been fully initialized")
            self.__class__ = self.cls_to_become or self.__class__
        return Module.__call__(self, *args, **kwargs)  # type: ignore[arg-type]

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialise and initialise what is uninitialised; every subclass defines its own."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return bool(self._waiting())

    def _waiting(self) -> dict[str, Any]:
        tensors = {**self._parameters, **self._buffers}  # type: ignore[attr-defined]
        return {name: value for name, value in tensors.items() if is_lazy(value)}

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        registries: Any = (self._parameters, self._buffers)  # type: ignore[attr-defined]
        waiting = [(r, name, value) for r in registries for name, value in r.items() if is_lazy(value)]
        try:
            for registry, name, value in waiting:
                value.blank = fn(value.blank)
                registry[name] = None  # the conversion is to leave it out
            return super()._apply(fn, recurse)  # type: ignore[misc]
        finally:
            for registry, name, value in waiting:
                registry[name] = value

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        waiting = self._waiting()
        for name, value in self._local_state().items():  # type: ignore[attr-defined]
            destination[prefix + name] = value if keep_vars or name in waiting else value.detach()

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *others: Any) -> None:
        for name, value in self._waiting().items():  # takes the shape of what is loaded
            given = state_dict.get(prefix + name)
            if given is not None and not is_lazy(given):
                value.materialize(given.shape)
        super()._load_from_state_dict(state_dict, prefix, *others)  # type: ignore[misc]

    def _load_value(self, name: str, target: Any, key: str, value: Any, assign: bool) -> str | None:
        if is_lazy(target) and is_lazy(value):
            return None
        return super()._load_value(name, target, key, value, assign)  # type: ignore[misc]
