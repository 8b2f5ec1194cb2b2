"""Function: one differentiable operation. Its formula, its forward on arrays and its gradient on Tensors.

    class Exp(Function):
        "y = exp(x).  dL/dx = g · y"

        reads = OUTPUT                          # what backward looks at; see below

        def forward(self, x):                   # arrays in, an array out
            return np.exp(x)

        def backward(self, g):                  # Tensors in, Tensors out: differentiable again
            return g * self.output

    y = Exp()(x)

Settings that are not differentiated (an axis, a stride) are arguments of `__init__`; the Tensors are arguments of the call.
Because `backward` is written in differentiable operations, gradients of gradients need no further code.

What is kept for backward
-------------------------
`reads` names what the gradient looks at, so that nothing else is kept alive. One entry for each input:

    reads = ((1,), (0,))     # product: the gradient to input 0 reads input 1, and the other way round
    reads = OUTPUT           # exp: the gradient reads the output
    reads = NOTHING          # sum: the gradient reads neither
    reads = INPUTS           # the gradient to any input reads all inputs
    reads = None             # the default: everything is kept

An entry may hold `OUT` for the output. An input whose gradient is not wanted costs no memory. Arrays that `forward` leaves in
attributes for `backward` (a mask, indices) are named in `notes`, so that they are freed with the rest.
"""

from __future__ import annotations

import itertools
import weakref
from heapq import heappush
from typing import Any

import numpy as np
from numpy import ndarray

from scratchnet.autograd.mode import INFERENCE, modes
from scratchnet.autograd.saved import INPUTS, NOTHING, OUT, OUTPUT, Saved
from scratchnet.autograd.tensor import Tensor

__all__ = ["INPUTS", "NOTHING", "OUT", "OUTPUT", "Function", "OutputOf"]

# What a call leaves in a Function, beside its settings and what forward notes.
_CALL_STATE = frozenset(
    "seq edges needs_input_grad shape dtype fan_out _ports _saved _stamp _output observers called_at plain restored".split()
)

# Decreasing, so that a heap hands out the latest operation first: all consumers of a result come before its producer.
_sequence = itertools.count(0, -1)


class Function(Saved):
    """Base class of every differentiable operation, ours and the user's. See the module's docstring.

    A subclass defines `forward(self, *arrays)` and `backward(self, *grads)`; `backward` returns one Tensor or None for
    each input, or a single Tensor if there is one input. Gradients of an input that was broadcast are summed by the
    engine, so ops need not care. `self.needs_input_grad[i]` tells which are wanted; the others are ignored.

    When no graph of the gradient is wanted, two things make it cheaper. If `backward` consists of arithmetic that means the
    same on arrays (`arithmetic = True`), it is run on arrays: `g`, `self.inputs` and `self.output` are arrays then. And a
    subclass may define `fused_backward(self, *grad_arrays)`, the same gradient in one kernel, from `self.inputs` as arrays.

    Functions in PyTorch's style (static `forward(ctx, …)` and `backward(ctx, …)`, called by `apply`) work too.
    """

    torch_style = False
    output_nr = 0

    needs_input_grad: tuple[bool, ...] = ()  # for each input: whether its gradient is wanted
    observers: Any = None  # tensor hooks on the output, and the output itself if it retains its gradient
    arithmetic = False  # backward may be run on arrays
    fused_backward: Any = None
    on_arrays = False  # whether it can be

    seq: int
    shape: tuple  # of the output, and so of its gradient
    dtype: np.dtype
    _ports: list  # for each of several outputs: a weak reference to its node

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.on_arrays = cls.arithmetic or cls.fused_backward is not None
        if "forward" in cls.__dict__:
            cls.torch_style = isinstance(cls.__dict__["forward"], staticmethod)
        if cls.torch_style:
            cls.__call__ = _call_apply_instead  # type: ignore[assignment]

    # ---- to be defined ---------------------------------------------------------------------------------------
    def forward(self, *arrays: Any) -> Any:
        raise NotImplementedError(f"{self.name()} must define forward")

    def backward(self, *grads: Any) -> Any:
        raise NotImplementedError(f"{self.name()} has no derivative: it defines no backward")

    # ---- calling ---------------------------------------------------------------------------------------------
    def __call__(self, *inputs: Any) -> Any:
        """Compute, and record the operation if any input requires grad and recording is on."""
        if self.edges:  # called before: what that left for backward must stay
            return self.again()(*inputs)
        arrays: list = []
        edges: list = []
        needed, bit = 0, 1  # needed: one bit for each input
        for x in inputs:
            if isinstance(x, Tensor):
                if x._view is not None and modes.grad:
                    x._view.refresh(x)
                arrays.append(x.array)
                if x._needs_grad:
                    edges.append(x._node or x)
                    needed += bit
                else:
                    edges.append(None)
            else:
                arrays.append(x)
                edges.append(None)
            bit += bit
        try:
            result = self.forward(*arrays)
        except ValueError as error:
            if "could not be broadcast" in str(error):
                raise _do_not_broadcast(self, arrays) from None
            raise
        if result.__class__ is not ndarray:
            self._check_result(result)
        if not needed or not modes.grad:
            return _unrecorded(result)
        self.edges, self.seq = edges, next(_sequence)
        self.needs_input_grad, kept, keeps_output = self._plans.get(needed + bit) or self._plan(needed, len(inputs))
        if kept:
            self._save(inputs, kept)
        if result.__class__ is tuple:
            y: Any = self._several(result)
        else:
            y = Tensor(result, True, self)
            self.shape = result.shape
            self.dtype = dtype = result.dtype
            if dtype.kind != "f":  # comparisons, argmax, …: nothing to differentiate
                y._needs_grad, y._node = False, None
        if keeps_output:
            self._save_output(y)
        if modes.watchers:
            for watch in modes.watchers:
                watch(self)
        return y

    def again(self) -> Function:
        """The same operation with the same settings, not yet called."""
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update({k: v for k, v in self.__dict__.items() if k not in _CALL_STATE and k not in self.notes})
        return twin

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """`Op.apply(x, …)`, PyTorch's spelling: the Tensors, and for PyTorch-style Functions all other arguments too."""
        if cls.torch_style:
            from scratchnet.autograd.torch_style import call

            return call(cls, inputs)
        return cls()(*inputs)

    def _several(self, results: tuple) -> tuple:
        """Several outputs: each gets a node of its own that hands its gradient to this one."""
        outputs = tuple(map(Tensor, results))
        self.fan_out = tuple((y.array.shape, y.array.dtype) for y in outputs)
        self._ports = [None] * len(outputs)
        for i, y in enumerate(outputs):
            if y.array.dtype.kind == "f":
                y._needs_grad, y._node = True, self.port(i)
        return outputs

    def port(self, i: int) -> OutputOf:
        """The node of output `i` of several: one for as long as anybody holds it. (This operation must not: a cycle.)"""
        port = self._ports[i] and self._ports[i]()
        if port is None:
            port = OutputOf(self, i, *self.fan_out[i])  # type: ignore[index]
            self._ports[i] = weakref.ref(port)
        return port

    def _check_result(self, result: Any) -> None:
        """Refuse what is easily returned by mistake. (Arrays of other kinds, and NumPy's scalars, are fine.)"""
        for y in result if isinstance(result, tuple) else (result,):
            if isinstance(y, Tensor) or not hasattr(y, "dtype"):
                raise TypeError(
                    f"{self.name()}.forward must return an array or a tuple of arrays, got {type(y).__name__}. It is given "
                    "arrays, not Tensors; only a static forward(ctx, ...) in PyTorch's style works on Tensors."
                )

    def complete(self, grads: list) -> list:
        """The gradients of several outputs, with zeros for those that nothing was computed from."""
        some = next(g for g in grads if g is not None)
        like, wrap = (some.array, Tensor) if isinstance(some, Tensor) else (some, np.asanyarray)
        return [
            wrap(np.zeros_like(like, meta[1], shape=meta[0])) if g is None and meta is not None else g
            for g, meta in zip(grads, self.fan_out)  # type: ignore[arg-type]
        ]

    # ---- looking at the graph --------------------------------------------------------------------------------
    @property
    def source(self) -> Function:
        """The operation a user means by `grad_fn`: this one."""
        return self

    def name(self) -> str:
        return type(self).__name__

    @property
    def next_functions(self) -> tuple:
        """For each input: (the operation that made it, or the leaf, or None; which of its outputs)."""
        return tuple(
            (None, 0) if e is None else (e, 0) if isinstance(e, Tensor) else (e.source, e.output_nr) for e in self.edges
        )

    def __repr__(self) -> str:
        return f"<{self.name()} at {id(self):#x}>"


def _do_not_broadcast(function: Function, arrays: list) -> RuntimeError:
    """In torch's type: NumPy raises a ValueError."""
    shapes = " and ".join(str(np.shape(a)) for a in arrays)
    return RuntimeError(
        f"{function.name()}: shapes {shapes} do not broadcast: counted from the last, sizes must be equal or one of them 1"
    )


def _call_apply_instead(function: Function, *inputs: Any) -> Any:
    name = type(function).__name__
    raise RuntimeError(f"{name} has a static forward, as in PyTorch: call {name}.apply(...), not {name}()(...)")


def _unrecorded(result: Any) -> Any:
    """Results without history."""
    if result.__class__ is tuple:
        return tuple(map(_unrecorded, result))
    y = Tensor(result)
    if modes.inference:
        y._counter = INFERENCE
    return y


class OutputOf(Function):
    """One output of an operation that has several: hands its gradient to the operation."""

    reads = NOTHING

    def __init__(self, parent: Function, index: int, shape: tuple, dtype: np.dtype) -> None:
        self.parent, self.output_nr, self.shape, self.dtype = parent, index, shape, dtype
        self.seq = next(_sequence)

    @property
    def source(self) -> Function:
        return self.parent

    def gather(self, pending: dict, heap: list, g: Any) -> None:
        """Put `g` where the walk collects the gradients of all outputs, and have the operation's turn come."""
        parent = self.parent
        if parent not in pending:
            pending[parent] = [None] * len(parent.fan_out)  # type: ignore[arg-type]
            heappush(heap, (parent.seq, parent))
        pending[parent][self.output_nr] = g
