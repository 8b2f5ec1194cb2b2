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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.containers import ModuleDict, ModuleList
from scratchnet.nn.module import Module
from scratchnet.nn.parameter import Parameter

__all__ = [
    "cached", "ParametrizationList", "register_parametrization", "is_parametrized", "remove_parametrizations",
    "type_before_parametrizations", "transfer_parametrizations_and_params",
]  # fmt: skip

M = TypeVar("M", bound=Module)


class _Cache:
    """Values of parametrized tensors, while someone is inside `cached()`."""

    depth = 0
    values: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Within the block every parametrized tensor is computed once, when first read, and remembered."""
    _Cache.depth += 1
    try:
        yield
    finally:
        _Cache.depth -= 1
        if not _Cache.depth:
            _Cache.values = {}


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, and what they compute it from: `module.parametrizations.weight`.

    Called without arguments it gives the tensor, f_n(… f_1(original)). If `right_inverse` of the first makes several
    tensors of one, these are `original0`, `original1`, … and f_1 takes them all.

    Parameters
    ----------
    modules : sequence of Module
    original : Tensor
        The tensor as it was; its value is kept if the modules have a `right_inverse`.
    unsafe : bool
        Allow parametrizations that change shape or dtype.

    Raises
    ------
    ValueError
        If a `right_inverse` or the result is no tensor or, unless `unsafe`, of another shape or dtype.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            new = original
            for module in reversed(list(self)):
                new = _inverted(module, new)
        if not isinstance(new, Tensor | Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if isinstance(new, Tensor):
            if dtype != new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            original.data = new  # the same object, so that an optimizer made before still knows it
            _register(self, "original", original)
        else:
            for i, tensor in enumerate(new):
                _register(self, f"original{i}", _as_original(tensor, original, i))
        if not unsafe:
            _check_unchanged(self(), shape, dtype, "unparametrized", "parametrized")

    def originals(self) -> list[Tensor]:
        """What the tensor is computed from."""
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the tensor becomes `value`, as far as the parametrizations can.

        Raises
        ------
        RuntimeError
            If a parametrization has no `right_inverse`.
        ValueError
            If it returns another number of tensors, or tensors of other dtypes, than at first.
        """
        new: Any = value
        with no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                new = module.right_inverse(new)
        if self.is_tensor != isinstance(new, Tensor) or not isinstance(new, Tensor | Sequence):
            expected = "a tensor" if self.is_tensor else "a sequence of tensors"
            raise ValueError(f"`right_inverse` should return {expected}. Got {type(new).__name__}.")
        values = [new] if isinstance(new, Tensor) else list(new)
        if len(values) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. Got a sequence of length "
                f"{len(values)}."
            )
        for i, (original, tensor) in enumerate(zip(self.originals(), values)):
            if not isinstance(tensor, Tensor):
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors. Got element {i} of type {type(tensor).__name__}."
                )
            if original.dtype != tensor.dtype:
                raise ValueError(
                    f"Tensor {i} returned by `right_inverse` has dtype {tensor.dtype} while its original has dtype "
                    f"{original.dtype}"
                )
            original.data = tensor

    def forward(self) -> Tensor:
        first, *others = self
        x = first(*self.originals())
        for module in others:
            x = module(x)
        return x


def _inverted(module: Module, value: Any) -> Any:
    """What the module makes `value` of; without a `right_inverse`, `value` itself."""
    if hasattr(module, "right_inverse"):
        try:
            return module.right_inverse(value)
        except NotImplementedError:
            pass
    return value


def _as_original(tensor: Any, parametrized: Tensor, i: int) -> Tensor:
    """One of several tensors to learn, a parameter if the parametrized tensor was one."""
    if not isinstance(tensor, Tensor):
        raise ValueError(
            "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
            f"Got element {i} of the sequence with type {type(tensor).__name__}."
        )
    if isinstance(parametrized, Parameter):
        return Parameter(tensor, parametrized.requires_grad)
    return tensor.requires_grad_(parametrized.requires_grad)


def _register(module: Module, name: str, x: Tensor) -> None:
    if isinstance(x, Parameter):
        module.register_parameter(name, x)
    else:
        module.register_buffer(name, x)


def _check_unchanged(z: Any, shape: Any, dtype: Any, before: str, after: str) -> None:
    """A parametrization maps tensors of one shape and dtype to tensors of the same."""
    if not isinstance(z, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(z).__name__}.")
    for what, old, new in (("dtype", dtype, z.dtype), ("shape", shape, z.shape)):
        if old != new:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless the `unsafe` flag is "
                f"enabled.\n{before} {what}: {old}\n{after} {what}: {new}"
            )


# ---- the class with the property -------------------------------------------------------------------------
def _deepcopy(self: Any, memo: dict) -> Any:
    replica = memo[id(self)] = self.__new__(type(self))
    replica.__dict__ = copy.deepcopy(self.__dict__, memo)
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
        if not _Cache.depth:
            return parametrization()
        key = id(self), name
        if key not in _Cache.values:
            _Cache.values[key] = parametrization()
        return _Cache.values[key]

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
    _check_unchanged(x, y.shape, y.dtype, f"module.{name}", f"parametrization(module.{name})")
    z = _inverted(parametrization, x)
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
    _register(module, tensor_name, tensor)
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
        for key in ["original"] if source.is_tensor else [f"original{i}" for i in range(source.ntensors)]:
            setattr(to_module.parametrizations[name], key, getattr(source, key))
    return to_module
