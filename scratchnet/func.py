"""torch.func's address for calling a module with other parameters than its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module
from scratchnet.nn.utils.stateless import call_with

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors in the place of its parameters and buffers; the module keeps its own.

    What the module makes of the tensors in place of buffers, such as running means, is put into the dict.

    Parameters
    ----------
    parameter_and_buffer_dicts : dict or sequence of dicts
        From dotted names, as in `named_parameters`, to tensors.
    args : any or tuple
        The arguments of the call, or the only one.
    tie_weights : bool
        A tensor given for one of several names of the same parameter is used under all of them.
    strict : bool
        All names must be given, and no others.

    Raises
    ------
    ValueError
        If a name is given twice, or different tensors for tied parameters.
    TypeError, KeyError
        If what is given, or is replaced, is no tensor; if a name is empty.
    RuntimeError
        If `strict` and names are missing or unexpected; for a `DataParallel`.

    Examples
    --------
    >>> import scratchnet
    >>> layer = scratchnet.nn.Linear(1, 1, bias=False)
    >>> functional_call(layer, {"weight": scratchnet.tensor([[3.0]])}, scratchnet.tensor([2.0]))
    tensor([6.])
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        return call_with(module, parameter_and_buffer_dicts, args, kwargs, tie_weights=tie_weights, strict=strict)
    if not isinstance(parameter_and_buffer_dicts, Sequence):
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    merged: dict[str, Tensor] = {}
    for tensors in parameter_and_buffer_dicts:
        if not isinstance(tensors, dict):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        if repeated := [name for name in tensors if name in merged]:
            raise ValueError(
                f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous"
            )
        merged.update(tensors)
    return call_with(module, merged, args, kwargs, tie_weights=tie_weights, strict=strict)
