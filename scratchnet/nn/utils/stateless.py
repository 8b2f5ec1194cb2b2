"""A module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.deprecated import deprecated
from scratchnet.nn.module import Module
from scratchnet.nn.modules.data_parallel import DataParallel


def call_with(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any,
    kwargs: Mapping[str, Any] | None,
    *,
    tie_weights: bool,
    strict: bool,
) -> Any:
    """Call a module with other tensors in the place of its own, which it has again afterwards."""
    if isinstance(module, DataParallel):
        raise RuntimeError("The stateless API can't be used with nn.DataParallel module")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _reparametrized(module, parameters_and_buffers, tie_weights, strict):
        return module(*args, **(kwargs or {}))


@deprecated(
    "`scratchnet.nn.utils.stateless.functional_call` is deprecated. Please use `scratchnet.func.functional_call` "
    "instead which is a drop-in replacement."
)
def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`scratchnet.func.functional_call` with one dict."""
    return call_with(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)


@contextmanager
def _reparametrized(
    module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool
) -> Iterator[None]:
    """Within the block the module has the given tensors; those that it makes of them go back into `given`."""
    names = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers(remove_duplicate=False))}
    values = _with_tied(names, given) if tie_weights else dict(given)
    if strict:
        _check_names(module, names, values)
    before: dict[str, Any] = {}
    try:
        for name, value in values.items():
            before[name] = _exchange(module, name, value)
        yield
    finally:
        for name, value in before.items():
            now = _exchange(module, name, value)
            if name in given:
                given[name] = now


def _with_tied(names: dict[str, Tensor], given: dict[str, Tensor]) -> dict[str, Tensor]:
    """The given tensors under all names of the parameters that they replace."""
    tied: dict[int, list[str]] = {}
    for name, tensor in names.items():
        tied.setdefault(id(tensor), []).append(name)
    values = dict(given)
    for group in tied.values():
        chosen = [given[name] for name in group if name in given]
        if any(t is not chosen[0] for t in chosen):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(group)}, which are tied. Consider using "
                "tie_weights=False"
            )
        if chosen:
            values.update(dict.fromkeys(group, chosen[0]))
    return values


def _check_names(module: Module, names: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    wrong = {"Unexpected": [n for n in values if n not in names], "Missing": [n for n in names if n not in values]}
    complaints = [f"{what} key(s): {', '.join(map(repr, keys))}." for what, keys in wrong.items() if keys]
    if complaints:
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(complaints))


_NOTHING: Any = object()


def _exchange(module: Module, path: str, value: Any) -> Any:
    """Give a module within the module a tensor under a dotted name, whatever kind it is; what was there before."""
    if value is not _NOTHING and value is not None and not isinstance(value, Tensor):
        raise TypeError(f"{value} is not an instance of scratchnet.Tensor")
    parent, _, name = path.rpartition(".")
    if not name:
        raise KeyError(f"{path!r} is the name of no tensor: what comes after the last dot is empty")
    owner = module.get_submodule(parent)
    for registry in (owner._parameters, owner._buffers):
        if name in registry:
            before, registry[name] = registry[name], value
            return before
    before = getattr(owner, name, _NOTHING)
    if before is not _NOTHING and not isinstance(before, Tensor):
        raise TypeError(f"attribute `{name}`: {before} is not an instance of scratchnet.Tensor")
    if value is _NOTHING:
        delattr(owner, name)
    else:
        setattr(owner, name, value)
    return before
