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
from typing import Any

import numpy as np

from scratchnet.autograd.mode import modes
from scratchnet.autograd.tensor import INFERENCE, Tensor

OUT = -1  # in an entry of `reads`: the output
OUTPUT = (OUT,)
INPUTS = "inputs"
NOTHING: tuple = ()

# Decreasing, so that a heap hands out the latest operation first: all consumers of a result come before its producer.
_sequence = itertools.count(0, -1)


class Function:
    """Base class of every differentiable operation, ours and the user's. See the module's docstring.

    A subclass defines `forward(self, *arrays)` and `backward(self, *grads)`; `backward` returns one Tensor or None for
    each input, or a single Tensor if there is one input. Gradients of an input that was broadcast are summed by the
    engine, so ops need not care. `self.needs_input_grad[i]` tells which are wanted; the others are ignored.

    When no graph of the gradient is wanted, two things make it cheaper. If `backward` consists of arithmetic that means the
    same on arrays (`arithmetic = True`), it is run on arrays: `g`, `self.inputs` and `self.output` are arrays then. And a
    subclass may define `fused_backward(self, *grad_arrays)`, the same gradient in one kernel, from `self.inputs` as arrays.

    Functions in PyTorch's style (static `forward(ctx, …)` and `backward(ctx, …)`, called by `apply`) work too.
    """

    reads: Any = None
    notes: tuple[str, ...] = ()
    torch_style = False
    output_nr = 0

    needs_input_grad: list[bool]
    edges: Any = ()  # for each input: the Function that made it, the leaf Tensor itself, or None
    fan_out: tuple | None = None  # for each of several outputs: its shape and dtype
    hooks: dict | None = None  # tensor hooks on the output
    retained: Any = None  # weak reference to an output whose gradient is to be kept
    called_at: Any = None  # the stack of the call, in anomaly mode
    arithmetic = False  # backward may be run on arrays
    fused_backward: Any = None
    plain = False  # backward is being run on arrays: inputs and output are arrays

    seq: int
    shape: tuple
    keeps_output = False
    _plans: dict
    _saved: Any = []  # the inputs that backward reads; a checkpoint's frame if it has them; None when freed
    _stamp = 0
    _output: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._plans = {}
        cls.torch_style = isinstance(cls.__dict__.get("forward", cls.torch_style or None), staticmethod)

    # ---- to be defined ---------------------------------------------------------------------------------------
    def forward(self, *arrays: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def backward(self, *grads: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no derivative: it defines no backward")

    # ---- calling ---------------------------------------------------------------------------------------------
    def __call__(self, *inputs: Any) -> Any:
        """Compute, and record the operation if any input requires grad and recording is on."""
        arrays, needs, edges = [], [], []
        for x in inputs:
            if isinstance(x, Tensor):
                if x._view is not None:
                    x._view.refresh(x)
                arrays.append(x.array)
                if x._needs_grad:
                    needs.append(True)
                    edges.append(x._node or x)
                    continue
            else:
                arrays.append(x)
            needs.append(False)
            edges.append(None)
        result = self.forward(*arrays)
        if True not in needs or not modes.grad:
            return _unrecorded(result)
        self.needs_input_grad, self.edges, self.seq = needs, edges, next(_sequence)
        if self.reads != NOTHING:
            self._save(inputs, needs)
        if result.__class__ is tuple:
            y = self._several(result)
        else:
            y = Tensor(result, True, self)
            self.shape = y.array.shape
            if self.keeps_output:
                self._output = y.array, y._version, y._version[0]
            if y.array.dtype.kind != "f":  # comparisons, argmax, …: nothing to differentiate
                y._needs_grad, y._node = False, None
        if modes.watchers:
            for watch in modes.watchers:
                watch(self)
        return y

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """`Op.apply(x, …)`, PyTorch's spelling: the Tensors, and for PyTorch-style Functions all other arguments too."""
        if cls.torch_style:
            from scratchnet.autograd.torch_style import call

            return call(cls, inputs)
        return cls()(*inputs)

    def _save(self, inputs: tuple, needs: list[bool]) -> None:
        """Remember those of the inputs that backward reads, and the sum of their versions."""
        key = tuple(needs)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(key)
        kept, self.keeps_output = plan
        saved, stamp = [], 0
        for x, keep in zip(inputs, kept):
            if keep:
                saved.append(x)
                if isinstance(x, Tensor):
                    stamp += x._version[0]
            else:
                saved.append(None)
        self._saved, self._stamp = saved, stamp

    @classmethod
    def _plan(cls, needs: tuple[bool, ...]) -> tuple[tuple[bool, ...], bool]:
        """From `reads` and the gradients that are wanted: which inputs are kept, and whether the output is."""
        reads, n = cls.reads, len(needs)
        if reads is None or reads == INPUTS:
            return (True,) * n, reads is None
        if reads and not isinstance(reads[0], tuple):  # OUTPUT, or positions read by every gradient
            reads = (reads,) * n
        wanted: set[int] = set()
        for i, need in enumerate(needs):
            if need and reads:
                wanted.update(reads[i])
        return tuple(i in wanted for i in range(n)), OUT in wanted

    def _several(self, results: tuple) -> tuple:
        """Several outputs: each gets a node of its own that hands its gradient to this one."""
        outputs = tuple(map(Tensor, results))
        self.fan_out = tuple((y.array.shape, y.array.dtype) for y in outputs)
        for i, y in enumerate(outputs):
            if y.array.dtype.kind == "f":
                y._needs_grad, y._node = True, OutputOf(self, i, y.array.shape)
        if self.keeps_output:
            self._output = tuple((y.array, y._version, y._version[0]) for y in outputs)
        return outputs

    # ---- what backward reads ---------------------------------------------------------------------------------
    @property
    def inputs(self) -> list:
        """The inputs as Tensors (scalars as they were given; None for what `reads` does not name), checked for changes."""
        saved = self._saved
        if saved.__class__ is not list:
            saved = self._recompute()
        stamp = 0
        values = []
        for x in saved:
            if isinstance(x, Tensor):
                stamp += x._version[0]
                x = x.array if self.plain else x
            values.append(x)
        if stamp != self._stamp:
            raise RuntimeError(_changed_in_place(self, f"an input (version {stamp}, expected {self._stamp})"))
        return values

    @property
    def output(self) -> Any:
        """The output (or the tuple of outputs) as a Tensor with this operation as its history, checked for changes."""
        if self._saved.__class__ is not list:
            self._recompute()
        if self.fan_out is not None:
            return tuple(self._restore(*kept, OutputOf(self, i, kept[0].shape)) for i, kept in enumerate(self._output))
        return self._restore(*self._output, self)

    def _restore(self, array: Any, version: list[int], expected: int, node: Function) -> Any:
        if version[0] != expected:
            raise RuntimeError(_changed_in_place(self, f"its output (version {version[0]}, expected {expected})"))
        if self.plain:
            return array
        y = Tensor(array, True, node)
        y._version = version
        return y

    def _recompute(self) -> list:
        """The saved values are not here: either a checkpoint makes them again, or they were released."""
        if self._saved is None:
            raise RuntimeError(
                f"{self.name()}: trying to backward through the graph a second time (or to read saved values after they "
                "were freed). Saved intermediate values are freed by backward() or grad(). Give retain_graph=True to the "
                "first call if you need to backward through the graph a second time."
            )
        self._saved.restore(self)
        return self._saved

    def release(self) -> None:
        """Free what was kept, unless nothing was (so that a sum, say, can be walked twice, as in torch)."""
        kept = self._saved
        if not kept and not self.keeps_output and not self.notes:
            return
        if (
            self.keeps_output
            or self.notes
            or kept.__class__ is not list
            or any([isinstance(x, Tensor) for x in kept])
        ):
            self.drop(None)

    def drop(self, instead: Any) -> None:
        """Forget what was kept; `instead` can restore it, or is None if nothing can."""
        self._saved, self._output, self._stamp = instead, None, 0
        for name in self.notes:
            self.__dict__.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        if name in self.notes and self._saved.__class__ is not list:  # only missing attributes come here
            self._recompute()
            return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

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


def _unrecorded(result: Any) -> Any:
    """Results without history."""
    if result.__class__ is tuple:
        return tuple(map(_unrecorded, result))
    y = Tensor(result)
    if modes.inference:
        y._version = INFERENCE
    return y


class OutputOf(Function):
    """One output of an operation that has several: hands its gradient to the operation."""

    reads = NOTHING

    def __init__(self, parent: Function, index: int, shape: tuple) -> None:
        self.parent, self.output_nr, self.shape = parent, index, shape
        self.seq = next(_sequence)

    @property
    def source(self) -> Function:
        return self.parent

    def gather(self, pending: dict, g: Any) -> Function:
        """Put `g` where the walk collects the gradients of all outputs; return the operation."""
        pending.setdefault(self.parent, [None] * len(self.parent.fan_out))[self.output_nr] = g  # type: ignore[arg-type]
        return self.parent


    @staticmethod
    def materialise(parent: Function, grads: list, wrap: bool) -> list:
        """Zeros for the outputs that nothing was computed from."""
        zeros = [np.zeros(shape, dtype) for shape, dtype in parent.fan_out]  # type: ignore[union-attr]
        return [(Tensor(z) if wrap else z) if g is None else g for g, z in zip(grads, zeros)]


def _changed_in_place(function: Function, what: str) -> str:
    where = "" if function.called_at is None else f", called at {function.called_at[-1]}"
    return (
        f"{function.name()}{where}: one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: {what}. Use the out-of-place form, or change a .clone(); autograd.detect_anomaly() names the call."
    )
