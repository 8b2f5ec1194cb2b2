"""Weight normalisation as a hook: length and direction of a weight are learned apart.

`nn.utils.parametrizations.weight_norm` is the same as a parametrization.
"""

from __future__ import annotations

from typing import Any, TypeVar

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.deprecated import deprecated
from scratchnet.nn.lazy import is_lazy
from scratchnet.nn.module import Module
from scratchnet.nn.parameter import Parameter
from scratchnet.ops.elementwise import check_tensor

M = TypeVar("M", bound=Module)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """One row for each index of `dim`, all other dimensions flattened."""
    return ops.movedim(weight, dim, 0).reshape(weight.shape[dim], -1)


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The 2-norms over all dimensions but `dim`, which broadcast with `v`; one norm of everything for −1."""
    if dim == -1:
        return ops.norm(v)
    shape = [1] * v.ndim
    shape[dim] = -1
    return ops.norm(as_matrix(v, dim), 2, 1).reshape(shape)


def normalized_weight(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """w = g · v / ‖v‖"""
    return v * (g / norm_except_dim(v, dim))


class WeightHook:
    """A hook that computes the parameter `name` of a module before every call, from what stands in its place."""

    name: str

    def remove(self, module: Module) -> None:
        """Put the parameter back, with the value that it has now."""
        raise NotImplementedError


class WeightNorm(WeightHook):
    """The hook that computes w = g · v / ‖v‖ before every call of the module."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        return normalized_weight(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"), self.dim)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))

    def apply(self, module: Module) -> None:
        """Put g and v in the place of w."""
        if find_hook(module, WeightNorm, self.name) is not None:
            raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {self.name}")
        weight = getattr(module, self.name)
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying weight normalization"
            )
        norms = norm_except_dim(check_tensor(weight, "norm_except_dim", "v").detach(), self.dim)
        del module._parameters[self.name]
        module.register_parameter(self.name + "_g", Parameter(norms))
        module.register_parameter(self.name + "_v", Parameter(weight.data))
        self(module, None)
        module.register_forward_pre_hook(self)

    def remove(self, module: Module) -> None:
        """Put w back, as it is now."""
        weight = self.compute_weight(module)
        for name in (self.name, self.name + "_g", self.name + "_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight.detach()))


def find_hook(module: Module, kind: type[WeightHook], name: str) -> int | None:
    """The key, among the hooks before `forward`, of the hook of this kind on this parameter."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook.function, kind) and hook.function.name == name:
            return key
    return None


def remove_hook(module: M, kind: type[WeightHook], name: str, function: str) -> M:
    """Let the hook of this kind undo what it did to the parameter, and take it out."""
    key = find_hook(module, kind, name)
    if key is None:
        raise ValueError(f"{function} of '{name}' not found in {module}")
    module._forward_pre_hooks.pop(key).function.remove(module)
    return module


@deprecated(
    "`scratchnet.nn.utils.weight_norm` is deprecated in favor of `scratchnet.nn.utils.parametrizations.weight_norm`."
)
def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Express a weight by its length and its direction, w = g · v / ‖v‖, before every call of the module.

    Salimans and Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural
    Networks", 2016.

    The parameter `name` becomes `name_g` (lengths) and `name_v` (directions).

    Parameters
    ----------
    dim : int or None
        The dimension each of whose indices has a length of its own; None for one length of the whole weight.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        If the parameter has this hook already; if it has no shape yet, or is None.
    """
    WeightNorm(name, dim).apply(module)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Undo `weight_norm`: the weight is an ordinary parameter again, with the value that it has now.

    Raises
    ------
    ValueError
        If there is no weight norm on this parameter.
    """
    return remove_hook(module, WeightNorm, name, "weight_norm")
