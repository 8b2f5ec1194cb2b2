"""What a parametrized tensor is computed from, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.containers import ModuleList
from scratchnet.nn.module import Module
from scratchnet.nn.parameter import Parameter


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
                new = inverted(module, new)
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
            register_tensor(self, "original", original)
        else:
            for i, tensor in enumerate(new):
                register_tensor(self, f"original{i}", _as_original(tensor, original, i))
        if not unsafe:
            check_unchanged(self(), shape, dtype, "unparametrized", "parametrized")

    def names(self) -> list[str]:
        """Attributes that hold what the tensor is computed from."""
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

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
        for i, (name, tensor) in enumerate(zip(self.names(), values)):
            original = getattr(self, name)
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
        x = first(*(getattr(self, name) for name in self.names()))
        for module in others:
            x = module(x)
        return x


def inverted(module: Module, value: Any) -> Any:
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


def register_tensor(module: Module, name: str, x: Tensor) -> None:
    """As a parameter if it is one, and otherwise as a buffer."""
    if isinstance(x, Parameter):
        module.register_parameter(name, x)
    else:
        module.register_buffer(name, x)


def check_unchanged(z: Any, shape: Any, dtype: Any, before: str, after: str) -> None:
    """A parametrization maps tensors of one shape and dtype to tensors of the same."""
    if not isinstance(z, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(z).__name__}.")
    for what, old, new in (("dtype", dtype, z.dtype), ("shape", shape, z.shape)):
        if old != new:
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless the `unsafe` flag is "
                f"enabled.\n{before} {what}: {old}\n{after} {what}: {new}"
            )
