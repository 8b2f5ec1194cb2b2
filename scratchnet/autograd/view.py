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
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.mode import Mode, modes
from scratchnet.autograd.tensor import Tensor

# What a call leaves in a Function, beside its settings.
_CALL_STATE = frozenset(
    "seq edges _saved _stamp shape _output fan_out observers called_at".split()
)


class ViewFunction(Function):
    """A Function whose forward returns a view of its one input's memory (or a copy, if `may_copy`)."""

    may_copy = False
    _refusal: str | None = None  # why results must not be changed in place, if they must not

    def __call__(self, x: Tensor) -> Any:
        y = super().__call__(x)
        if isinstance(y, tuple):
            for part in y:
                self._share(x, part, "is one of several views that one operation returned")
        elif not self.may_copy or np.may_share_memory(x.array, y.array):
            self._share(x, y, None)
        return y

    def _share(self, x: Tensor, y: Tensor, refusal: str | None) -> None:
        y._counter = x._counter
        if refusal is None and not modes.grad:
            refusal = "was created in no_grad mode"
        if x._view is None:
            y._view = View(x, (self,), y._counter, refusal)
        else:
            y._view = View(x._view.base, (*x._view.chain, self), y._counter, x._view.refusal or refusal)

    def again(self) -> ViewFunction:
        """The same operation, not yet called."""
        twin = self.__class__.__new__(self.__class__)
        twin.__dict__.update({k: v for k, v in self.__dict__.items() if k not in _CALL_STATE})
        return twin


class View:
    """What a view knows: its base, the operations between, and the version its history was made at."""

    __slots__ = ("base", "chain", "refusal", "seen")

    def __init__(self, base: Tensor, chain: tuple[ViewFunction, ...], version: list[int], refusal: str | None) -> None:
        self.base, self.chain, self.refusal = base, chain, refusal
        self.seen = 0 if modes.inference else version[0]

    def refresh(self, view: Tensor) -> None:
        """Give `view` the history that belongs to its present value."""
        if modes.inference or view._counter[0] == self.seen:
            return
        self.seen = view._counter[0]
        if self.refusal is None and self.base._needs_grad and self.base._node is not None:
            with Mode(grad=True):
                twin = self.replay(self.base)
            view._node, view._needs_grad = twin._node, twin._needs_grad

    def replay(self, base: Tensor) -> Tensor:
        for function in self.chain:
            base = function.again()(base)
        return base


class Overwrite(Function):
    """y = base, where the region that `view` shows has been replaced by `value`.

    dL/dbase = g with zeros in the region,  dL/dvalue = the region of g.
    """

    reads = NOTHING

    def __init__(self, view: View) -> None:
        self.view = view

    def forward(self, base: Any, value: Any) -> Any:  # the memory has been written already
        return base

    def backward(self, g: Tensor) -> tuple[Tensor, Tensor]:
        rest = g.clone()
        region = self.view.replay(rest)
        g_value = region.clone()
        region.zero_()
        return rest, g_value


def check_writable(x: Tensor) -> None:
    """Refuse what would make the history wrong: changing a leaf whose gradient is wanted."""
    if not modes.grad:
        return
    if x.requires_grad:
        if x._node is None:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if x._view is not None and x._view.base._node is None and x._view.base._needs_grad:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
        if x._view is not None and x._view.refusal is not None:
            raise RuntimeError(_refused(x._view))


def check_memory(x: Tensor) -> None:
    """Refuse to write where one number in memory stands for several elements."""
    if not x.array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location "
            "(it was expanded), or the memory is read-only. Clone the tensor before the in-place operation."
        )


def write(x: Tensor, value: Tensor) -> Tensor:
    """Give `x` the value and the history of `value`, which was computed from it: the end of every in-place operation."""
    if value.array.shape != x.array.shape:
        raise RuntimeError(
            f"output with shape {list(x.array.shape)} doesn't match the broadcast shape {list(value.array.shape)}"
        )
    if "biuf".index(value.array.dtype.kind) > "biuf".index(x.array.dtype.kind):
        raise RuntimeError(f"result type {value.array.dtype} can't be cast to the desired output type {x.array.dtype}")
    record = modes.grad and (x.requires_grad or value.requires_grad)
    if record and x._view is not None and x._view.refusal is not None:
        raise RuntimeError(_refused(x._view))
    check_memory(x)
    x.array[...] = value.array
    if not record:
        x._counter[0] += 1
        return x
    if value.array.dtype != x.array.dtype:
        value = value.to(x.array.dtype)
    if x._view is None:
        x._counter[0] += 1
        x._node, x._needs_grad = value._node, value._needs_grad
    else:
        base = x._view.base
        rewritten = Overwrite(x._view)(base, value)
        x._counter[0] += 1
        base._node, base._needs_grad = rewritten._node, True
    return x


def in_place(op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place form of an operation: `exp_ = in_place(exp)`."""
    name = op.__name__.rstrip("_") + "_"

    @functools.wraps(op)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self)
        # computed from an alias: what the operation saves must not be the tensor that takes its result (a cycle)
        return write(self, op(self._alias(), *args, **kwargs))

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of `{op.__name__}`: the tensor takes the result and its history."
    return method


def _refused(view: View) -> str:
    return (
        f"this tensor {view.refusal}, and is being changed in place where that would have to be recorded. "
        "Clone it first, or use the out-of-place operation."
    )
