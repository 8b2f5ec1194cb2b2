"""Tensors as text, as torch prints them: columns of equal width, the middle of large tensors left out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.promotion import get_default_dtype

__all__ = ["set_printoptions", "get_printoptions", "printoptions"]


@dataclass
class PrintOptions:
    """How tensors are printed.

    Attributes
    ----------
    precision : int
        Digits after the point.
    threshold : int
        Tensors of more elements are summarised.
    edgeitems : int
        How many items are shown at each end of a summarised dimension.
    linewidth : int
        Characters in a line.
    sci_mode : bool or None
        Print 1.0000e+00 rather than 1.0000; None: where the numbers differ much in size.
    """

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_options = PrintOptions()
_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Change how tensors are printed. Options that are None stay as they are, but for `sci_mode`: None means
    automatic.

    `profile` is one of "default", "short" and "full" (nothing is left out); the others apply on top of it.
    """
    global _options
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes = {name: value for name, value in given.items() if value is not None}
    _options = replace(_PROFILES[profile] if profile else _options, **changes, sci_mode=sci_mode)  # type: ignore[arg-type]


def get_printoptions() -> dict[str, Any]:
    """The options of `set_printoptions` as they are now."""
    return asdict(_options)


@contextlib.contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """`set_printoptions(**kwargs)` inside a `with` block."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


class _Format:
    """One format for all numbers of an array: whole numbers, fixed point or scientific, right-aligned."""

    def __init__(self, array: np.ndarray) -> None:
        self.floating = array.dtype.kind == "f"
        self.whole, self.scientific, self.width = True, False, 1
        if not self.floating:
            self.width = max((len(str(v)) for v in array.reshape(-1).tolist()), default=1)
            return
        numbers = array[np.isfinite(array) & (array != 0)]
        if not numbers.size:
            return
        values = numbers.astype(np.float64)
        low, high = np.abs(values).min(), np.abs(values).max()
        self.whole = bool((values == np.ceil(values)).all())
        automatic = bool(high > 1000 * low or high > 1e8 or low < 1e-4)
        self.scientific = automatic if _options.sci_mode is None else _options.sci_mode
        self.width = max(len(self.text(v)) for v in values.tolist())

    def text(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{_options.precision}e}"
        if self.whole:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{_options.precision}f}"

    def aligned(self, value: Any) -> str:
        return self.text(value).rjust(self.width)


def _vector(array: np.ndarray, indent: int, summarize: bool, form: _Format) -> str:
    edge = _options.edgeitems
    if summarize and not edge:
        items = ["..."]
    elif summarize and len(array) > 2 * edge:
        items = [form.aligned(v) for v in array[:edge].tolist()] + [" ..."]
        items += [form.aligned(v) for v in array[-edge:].tolist()]
    else:
        items = [form.aligned(v) for v in array.tolist()]
    per_line = max(1, (_options.linewidth - indent) // (form.width + 2))
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested(array: np.ndarray, indent: int, summarize: bool, form: _Format) -> str:
    if array.ndim == 0:
        return form.aligned(array.item())
    if array.ndim == 1:
        return _vector(array, indent, summarize, form)
    n, edge = len(array), _options.edgeitems
    if summarize and n > 2 * edge:
        shown = [*range(edge), None, *range(n - edge, n)]
    else:
        shown = [*range(n)]
    parts = ["..." if i is None else _nested(array[i], indent + 1, summarize, form) for i in shown]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _shown_part(array: np.ndarray) -> np.ndarray:
    """What a summary shows: the edges of every dimension."""
    edge = _options.edgeitems
    for d, n in enumerate(array.shape):
        if n > 2 * edge:
            array = np.concatenate([array.take(range(edge), d), array.take(range(n - edge, n), d)], d)
    return array


def _suffixes(x: Tensor) -> list[str]:
    """What follows the numbers: shape, device, dtype and history, each only where it is not obvious."""
    array, suffixes = x.array, []
    if not x.is_cpu:
        suffixes.append(f"device='{x.device}'")
    obvious: tuple = (get_default_dtype(),)
    if array.size:
        obvious += (np.int64, np.bool_)
    if array.ndim != 1 if not array.size else not _options.edgeitems:
        suffixes.append(f"size={array.shape}")
    if array.dtype not in obvious:
        suffixes.append(f"dtype=scratchnet.{array.dtype.name}")
    if x.grad_fn is not None:
        suffixes.append(f"grad_fn=<{x.grad_fn.name()}>")
    elif x.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


@method("__repr__", "__str__")
def text_of(self: Tensor) -> str:
    """`tensor([[1., 2.]], grad_fn=<Add>)`"""
    plain = self.__class__ is Tensor or self.__class__.__name__ == "Parameter"  # which says so itself
    prefix = "tensor(" if plain else f"{self.__class__.__name__}("
    array, indent = self.detach().array, len(prefix)
    text = prefix + "[]"
    if array.size:
        summarize = array.size > _options.threshold
        form = _Format(_shown_part(array) if summarize else array)
        text = prefix + _nested(array, indent, summarize, form)
    line = len(text) - text.rfind("\n") + 1
    for suffix in _suffixes(self):
        if line + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            line = indent + len(suffix)
        else:
            text += ", " + suffix
            line += len(suffix) + 2
    return text + ")"
