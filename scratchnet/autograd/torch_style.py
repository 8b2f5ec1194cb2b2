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
"""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.function import NOTHING, Function, OutputOf, _sequence
from scratchnet.autograd.mode import Mode, modes
from scratchnet.autograd.tensor import Tensor


class Context(Function):
    """The `ctx` of a PyTorch-style Function, and its node in the graph."""

    reads = NOTHING
    notes = ("_kept",)
    _marked_dirty: tuple = ()
    _no_gradient: tuple = ()
    _zeros_for_none = True

    def __init__(self, definition: type[Function]) -> None:
        self.definition = definition
        self._to_save: tuple = ()

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
        self._marked_dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these outputs have no gradient."""
        self._no_gradient = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """With False, `backward` gets None instead of zeros for outputs that were not used."""
        self._zeros_for_none = value

    # ---- what backward calls ---------------------------------------------------------------------------------
    @property
    def saved_tensors(self) -> tuple:
        return tuple(self._recall(*kept) for kept in self._kept)

    def _recall(self, t: Any, version: list[int] | None, expected: int, index: int | None) -> Tensor | None:
        if version is not None and version[0] != expected:
            raise RuntimeError(
                f"{self.name()}: one of the variables needed for gradient computation has been modified by an inplace "
                f"operation: a saved tensor is at version {version[0]}; expected version {expected} instead."
            )
        if index is None:
            return t
        y = Tensor(t, True, self if self.fan_out is None else OutputOf(self, index, t.shape))
        y._counter = version  # type: ignore[assignment]
        return y

    def backward(self, *grads: Any) -> Any:
        gradients = self.definition.backward(self, *grads)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        extra = len(gradients) - len(self.edges)
        if extra > 0 and all(g is None for g in gradients[len(self.edges) :]):
            gradients = gradients[: len(self.edges)]  # torch allows trailing Nones
        return gradients


def call(definition: type[Function], args: tuple) -> Any:
    """`definition.apply(*args)`."""
    ctx = Context(definition)
    needs = [isinstance(a, Tensor) and a.requires_grad for a in args]
    record = True in needs and modes.grad
    ctx.edges = [(a._node or a) if need else None for a, need in zip(args, needs)]
    with Mode(grad=False):
        if hasattr(definition, "setup_context"):
            result = definition.forward(*args)
            definition.setup_context(ctx, args, result)
        else:
            result = definition.forward(ctx, *args)
    several = isinstance(result, tuple)
    results = result if several else (result,)
    if not record:
        return result
    ctx.seq = next(_sequence)
    if several:
        ctx.fan_out = tuple((y.array.shape, y.array.dtype) for y in results)
    else:
        ctx.shape = result.array.shape
    outputs = tuple(_attach(ctx, y, i, several, args) for i, y in enumerate(results))
    ctx._kept = tuple(_keep(t, args, results, outputs) for t in ctx._to_save)
    ctx._to_save = ctx._marked_dirty = ctx._no_gradient = ()  # the node must not hold its own outputs
    for watch in modes.watchers:
        watch(ctx)
    return outputs if several else outputs[0]


def _attach(ctx: Context, y: Tensor, index: int, several: bool, args: tuple) -> Tensor:
    """Give an output its history."""
    if any(y is t for t in ctx._no_gradient) or y.array.dtype.kind != "f":
        return y
    dirty = any(y is t for t in ctx._marked_dirty)
    if any(y is a for a in args) and not dirty:  # an input returned as it came
        y = y.detach()
    if dirty and y._node is None and y._needs_grad:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    y._needs_grad, y._node = True, OutputOf(ctx, index, y.array.shape) if several else ctx
    return y


def _keep(t: Tensor | None, args: tuple, results: tuple, outputs: tuple) -> tuple:
    """What `saved_tensors` needs: an output is kept without its history, which leads back to the node."""
    if t is None:
        return None, None, 0, None
    for i, (raw, y) in enumerate(zip(results, outputs)):
        if (t is raw or t is y) and not any(t is a for a in args):
            return y.array, y._counter, y._counter[0], i
    return t, t._counter, t._counter[0], None
