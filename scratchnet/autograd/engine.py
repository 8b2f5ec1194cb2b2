"""The backward walk: from outputs to leaves, each operation once, after everything that used its result.

Operations are numbered as they are recorded, so taking the latest one first visits every consumer before its producer. That is
all the sorting the graph needs, and it needs no recursion: a chain of any length is walked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from scratchnet.autograd.anomaly import check_finite
from scratchnet.autograd.broadcast import unbroadcast
from scratchnet.autograd.function import Function, OutputOf
from scratchnet.autograd.hooks import run_after_accumulation, run_hooks
from scratchnet.autograd.mode import Mode, modes
from scratchnet.autograd.tensor import Tensor

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
        if not targets:
            raise RuntimeError("backward: inputs cannot be empty; give None to accumulate into all leaves")
        _check_targets(targets, "backward")
    keep = create_graph if retain_graph is None else retain_graph
    leaf_grads, captured = _walk(outputs, seeds, targets, create_graph, keep)
    if targets is not None:
        found = {t: leaf_grads.get(t) if t._node is None else captured.get(t._node) for t in targets}
        leaf_grads = {t: g for t, g in found.items() if g is not None}
    for leaf, g in leaf_grads.items():
        _accumulate_into(leaf, g)
        if leaf._hooks:
            run_after_accumulation(leaf)


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
        raise ValueError("grad: only_inputs=False is not supported; use backward to accumulate into all leaves")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: allow_unused must not be False when materialize_grads=True")
    targets = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    _check_targets(targets, "grad")
    outs, seeds = _check_outputs(outputs, grad_outputs, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    leaf_grads, captured = _walk(outs, seeds, targets, create_graph, keep)
    results = []
    for i, t in enumerate(targets):
        g = leaf_grads.get(t) if t._node is None else captured.get(t._node)
        if g is None and materialize_grads:
            g = np.zeros_like(t.array)
        if g is None and not allow_unused:
            raise RuntimeError(
                f"one of the differentiated Tensors (inputs[{i}], shape {t.array.shape}) appears to not have been used in "
                "the graph. Set allow_unused=True if this is the desired behavior."
            )
        results.append(None if g is None else _wrap(g))
    return tuple(results)


def _walk(
    outputs: Sequence[Tensor],
    seeds: Sequence[Tensor],
    targets: Sequence[Tensor] | None,
    create_graph: bool,
    retain_graph: bool,
) -> tuple[dict[Tensor, Any], dict[Function, Any]]:
    """Gradients of the leaves, and of the non-leaf targets by the operation that made them.

    They are Tensors if the gradient is to be differentiated again, and plain arrays if not: most of the walk then costs
    no more than its arithmetic.
    """
    pending: dict[Any, Any] = {}  # gradient so far of each operation's output, and of each leaf
    owned: set = set()  # those whose gradient is a sum made here: the only ones changed in place
    leaves: dict[Tensor, Any] = {}
    captured: dict[Function, Any] = {}
    heap: list = []
    wanted, needed = _targets(outputs, targets)
    anomaly = modes.anomaly

    def deliver(edge: Any, g: Any) -> None:
        """Add to the gradient of an operation's output or of a leaf; see that the operation's turn comes."""
        if edge in pending:
            if edge in owned:
                pending[edge] += g
            else:
                pending[edge] = total = pending[edge] + g
                if isinstance(total, np.ndarray):
                    owned.add(edge)
        elif needed is not None and edge not in needed and edge not in wanted:
            pass
        elif isinstance(edge, Function):
            pending[edge] = g
            heappush(heap, (edge.seq, edge))
        else:
            pending[edge] = leaves[edge] = g

    with Mode(grad=create_graph):
        for y, seed in zip(outputs, seeds):
            deliver(y if y._node is None else y._node, seed if create_graph else seed.array)
        while heap:
            node = heappop(heap)[1]
            g = pending.pop(node)
            if node.observers is not None:
                g = _observe(node, g)
            if needed is not None:
                if node in wanted:
                    captured[node] = g
                if node not in needed:
                    continue
            if node.__class__ is OutputOf:
                node.gather(pending, heap, g)
                continue
            grads = _differentiate(node, g, create_graph)
            if anomaly:
                check_finite(node, grads)
            i = 0
            for edge in node.edges:
                gi = grads[i]
                if edge is not None and gi is not None:
                    shape = edge.shape if isinstance(edge, Function) else edge.array.shape
                    if gi.shape != shape:
                        gi = unbroadcast(gi, shape, node, i)
                    deliver(edge, gi)
                i += 1
            if not retain_graph and node.frees:
                node.release()
        for leaf in leaves:
            g = pending[leaf]
            leaves[leaf] = _unwrap(run_hooks(leaf._hooks, _wrap(g)), g) if leaf._hooks else g
    return leaves, captured


def _differentiate(node: Function, g: Any, create_graph: bool) -> Sequence:
    """Call the operation's backward, on arrays where it can be and the gradient is not to be differentiated."""
    if g.__class__ is list:  # of several outputs
        gradients = OutputOf.materialise(node, g, create_graph)
    else:
        gradients = (g,)
    plain = node.on_arrays and not create_graph
    if plain:
        node.plain = True
        try:
            grads = (node.fused_backward or node.backward)(*gradients)
        finally:
            node.plain = False
    else:
        grads = node.backward(*(gradients if create_graph else map(Tensor, gradients)))
    if grads.__class__ is not tuple:
        grads = tuple(grads) if isinstance(grads, list) else (grads,)
    if len(grads) != len(node.edges):
        raise RuntimeError(
            f"{node.name()}.backward returned {len(grads)} gradients, but the operation has {len(node.edges)} inputs: "
            "return one (or None) for each"
        )
    if plain or create_graph:
        return grads
    return [x.array if isinstance(x, Tensor) else x for x in grads]


def _wrap(g: Any) -> Tensor:
    return g if isinstance(g, Tensor) else Tensor(g)


def _unwrap(g: Tensor, like: Any) -> Any:
    return g if isinstance(like, Tensor) else g.array


def _accumulate_into(leaf: Tensor, g: Any) -> None:
    """leaf.grad += g. The first gradient is copied: it may share memory with another's, or with the caller's."""
    if g.dtype != leaf.array.dtype:
        g = g.to(leaf.array.dtype) if isinstance(g, Tensor) else g.astype(leaf.array.dtype)
    if isinstance(g, Tensor):
        leaf._grad = g.clone() if leaf._grad is None else leaf._grad + g
    elif leaf._grad is None:
        leaf._grad = Tensor(g.copy())
    else:
        leaf._grad.array += g
        leaf._grad._counter[0] += 1


def _observe(node: Function, g: Any) -> Any:
    """The hooks on an operation's output, and the output itself if it retains its gradient."""
    seen_by = node.observers
    if seen_by.hooks:
        g = _unwrap(run_hooks(seen_by.hooks, _wrap(g)), g)
    tensor = None if seen_by.retained is None else seen_by.retained()
    if tensor is not None:
        _accumulate_into(tensor, g)
    return g


# ---- which part of the graph is needed --------------------------------------------------------------------------------
def _targets(outputs: Sequence[Tensor], targets: Sequence[Tensor] | None) -> tuple[set, set | None]:
    """The nodes and leaves whose gradient is asked for, and the operations that lead to them (None: all)."""
    if targets is None:
        return set(), None
    wanted = {t if t._node is None else t._node for t in targets}
    consumers: dict[Any, list] = {}
    stack = [y._node for y in outputs if y._node is not None]
    seen = set(stack)
    while stack:
        node = stack.pop()
        for edge in (node.parent,) if isinstance(node, OutputOf) else node.edges:
            if edge is None:
                continue
            consumers.setdefault(edge, []).append(node)
            if edge not in seen and isinstance(edge, Function):
                seen.add(edge)
                stack.append(edge)
    needed: set = set()
    frontier = list(wanted)
    while frontier:
        for node in consumers.get(frontier.pop(), ()):
            if node not in needed:
                needed.add(node)
                frontier.append(node)
    return wanted, needed


# ---- what the caller gave ---------------------------------------------------------------------------------------------
def _check_targets(targets: Sequence[Any], caller: str) -> None:
    for i, t in enumerate(targets):
        if not isinstance(t, Tensor):
            raise TypeError(f"{caller}: inputs[{i}] must be a Tensor, got {type(t).__name__}")
        if not t.requires_grad:
            raise RuntimeError(f"One of the differentiated Tensors does not require grad: inputs[{i}]")


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
            with contextlib.nullcontext() if create_graph else Mode(grad=False):
                g = g.to(y.array.dtype)
        seeds.append(g)
    return outputs, seeds
