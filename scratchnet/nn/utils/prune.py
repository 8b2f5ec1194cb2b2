"""Pruning: setting the less important elements of a weight to zero, and keeping them there while training goes on.

    prune.l1_unstructured(layer, "weight", amount=0.2)   # a fifth of the weights are 0 now
    ...                                                  # train on; what is 0 stays 0
    prune.remove(layer, "weight")                        # an ordinary parameter again, with its zeros

LeCun, Denker and Solla, "Optimal Brain Damage", 1989; by magnitude: Han, Pool, Tran and Dally, "Learning both Weights
and Connections for Efficient Neural Networks", 2015.

The parameter `name` becomes `name_orig`, beside a buffer `name_mask`. Pruned again, it loses some of what was left.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module
from scratchnet.nn.utils.prune_base import BasePruningMethod, PruningContainer, find
from scratchnet.nn.utils.prune_methods import (
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
)
from scratchnet.nn.utils.vector import parameters_to_vector

M = TypeVar("M", bound=Module)


def identity(module: M, name: str) -> M:
    """Prune nothing, but make the mask and the hook."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: float) -> M:
    """Prune elements at random; `amount` is their number (int) or fraction (float)."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: M, name: str, amount: float, importance_scores: Tensor | None = None) -> M:
    """Prune the elements of least magnitude, of the parameter or of `importance_scores`.

    Parameters
    ----------
    amount : int or float
        The number of elements, or the fraction of those that are left.
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: float, dim: int) -> M:
    """Prune whole channels along `dim` at random; `amount` is their number (int) or fraction (float)."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: M, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> M:
    """Prune the channels along `dim` of least n-norm, of the parameter or of `importance_scores`.

    Parameters
    ----------
    amount : int or float
        The number of channels, or the fraction of those that are left.
    n : number, "fro" or "nuc"
        As p of `scratchnet.norm`.
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune what is 0 in a mask of the parameter's shape."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one: layers of less important weights lose more of them.

    Parameters
    ----------
    parameters : iterable of (module, name)
    pruning_method : class
        Such as `L1Unstructured`, of PRUNING_TYPE "unstructured"; **kwargs are its arguments.
    importance_scores : dict, optional
        From (module, name) to a tensor of the parameter's shape.

    Raises
    ------
    TypeError
        If `parameters` is not iterable, `importance_scores` no dict, the method structured.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    tensors = [getattr(module, name) for module, name in pairs]
    masks = [getattr(m, name + "_mask", ops.ones_like(t)) for (m, name), t in zip(pairs, tensors)]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of type '
            f"{method.PRUNING_TYPE}"
        )
    method._tensor_name = "all of them"
    mask = PruningContainer(method).compute_mask(
        parameters_to_vector([scores.get(pair, t) for pair, t in zip(pairs, tensors)]), parameters_to_vector(masks)
    )
    start = 0
    for (module, name), t in zip(pairs, tensors):
        custom_from_mask(module, name, mask[start : start + t.array.size].view_as(t))
        start += t.array.size


def remove(module: M, name: str) -> M:
    """Make the pruned values the parameter's own, without mask and hook.

    Raises
    ------
    ValueError
        If the parameter is not pruned.
    """
    key = find(module, name)
    if key is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    module._forward_pre_hooks.pop(key).function.remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module or of one in it is pruned."""
    hooks = (hook for child in module.modules() for hook in child._forward_pre_hooks.values())
    return any(isinstance(hook.function, BasePruningMethod) for hook in hooks)
