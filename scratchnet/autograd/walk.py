"""The backward walk: from outputs to leaves, each operation once, after everything that used its result.

Operations are numbered as they are recorded, so taking the latest one first visits every consumer before its producer. That is
all the sorting the graph needs, and it needs no recursion: a chain of any length is walked.

The gradients on the way are Tensors if they are to be differentiated again, and plain arrays if not: most of the walk then costs
no more than its arithmetic.

Threads may walk graphs of their own at the same time, also if they share leaves, but not one and the same graph.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np

from scratchnet.autograd.anomaly import check_finite
from scratchnet.autograd.broadcast import unbroadcast
from scratchnet.autograd.function import Function, OutputOf
from scratchnet.autograd.hooks import run_hooks
from scratchnet.autograd.mode import Mode, modes
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import check_memory

_accumulating = threading.Lock()  # two threads may differentiate with respect to the same parameters


def walk(
    outputs: Sequence[Tensor],
    seeds: Sequence[Tensor],
    targets: Sequence[Tensor] | None,
    create_graph: bool,
    retain_graph: bool,
) -> tuple[dict[Tensor, Any], dict[Function, Any]]:
    """Gradients of the leaves, and of the `targets` that are no leaves by the operation that made them.

    With targets, only what leads to them is walked.
    """
    pending: dict[Any, Any] = {}  # gradient so far of each operation's output, and of each leaf
    owned: set = set()  # those whose gradient is a sum made here: the only ones changed in place
    leaves: dict[Tensor, Any] = {}
    captured: dict[Function, Any] = {}
    heap: list = []
    wanted, needed = _ways(outputs, targets)
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
            if needed is None:
                grads = _differentiate(node, g, create_graph)
            else:
                every = node.needs_input_grad
                node.needs_input_grad = tuple([e is not None and (e in needed or e in wanted) for e in node.edges])
                try:
                    grads = _differentiate(node, g, create_graph)
                finally:
                    node.needs_input_grad = every
            if anomaly:
                check_finite(node, grads)
            for edge, gi in zip(node.edges, grads):
                if edge is not None and gi is not None:
                    like = edge if isinstance(edge, Function) else edge.array
                    if gi.shape != like.shape or gi.dtype is not like.dtype:
                        gi = _conform(gi, like, node, grads)
                    deliver(edge, gi)
            if not retain_graph and node.frees:
                node.release()
        for leaf in leaves:
            g = pending[leaf]
            leaves[leaf] = _through_hooks(leaf._hooks, g) if leaf._hooks else g
    return leaves, captured


def _differentiate(node: Function, g: Any, create_graph: bool) -> Sequence:
    """Call the operation's backward, on arrays where it can be and the gradient is not to be differentiated."""
    gradients = node.complete(g) if g.__class__ is list else (g,)  # a list: of several outputs
    plain = node.on_arrays and not create_graph
    if plain:
        node.plain = True
        try:
            if node.fused_backward is not None:  # NumPy's arithmetic on 0-dimensional arrays gives scalars
                grads = node.fused_backward(*[np.asarray(g) if isinstance(g, np.generic) else g for g in gradients])
            else:
                grads = node.backward(*gradients)
        finally:
            node.plain = False
    elif create_graph:
        grads = node.backward(*gradients)
    else:
        grads = node.backward(*[None if g is None else Tensor(g) for g in gradients])
    if grads.__class__ is not tuple:
        grads = tuple(grads) if isinstance(grads, list) else (grads,)
    if len(grads) != len(node.edges):
        raise RuntimeError(
            f"{node.name()}.backward returned an incorrect number of gradients (expected {len(node.edges)}, got {len(grads)}): "
            "return one, or None, for each input"
        )
    if plain:
        return grads
    for i, g in enumerate(grads):
        if g is not None and not isinstance(g, Tensor):
            raise RuntimeError(
                f"{node.name()}.backward must return Tensors or None, got {type(g).__name__} for input {i}"
            )
    return grads if create_graph else [None if g is None else g.array for g in grads]


def _conform(g: Any, like: Any, node: Function, grads: Sequence) -> Any:
    """A gradient in the shape (the one rule of broadcasting) and the dtype of the input it belongs to."""
    if g.shape != like.shape:
        g = unbroadcast(g, like.shape, node, next(i for i, other in enumerate(grads) if other is g))
    if g.dtype != like.dtype:
        g = g.to(like.dtype) if isinstance(g, Tensor) else g.astype(like.dtype)
    return g


def _observe(node: Function, g: Any) -> Any:
    """The hooks on an operation's output, and the output itself if it retains its gradient."""
    seen_by = node.observers
    if seen_by.hooks:
        g = _through_hooks(seen_by.hooks, g)
    tensor = None if seen_by.retained is None else seen_by.retained()
    if tensor is not None:
        accumulate(tensor, g)
    return g


def _through_hooks(hooks: dict, g: Any) -> Any:
    return run_hooks(hooks, g) if isinstance(g, Tensor) else run_hooks(hooks, Tensor(g)).array


def accumulate(x: Tensor, g: Any) -> None:
    """x.grad += g, for a leaf in place.

    The first gradient becomes x.grad itself if nobody else has it; it is copied if it may share memory with another's, or the
    caller's.
    """
    with _accumulating:
        total = x._grad
        if isinstance(g, Tensor):
            x._grad = g.clone() if total is None else total + g
        elif total is None:
            x._grad = Tensor(g if _references(g) <= _NOBODY_ELSE and _owns_memory(g) else g.copy())
        elif x._node is not None:
            x._grad = Tensor(total.array + g)
        else:
            check_memory(total)
            total.array += g
            total._counter[0] += 1


def _unknown(g: Any) -> float:
    """For an interpreter that does not count references: no comparison with it holds, so that all is copied."""
    return math.nan


_references = getattr(sys, "getrefcount", _unknown)


def _owns_memory(g: Any) -> bool:
    """Not memory that somebody else handed in, nor a view, unless of all of an array that nobody else knows."""
    if type(g) is not np.ndarray or not g.flags.c_contiguous or not g.flags.writeable:
        return False
    return g.base is None or (type(g.base) is np.ndarray and g.base.base is None and g.base.nbytes == g.nbytes
                              and _references_to_base(g) <= _ITS_VIEW)  # fmt: skip


def _references_to_base(g: np.ndarray) -> float:
    return _references(g.base)


_ITS_VIEW = _references_to_base(np.empty((2, 3)).reshape(6))


def _calibrated() -> float:
    """How many references an array has in `accumulate` that nobody but the walk and `engine.backward` know.

    Counted, not known: interpreters differ in which references they count.
    """

    def as_accumulate(x: Any, g: Any) -> float:
        return _references(g)

    found = {0: np.empty(1)}
    for x in list(found):  # as `engine.backward` does
        g = found.pop(x)
        count = as_accumulate(x, g)
    return count


_NOBODY_ELSE = _calibrated()


def _ways(outputs: Sequence[Tensor], targets: Sequence[Tensor] | None) -> tuple[set, set | None]:
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
