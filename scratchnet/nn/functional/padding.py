"""Padding: making a tensor larger at its edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor


class ConstantPad(Function):
    """y = x in the middle of a constant.  dL/dx = the middle of g

    `widths` has (before, after) for each dimension; negative widths cut off.
    """

    reads = NOTHING

    def __init__(self, widths: tuple[tuple[int, int], ...], value: float) -> None:
        self.widths, self.value = widths, value

    def forward(self, x: Any) -> Any:
        shape = tuple(n + a + b for n, (a, b) in zip(x.shape, self.widths))
        y = np.full_like(x, self.value, shape=shape)
        inside = tuple(slice(max(a, 0), n - max(b, 0)) for n, (a, b) in zip(shape, self.widths))
        kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, self.widths))
        y[inside] = x[kept]
        return y

    def backward(self, g: Tensor) -> Tensor:
        return ConstantPad(tuple((-a, -b) for a, b in self.widths), 0)(g)


# Which element of a dimension of size n stands where: widths may be negative.
def _reflected(n: int, before: int, after: int) -> Any:
    i = np.abs(np.arange(-before, n + after))  # … 2 1 | 0 1 2 … n−1 | n−2 n−3 …
    return np.where(i >= n, 2 * (n - 1) - i, i)


def _repeated(n: int, before: int, after: int) -> Any:
    return np.clip(np.arange(-before, n + after), 0, n - 1)


def _wrapped(n: int, before: int, after: int) -> Any:
    ring = np.arange(n)[max(-before, 0) : n - max(-after, 0)]  # what is cut off is not copied
    return ring.take(np.arange(-max(before, 0), len(ring) + max(after, 0)), mode="wrap")


_SOURCES = {"reflect": _reflected, "replicate": _repeated, "circular": _wrapped}


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Add rows, columns, … at the edges, from the last dimension backwards.

    Parameters
    ----------
    input : Tensor
    pad : sequence of ints
        (before, after) of the last dimension, then of the last but one, …; negative numbers cut off.
    mode : str
        "constant": `value`; "reflect": mirrored at the edge, which is not repeated; "replicate": the edge
        again and again; "circular": from the other end. The last three pad the last 1, 2 or 3 dimensions of
        an input that has 1 or 2 more.
    value : float, optional
        For "constant"; 0 by default.

    Raises
    ------
    RuntimeError, NotImplementedError
        For widths that the input's shape does not allow, a value that is not used, an unknown mode.
    """
    x, shape = check_tensor(input, "pad"), input.array.shape
    widths = [int(p) for p in pad]
    if len(widths) % 2:
        raise RuntimeError(f"pad: Padding length must be divisible by 2, got {len(widths)} widths: {tuple(pad)}")
    if len(widths) // 2 > len(shape):
        raise RuntimeError(
            "pad: Padding length should be less than or equal to two times the input dimension, got "
            f"{len(widths)} widths for an input of {len(shape)} dimensions"
        )
    pairs = list(zip(widths[::2], widths[1::2]))
    for d, (a, b) in enumerate(pairs, 1):
        if shape[-d] + a + b < 0:
            raise RuntimeError(
                f"pad: dimension {len(shape) - d} of size {shape[-d]} with widths {(a, b)} becomes negative"
            )
    if mode == "constant":
        return ConstantPad(((0, 0),) * (len(shape) - len(pairs)) + tuple(pairs[::-1]), value or 0)(x)
    if mode not in _SOURCES:
        raise NotImplementedError(f"pad: Unrecognised padding mode {mode!r}; expected constant, {', '.join(_SOURCES)}")
    if value is not None and value != 0:
        raise RuntimeError(f'pad: Padding mode "{mode}" doesn\'t take in value argument')
    if not 1 <= len(pairs) <= 3 or len(shape) - len(pairs) not in (1, 2):
        raise NotImplementedError(
            f"pad: mode {mode!r} pads the last 1, 2 or 3 dimensions of an input with 1 or 2 more, got "
            f"{len(pairs)} pairs of widths and input of shape {shape}"
        )
    for d, (a, b) in enumerate(pairs, 1):
        x = _pad_from_itself(x, len(shape) - d, a, b, mode)
    return x


def _pad_from_itself(x: Tensor, dim: int, before: int, after: int, mode: str) -> Tensor:
    n = x.array.shape[dim]
    largest = {"reflect": n - 1, "circular": n}.get(mode)
    if largest is not None and max(before, after) > largest:
        raise RuntimeError(
            f"pad: mode {mode!r} allows widths of at most {largest} for dimension {dim} of size {n}, got "
            f"{(before, after)}"
        )
    if n == 0:
        raise RuntimeError(
            f"pad: mode {mode!r} needs values to copy, but dimension {dim} is empty in shape {x.array.shape}"
        )
    if before == after == 0:
        return x
    return x.index_select(dim, Tensor(_SOURCES[mode](n, before, after)))
