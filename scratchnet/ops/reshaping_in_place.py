"""`x.unsqueeze_(0)` and the like: a tensor that takes another shape over the same memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchnet.autograd.mode import modes
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import View, check_writable, give_history
from scratchnet.ops.permuting import t, transpose
from scratchnet.ops.shape import squeeze, unsqueeze

__all__: list[str] = []


def _in_place(view: Callable[..., Tensor], *other_names: str) -> None:
    """The tensor becomes the view of what it was: a later change in place finds its way to the base."""

    def become(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self)
        recorded, before = modes.grad and self.requires_grad, self._view
        y = view(self._alias(), *args, **kwargs)
        self.array = y.array
        if recorded:
            give_history(self, y)
        step = y._view
        if before is not None and step is not None:
            self._view = View(before.base, (*before.chain, *step.chain), self._counter, before.refusal or step.refusal)
        elif recorded:  # without a history, nobody need know that it was something else
            self._view = step
        return self

    become.__name__ = become.__qualname__ = f"{view.__name__}_"
    become.__doc__ = f"In-place form of `{view.__name__}`: the same memory and history, in another shape."
    method(become.__name__, *other_names)(become)


for _view in (squeeze, unsqueeze, t):
    _in_place(_view)
_in_place(transpose, "swapaxes_", "swapdims_")
