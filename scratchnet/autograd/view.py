"""Views and in-place changes, and what they do to the history.

A view shares its base's memory. When either is changed in place, the other's value changes too, so its history must:

    base ──slice──▶ view          view.mul_(w) rewrites history to

    base ─────────────▶ Overwrite ──▶ base (new history) ──slice──▶ view (new history, made when somebody asks)
      └─slice─▶ Mul(w) ───▶┘

A view therefore remembers the operations that lead from its base to it, and replays them on the base's new history when the
shared version counter shows that something has changed.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.hooks import move_retained
from scratchnet.autograd.mode import INFERENCE, Mode, modes
from scratchnet.autograd.tensor import Tensor

_ONE_OF_SEVERAL = "is one of several views that one operation returned"
_UNRECORDED = "was made in no_grad or inference mode"


_A_LEAF = (
    "{} Variable that requires grad is being used in an in-place operation. "
    "Use the out-of-place form, or do it inside no_grad() if it is not part of what is differentiated."
)


class ViewFunction(Function):
    """A Function whose forward returns a view of its one input's memory (or a copy, if `may_copy`)."""

    may_copy = False

    def __call__(self, x: Tensor) -> Any:
        y = super().__call__(x)
        if isinstance(y, tuple):
            for part in y:
                self._share(x, part, _ONE_OF_SEVERAL)
        elif not self.may_copy or not y.array.size or np.may_share_memory(x.array, y.array):
            self._share(x, y, None)
        return y

    def _share(self, x: Tensor, y: Tensor, refusal: str | None) -> None:
        y._counter = x._counter
        if x._counter is INFERENCE:  # never recorded: there is no history to look after
            return
        if refusal is None and not modes.grad:
            refusal = _UNRECORDED
        if x._view is None:
            y._view = View(x, (self,), y._counter, refusal)
        else:
            y._view = View(x._view.base, (*x._view.chain, self), y._counter, x._view.refusal or refusal)


class View:
    """What a view knows: its base, the operations between, and the version its history was made at.

    A `refusal` says why the history of the view cannot be rewritten, if it cannot.
    """

    __slots__ = ("base", "chain", "refusal", "seen")

    def __init__(self, base: Tensor, chain: tuple[ViewFunction, ...], counter: list[int], refusal: str | None) -> None:
        self.base, self.chain, self.refusal = base, chain, refusal
        self.seen = counter[0]

    def refresh(self, view: Tensor) -> None:
        """Give `view` the history that belongs to its present value."""
        if view._counter[0] == self.seen:
            return
        if self.base._needs_grad or view._node is not None:
            if self.refusal is not None:
                raise RuntimeError(
                    f"this tensor {self.refusal}, and its base or another view of its base has been modified inplace since: "
                    "its history is not known any more. Make the view after the change, or change a .clone()."
                )
            with Mode(grad=True):
                give_history(view, self.replay(self.base))
        self.seen = view._counter[0]

    def replay(self, base: Tensor) -> Tensor:
        for function in self.chain:
            base = function.again()(base)
        return base


class Region:
    """Where the elements of a view lie in its base: the operations that lead there, and the order of the base's axes in memory.

    The order matters: a transposed base may be seen as a vector where a row-major array of its shape would have to be copied.
    """

    def __init__(self, view: View) -> None:
        self.chain = tuple(function.again() for function in view.chain)  # without the edges of the calls
        strides = view.base.array.strides
        self.order = sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]))

    def of(self, x: Any) -> Any:
        """The region of a Tensor, as a Tensor with history; or of an array."""
        for function in self.chain:
            x = function.again()(x) if isinstance(x, Tensor) else function.again().forward(x)
        return x

    def erased(self, x: Any) -> Any:
        """A copy of an array, with zeros in the region."""
        copy = np.empty_like(x, shape=[x.shape[axis] for axis in self.order]).transpose(np.argsort(self.order))
        copy[...] = x
        self.of(copy)[...] = 0
        return copy


class Erase(Function):
    """y = x with zeros in a region.  dL/dx = g with zeros there"""

    reads = NOTHING

    def __init__(self, region: Region) -> None:
        self.region = region

    def forward(self, x: Any) -> Any:
        return self.region.erased(x)

    def backward(self, g: Tensor) -> Tensor:
        return Erase(self.region)(g)


class Overwrite(Function):
    """y = base with `value` in a region.  dL/dbase = g with zeros in the region,  dL/dvalue = the region of g"""

    reads = NOTHING
    notes = ("region",)

    def __init__(self, region: Region) -> None:
        self.region = region

    def forward(self, base: Any, value: Any) -> Any:  # the memory has been written already
        return base

    def backward(self, g: Tensor) -> tuple:
        need_base, need_value = self.needs_input_grad
        return Erase(self.region)(g) if need_base else None, self.region.of(g) if need_value else None


# ---- in-place operations ----------------------------------------------------------------------------------------------
def check_writable(x: Tensor) -> None:
    """Refuse what would make the history wrong: changing a leaf whose gradient is wanted."""
    if x._counter is INFERENCE and not modes.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed. "
            "You can make a clone to get a normal tensor before doing inplace update."
        )
    if not modes.grad:
        return
    view, requires_grad = x._view, x.requires_grad
    if view is not None and (requires_grad or view.base._needs_grad):
        _refuse_if(view.refusal)
        if view.base._node is None and (not requires_grad or x._node is not None):
            raise RuntimeError(_A_LEAF.format("a view of a leaf"))
    if requires_grad and x._node is None:
        raise RuntimeError(_A_LEAF.format("a leaf"))


def check_memory(x: Tensor) -> None:
    """Refuse to write where one number in memory stands for several elements."""
    if not x.array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location "
            "(it was expanded), or the memory is read-only. Clone the tensor before the in-place operation."
        )


def write(x: Tensor, value: Tensor) -> Tensor:
    """Give `x` the value and the history of `value`, which was computed from it: the end of every in-place operation."""
    dtype = x.array.dtype
    if value.array.shape != x.array.shape:
        raise RuntimeError(
            f"output with shape {list(x.array.shape)} doesn't match the broadcast shape {list(value.array.shape)}"
        )
    kind = value.array.dtype.kind
    if kind != dtype.kind and (kind == "f" or dtype.kind == "b"):
        raise RuntimeError(f"result type {value.array.dtype} can't be cast to the desired output type {dtype}")
    record = modes.grad and (x.requires_grad or value.requires_grad)
    if record and x._view is not None:
        _refuse_if(x._view.refusal)
    check_memory(x)
    x.array[...] = value.array
    x._counter[0] += 1
    if record:
        rewrite_history(x, value if value.array.dtype == dtype else value.to(dtype))
    return x


def rewrite_history(x: Tensor, value: Tensor) -> None:
    """Let `x`, which holds the numbers of `value` already, have its history; if it is a view, within its base."""
    if x._view is None:
        give_history(x, value)
    else:
        base = x._view.base
        give_history(base, Overwrite(Region(x._view))(base, value))
        if x._node is not None and x._node.observers is not None:  # otherwise its history can wait until somebody asks
            x._view.refresh(x)


def give_history(x: Tensor, source: Tensor) -> None:
    """Let what made `source` have made `x`."""
    if x._node is not None:
        move_retained(x, x._node, source._node)
    x._node, x._needs_grad = source._node, source._needs_grad


def in_place(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place form of an operation: `exp_ = in_place(exp)`."""
    name = op.__name__.rstrip("_") + "_"

    @functools.wraps(op)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self)
        # Computed from an alias: what the operation saves must not be the tensor that takes its result (a cycle).
        before = self._alias()
        value = op(before, *args, **kwargs)
        alias = weakref.ref(before)
        del before
        saved = alias()
        if saved is not None:  # the gradient reads the old value, which is about to be lost
            saved._become_copy()
        return write(self, value)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of `{op.__name__}`: the tensor takes the result and its history."
    return method


def _refuse_if(refusal: str | None) -> None:
    if refusal is not None:
        raise RuntimeError(
            f"this tensor {refusal}, and is being modified inplace where that would have to be recorded. "
            "Clone it first, or use the out-of-place operation."
        )
