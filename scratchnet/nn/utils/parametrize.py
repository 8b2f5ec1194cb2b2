"""Parameters that are computed from others: m.weight = f(what is learned), whatever the module does with it.

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).T

    layer = nn.Linear(3, 3)
    register_parametrization(layer, "weight", Symmetric())
    layer.weight                            # symmetric, computed whenever it is read
    layer.parametrizations.weight.original  # what is learned

A module's class becomes a subclass, in which the name is a property. Unlike a hook before `forward` it works for
every method, and for whoever else reads the weight.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.containers import ModuleDict
from scratchnet.nn.module import Module
from scratchnet.nn.parameter import Parameter
from scratchnet.nn.utils.parametrization_list import ParametrizationList, check_unchanged, inverted, register_tensor

__all__ = [
    "cached", "ParametrizationList", "register_parametrization", "is_parametrized", "remove_parametrizations",
    "type_before_parametrizations", "transfer_parametrizations_and_params",
]  # fmt: skip

M = TypeVar("M", bound=Module)


class _Cache(threading.local):
    """Values of parametrized tensors, while this thread is inside `cached()`."""

    def __init__(self) -> None:
        self.depth = 0
        self.values: dict[ParametrizationList, Tensor] = {}


_cache = _Cache()


@contextmanager
def cached() -> Iterator[None]:
    """Within the block, and in this thread, every parametrized tensor is computed once, when first read, and remembered."""
    _cache.depth += 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if not _cache.depth:
            _cache.values = {}


# ---- the class with the property -------------------------------------------------------------------------
def _deepcopy(self: Any, memo: dict) -> Any:
    """A copy with a class of its own: what is done to the parametrizations of one is not done to the other's."""
    cls: Any = type_before_parametrizations(self)
    replica = memo[id(self)] = cls.__new__(cls)
    replica.__dict__ = copy.deepcopy(self.__dict__, memo)
    _give_own_class(replica)
    for name in replica.parametrizations:
        _give_property(replica, name)
    return replica


def _refuse_pickling(self: Any) -> Any:
    raise RuntimeError("Serialization of parametrized modules is only supported through state_dict().")


def _give_own_class(module: Module) -> None:
    """A subclass for this module alone, which may have a property of the parametrized name."""
    cls = type(module)
    own: dict[str, Any] = {"__getstate__": _refuse_pickling}
    if not hasattr(cls, "__deepcopy__"):
        own["__deepcopy__"] = _deepcopy  # copy.deepcopy would ask for the state
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), own)


def _give_property(module: Module, name: str) -> None:
    def get(self: Module) -> Tensor:
        parametrization = self.parametrizations[name]
        if not _cache.depth:
            return parametrization()
        if parametrization not in _cache.values:
            _cache.values[parametrization] = parametrization()
        return _cache.values[parametrization]

    def set_(self: Module, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, set_))


# ---- what users call -------------------------------------------------------------------------------------
def register_parametrization(module: M, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> M:
    """Compute a parameter or buffer of a module by another module, whenever it is read.

    A second parametrization of the same tensor is applied to the result of the first.

    Parameters
    ----------
    tensor_name : str
    parametrization : Module
        Maps the tensor to one of the same shape and dtype. With a method `right_inverse` the tensor keeps its value,
        and values can be assigned to it; if that returns several tensors, `forward` takes them.
    unsafe : bool
        Allow other shapes and dtypes.

    Returns
    -------
    The module, whose class is now a subclass.

    Raises
    ------
    ValueError
        If there is no such tensor; if results do not fit.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_endomorphism(parametrization, getattr(module, tensor_name), tensor_name)
        there = module.parametrizations[tensor_name]
        there.append(parametrization)
        there.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        there = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_own_class(module)
            module.parametrizations = ModuleDict()
        _give_property(module, tensor_name)
        module.parametrizations[tensor_name] = there
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'"
        )
    return module


def _check_endomorphism(parametrization: Module, y: Tensor, name: str) -> None:
    x = parametrization(y)
    check_unchanged(x, y.shape, y.dtype, f"module.{name}", f"parametrization(module.{name})")
    z = inverted(parametrization, x)
    if not isinstance(z, Tensor):
        raise ValueError(f"parametrization.right_inverse must return a tensor. Got: {type(z).__name__}")
    if z.dtype != y.dtype or z.shape != y.shape:
        raise ValueError(
            "The tensor returned by parametrization.right_inverse must have the same dtype and shape as "
            f"module.{name}, unless the `unsafe` flag is enabled.\nmodule.{name}: {y.dtype}, {tuple(y.shape)}\n"
            f"returned: {z.dtype}, {tuple(z.shape)}"
        )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a tensor of the module, or without a name any of its tensors, is parametrized."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module: M, tensor_name: str, leave_parametrized: bool = True) -> M:
    """Make a tensor an ordinary parameter or buffer again.

    Parameters
    ----------
    leave_parametrized : bool
        Keep its present value. Otherwise it gets the value of the original, of which there must be one.

    Raises
    ------
    ValueError
        If it is not parametrized, or there are several originals to leave it.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    there = module.parametrizations[tensor_name]
    if there.is_tensor:
        tensor = there.original
        if leave_parametrized:
            with no_grad():
                tensor.data = getattr(module, tensor_name)
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        tensor = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    register_tensor(module, tensor_name, tensor)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that a module had before its tensors were parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: M, tensor_name: str | None = None) -> M:
    """Parametrize tensors of another module by the same modules, from the same originals.

    Parameters
    ----------
    tensor_name : str, optional
        Which tensor; all that are parametrized if not given. One that `to_module` has not is made.
    """
    if not is_parametrized(from_module):
        return to_module
    for name in list(from_module.parametrizations) if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        source = from_module.parametrizations[name]
        for parametrization in source:
            register_parametrization(to_module, name, parametrization)
        for key in source.names():
            setattr(to_module.parametrizations[name], key, getattr(source, key))
    return to_module
