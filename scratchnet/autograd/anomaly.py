"""detect_anomaly: which operation made the first NaN, and where it was called."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.mode import Mode, modes
from scratchnet.autograd.tensor import Tensor

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def _remember_call(node: Function) -> None:
    """Note the user's lines that led to the call; ours only if there are none."""
    frames = traceback.walk_stack(sys._getframe(2))
    stack = traceback.StackSummary.extract(frames, limit=50, lookup_lines=False)[::-1]
    node.called_at = [f for f in stack if not f.filename.startswith(_PACKAGE)] or stack


class detect_anomaly(Mode):
    """Find the operation whose gradient is the first to hold NaN or Inf, and the line that called it.

    While it is on, every recorded operation remembers its call, and `backward` checks every gradient: slow, for debugging.

    Parameters
    ----------
    check_nan : bool
        Raise when a gradient holds NaN or Inf; with False, only the calls are remembered.
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(anomaly=check_nan)

    def __enter__(self) -> Mode:
        self._settings["watchers"] = _with_tracing(True)
        return super().__enter__()

    def clone(self) -> Mode:
        return detect_anomaly(self._settings["anomaly"])


class set_detect_anomaly(Mode):
    """As `detect_anomaly`, but acts at once; as a context manager it puts the old state back."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(anomaly=bool(mode and check_nan), watchers=_with_tracing(mode))
        self._outer = {name: getattr(modes, name) for name in self._settings}
        modes.__dict__.update(self._settings)

    def __enter__(self) -> Mode:
        self._before.append(self._outer)
        return self


def _with_tracing(on: bool) -> tuple:
    others = tuple(w for w in modes.watchers if w is not _remember_call)
    return (*others, _remember_call) if on else others


def check_finite(node: Function, grads: Sequence) -> None:
    """Raise if a gradient that `node` computed is not finite. Its incoming gradient was: it would have raised before."""
    for i, g in enumerate(grads):
        if g is None:
            continue
        g = g.array if isinstance(g, Tensor) else g
        if not np.isfinite(g).all():
            what = "nan" if np.isnan(g).any() else "inf"
            raise RuntimeError(
                f"Function '{node.name()}' returned {what} values in its gradient for input {i} "
                f"(shape {g.shape}).\n{_where(node)}"
            )


def _where(node: Function) -> str:
    if node.called_at is None:
        return "It was called outside detect_anomaly, so the line is not known: put the forward pass inside it too."
    calls = "".join(traceback.format_list(node.called_at[-4:]))
    return f"Forward call of {node.name()} (most recent call last):\n{calls}"
