"""How pruning works: a method computes a mask, which a hook applies before every call, and may come after others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module
from scratchnet.nn.parameter import Parameter
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor


class BasePruningMethod(ABC):
    """A rule that says which elements of a tensor are kept. Subclasses define `compute_mask`.

    Applied to a module it is a hook: before every call w = w_mask · w_orig, where `w_orig` is the parameter and
    `w_mask` a buffer of zeros and ones.

    Attributes
    ----------
    PRUNING_TYPE : "unstructured", "structured" or "global"
        What a method sees that comes after others: the elements that are left, the channels (along `dim`) that are
        not all zero, or everything.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for a tensor of importances, not more than `default_mask` leaves."""

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """w_mask · w_orig"""
        mask, orig = (getattr(module, self._tensor_name + suffix) for suffix in ("_mask", "_orig"))
        return mask.to(orig.dtype) * orig

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter of a module by this method, after those that have pruned it already.

        Parameters
        ----------
        name : str
        importance_scores : Tensor of the parameter's shape, optional
            What counts instead of the parameter's own values.
        *args, **kwargs
            The arguments of the method.

        Raises
        ------
        AssertionError
            If the scores are of another shape.
        TypeError
            If the parameter is None.
        """
        method = cls(*args, **kwargs)
        method._tensor_name = name
        key = find(module, name)
        current: Any = check_tensor(getattr(module, name), "prune", name)
        scores = current if importance_scores is None else importance_scores
        if scores.shape != current.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got {tuple(scores.shape)} vs "
                f"{tuple(current.shape)}"
            )
        if key is None:
            mask = method.compute_mask(scores, default_mask=ops.ones_like(current).detach())
            module.register_parameter(name + "_orig", current)
            del module._parameters[name]
        else:
            before = getattr(module, name + "_mask").detach().clone()
            mask = PruningContainer(method).compute_mask(scores, default_mask=before)
            container = module._forward_pre_hooks.pop(key).function
            if not isinstance(container, PruningContainer):
                container = PruningContainer(container)
            container.add_pruning_method(method)
            method = container
        module.register_buffer(name + "_mask", mask.detach())
        method(module, None)
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None
    ) -> Tensor:
        """A tensor with what the method chooses set to zero; arguments as for `apply` and `compute_mask`."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {tuple(scores.shape)} vs {tuple(t.shape)}"
            )
        mask = ops.ones_like(t).detach() if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module: Module) -> None:
        """Make the pruned values the parameter's own; what was set to zero stays zero."""
        name, weight = self._tensor_name, self.apply_mask(module)
        orig = module._parameters[name + "_orig"]
        assert isinstance(orig, Parameter)
        orig.data = weight.data
        for suffix in ("", "_orig", "_mask"):
            delattr(module, name + suffix)
        setattr(module, name, orig)


def find(module: Module, name: str) -> int | None:
    """The key, among the hooks before `forward`, of the method that prunes this parameter."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook.function, BasePruningMethod) and hook.function._tensor_name == name:
            return key
    return None


class PruningContainer(BasePruningMethod):
    """Methods that pruned the same parameter one after the other; the last one computes the mask."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method at the end.

        Raises
        ------
        TypeError
            If it is no pruning method.
        ValueError
            If it is for another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer "
                f"{self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The last method's mask of what the others left, and zero elsewhere."""
        method = self._pruning_methods[-1]
        mask = default_mask.array.astype(t.dtype)
        left = _left(method, mask)
        part = method.compute_mask(Tensor(t.array[left]), default_mask=Tensor(mask[left]))
        mask[left] = part.array
        return Tensor(mask)


def _left(method: BasePruningMethod, mask: Any) -> Any:
    """An index of what a method may still prune."""
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    if method.PRUNING_TYPE == "global":
        return (slice(None),) * mask.ndim
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    if not hasattr(method, "dim"):
        raise AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
    dim = wrap_dim(method.dim, mask.ndim)
    others = tuple(d for d in range(mask.ndim) if d != dim)
    return (slice(None),) * dim + (mask.sum(others) != 0,)
