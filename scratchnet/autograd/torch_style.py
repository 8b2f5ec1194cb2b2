"""Functions written in PyTorch's style: static `forward(ctx, …)` and `backward(ctx, …)`, called by `apply`.

    class Exp(Function):
        @staticmethod
        def forward(ctx, x):                 # Tensors in, Tensors out; nothing is recorded
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return g * y

    y = Exp.apply(x)

`ctx` is the graph's node. The form with `forward(x)` and `setup_context(ctx, inputs, output)` works too.
`backward` is recorded when gradients of gradients are wanted, so it is differentiable again (unless `@once_differentiable`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from scratchnet.autograd.function import NOTHING, Function, _sequence
from scratchnet.autograd.mode import Mode, modes
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import View, check_writable, rewrite_history


class Context(Function):
    """The `ctx` of a PyTorch-style Function, and its node in the graph."""

    reads = NOTHING
    notes = ("_kept",)
    _to_save: tuple = ()
    _dirty: tuple = ()
    _no_gradient: tuple = ()
    _zeros_for_none = True
    _kept: tuple

    def __init__(self, definition: type[Function]) -> None:
        self.definition = definition

    def name(self) -> str:
        return self.definition.__name__

    # ---- what forward calls ----------------------------------------------------------------------------------
    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs, outputs or intermediate Tensors for `backward`, which finds them in `saved_tensors`."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward can only save Tensors, but argument {i} is of type {type(t).__name__}")
        self._to_save = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that these inputs were changed in place and are returned."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these outputs have no gradient."""
        self._no_gradient = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """With False, `backward` gets None instead of zeros for outputs that nothing was computed from."""
        self._zeros_for_none = value

    # ---- what backward calls ---------------------------------------------------------------------------------
    @property
    def saved_tensors(self) -> tuple:
        return tuple(self._recall(*kept) for kept in self._kept)

    def _recall(self, t: Any, counter: list[int] | None, expected: int, index: int | None) -> Tensor | None:
        if counter is not None and counter[0] != expected:
            raise RuntimeError(
                f"{self.name()}: one of the variables needed for gradient computation has been modified by an inplace "
                f"operation: a saved tensor is at version {counter[0]}; expected version {expected} instead."
            )
        if index is None:
            return t
        y = Tensor(t, True, self._maker_of(index))
        y._counter = counter  # type: ignore[assignment]
        return y

    def _maker_of(self, index: int) -> Function:
        return self if self.fan_out is None else self.port(index)

    # ---- what the walk calls ---------------------------------------------------------------------------------
    def complete(self, grads: list) -> list:
        return super().complete(grads) if self._zeros_for_none else grads

    def backward(self, *grads: Any) -> Any:
        gradients = self.definition.backward(self, *grads)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        n = len(self.edges)
        return gradients if any(g is not None for g in gradients[n:]) else gradients[:n]  # torch allows trailing Nones


def call(definition: type[Function], args: tuple) -> Any:
    """`definition.apply(*args)`."""
    ctx = Context(definition)
    ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
    ctx.edges = [(a._node or a) if need else None for a, need in zip(args, ctx.needs_input_grad)]
    with Mode(grad=False):
        if hasattr(definition, "setup_context"):
            result = definition.forward(*args)
            definition.setup_context(ctx, args, result)
        else:
            result = definition.forward(ctx, *args)
    results = result if isinstance(result, tuple) else (result,)
    if not modes.grad or True not in ctx.needs_input_grad or not any(isinstance(y, Tensor) for y in results):
        return result
    ctx.seq = next(_sequence)
    meta = tuple((y.array.shape, y.array.dtype) if isinstance(y, Tensor) else None for y in results)
    if isinstance(result, tuple):
        ctx.fan_out, ctx._ports = meta, [None] * len(meta)
    else:
        ctx.shape, ctx.dtype = meta[0]  # type: ignore[misc]
    outputs = tuple(_attach(ctx, y, i, args) for i, y in enumerate(results))
    ctx._kept = tuple(_keep(ctx, t, args, results, outputs) for t in ctx._to_save)
    ctx._to_save = ctx._dirty = ctx._no_gradient = ()  # the node must not hold its own outputs
    for watch in modes.watchers:
        watch(ctx)
    return outputs if isinstance(result, tuple) else outputs[0]


def _attach(ctx: Context, y: Any, index: int, args: tuple) -> Any:
    """Give an output its history."""
    if not isinstance(y, Tensor):
        return y
    differentiable = y.array.dtype.kind == "f" and not _among(y, ctx._no_gradient)
    if _among(y, ctx._dirty) and differentiable:
        check_writable(y)
        rewrite_history(y, Tensor(y.array, True, ctx._maker_of(index)))
        return y
    if _among(y, args):
        y = _passed_through(y)
    elif y._node is not None or y._needs_grad:  # somebody else's
        y = y.detach()
    if differentiable:
        y._needs_grad, y._node = True, ctx._maker_of(index)
    return y


def _passed_through(x: Tensor) -> Tensor:
    """An input that is an output as well: another Tensor over the same memory."""
    y = x.detach()
    y._view = View(
        x if x._view is None else x._view.base, (), x._counter, "is an input that a custom Function returned as it came"
    )
    return y


def _keep(ctx: Context, t: Tensor | None, args: tuple, results: tuple, outputs: tuple) -> tuple:
    """What `saved_tensors` needs. An output is kept without its history, which leads back to the node: that would be a cycle."""
    if t is None:
        return None, None, 0, None
    if not _among(t, args) or _among(t, ctx._dirty):
        for i, (raw, y) in enumerate(zip(results, outputs)):
            if (t is raw or t is y) and y.requires_grad:
                return y.array, y._counter, y._counter[0], i
    return t, t._counter, t._counter[0], None


def _among(t: Tensor, tensors: tuple) -> bool:
    return any(t is other for other in tensors)


def once_differentiable(backward: Callable) -> Callable:
    """Decorate a `backward(ctx, *grads)` that is not differentiable again: differentiating its result is an error."""

    @functools.wraps(backward)
    def wrapper(ctx: Context, *grads: Any) -> Any:
        with Mode(grad=False):
            results = backward(ctx, *grads)
        history = [g for g in grads if isinstance(g, Tensor) and g.requires_grad]
        if not modes.grad or not history:
            return results
        results = results if isinstance(results, tuple) else (results,)
        return tuple(_NoSecondDerivative(ctx.name())(g, *history) if isinstance(g, Tensor) else g for g in results)

    return wrapper


class _NoSecondDerivative(Function):
    reads = NOTHING

    def __init__(self, of: str) -> None:
        self.of = of

    def forward(self, g: Any, *history: Any) -> Any:
        return g

    def backward(self, g: Any) -> Any:
        raise RuntimeError(f"{self.of}: trying to differentiate twice a function that was marked with @once_differentiable")
