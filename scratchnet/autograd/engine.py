"""`backward` and `grad`: what the caller asks of the walk through the graph, and what is done with the gradients it finds."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchnet.autograd.hooks import run_after_accumulation
from scratchnet.autograd.mode import Mode
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.walk import accumulate, walk

Tensors = Tensor | Sequence[Tensor]


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Accumulate the gradient of `tensors` into `grad` of the leaves (or of `inputs` alone).

    Parameters
    ----------
    tensors : Tensor or sequence of Tensors
        What is differentiated.
    grad_tensors : Tensor, None or a sequence of them
        dL/d(tensors), of the same shapes. May be None for tensors with one element, and means 1 then.
    retain_graph : bool, optional
        Keep what the operations saved, so that the graph can be walked again. Default: the value of `create_graph`.
    create_graph : bool
        Record the gradient's own computation, so that it can be differentiated again.
    inputs : Tensor or sequence of Tensors, optional
        Accumulate only into these.

    Raises
    ------
    RuntimeError
        If nothing in the graph requires grad, if a gradient's shape is wrong or missing, if the graph was freed by an
        earlier call, or if a value that backward needs was changed in place.
    """
    outputs, seeds = _check_outputs(tensors, grad_tensors, create_graph)
    targets = None
    if inputs is not None:
        targets = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        _check_targets(targets, "backward")
    keep = create_graph if retain_graph is None else retain_graph
    found, captured = walk(outputs, seeds, targets, create_graph, keep)
    if targets is not None:
        found = {t: found.get(t) if t._node is None else captured.get(t._node) for t in targets}
    with Mode(grad=create_graph):
        for x in list(found):
            g = found.pop(x)  # so that each can be freed when it has been added
            if g is None or not x._needs_grad:  # requires_grad_(False), or detach_, since it was used
                continue
            if targets is None and x._node is not None:
                raise RuntimeError(
                    "leaf variable has been moved into the graph interior: it was changed in place since it was used"
                )
            accumulate(x, g)
            if x._hooks:
                run_after_accumulation(x)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradient of `outputs` with respect to `inputs`, as a tuple; nothing is accumulated.

    Parameters are those of `backward`; besides:

    allow_unused : bool, optional
        Return None for an input the outputs do not depend on, instead of raising.
    materialize_grads : bool
        Return zeros instead of None for such an input.

    Raises
    ------
    RuntimeError
        As `backward`, and if an input was not used and `allow_unused` is False.
    """
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched=True is not supported; call grad once for each row")
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). "
            "To accumulate gradient for other parts of the graph, please use backward.",
            FutureWarning,
            stacklevel=2,
        )
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: allow_unused must be True or not given when materialize_grads=True, got False")
    targets = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    _check_targets(targets, "grad")
    outs, seeds = _check_outputs(outputs, grad_outputs, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    found, captured = walk(outs, seeds, targets, create_graph, keep)
    results = []
    for i, t in enumerate(targets):
        g = found.get(t) if t._node is None else captured.get(t._node)
        if g is None and materialize_grads:
            g = np.zeros_like(t.array)
        if g is None and not allow_unused:
            raise RuntimeError(
                f"One of the differentiated Tensors (inputs[{i}], shape {t.array.shape}) appears to not have been used in the "
                "graph. Set allow_unused=True if this is the desired behavior."
            )
        results.append(g if g is None or isinstance(g, Tensor) else Tensor(g))
    return tuple(results)


# ---- what the caller gave ---------------------------------------------------------------------------------------------
def _check_targets(targets: Sequence[Any], caller: str) -> None:
    if not targets:
        raise RuntimeError(f"`inputs` argument to `{caller}()` cannot be empty.")
    for i, t in enumerate(targets):
        if not isinstance(t, Tensor):
            raise RuntimeError(f"{caller}: all inputs have to be Tensors, but inputs[{i}] is of type {type(t).__name__}")
        if not t.requires_grad:
            raise RuntimeError(f"One of the differentiated Tensors does not require grad: inputs[{i}] of {caller}()")


def _check_outputs(tensors: Any, grads: Any, create_graph: bool) -> tuple[tuple[Tensor, ...], list[Tensor]]:
    outputs = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if grads is None or isinstance(grads, Tensor):
        grads = (grads,) * (len(outputs) if grads is None else 1)
    if len(grads) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grads)} gradients")
    seeds = []
    for i, (y, g) in enumerate(zip(outputs, grads)):
        if not isinstance(y, Tensor):
            raise TypeError(f"element {i} of tensors must be a Tensor, got {type(y).__name__}")
        if not y.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        if g is None:
            if y.array.size != 1:
                raise RuntimeError(
                    f"grad can be implicitly created only for scalar outputs, but output {i} has shape {y.array.shape}: "
                    "reduce it first, e.g. with .sum(), or give a gradient of its shape"
                )
            g = Tensor(np.ones_like(y.array))
        elif not isinstance(g, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
        elif g.array.shape != y.array.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {g.array.shape} and output[{i}] has a shape of "
                f"{y.array.shape}."
            )
        if g.array.dtype != y.array.dtype:
            with Mode(grad=create_graph):
                g = g.to(y.array.dtype)
        seeds.append(g)
    return outputs, seeds
