"""Padding: making a tensor larger at its edges."""

from __future__ import annotations

from typing import Any

from scratchnet import kernels
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor

Widths = tuple[tuple[int, int], ...]  # (before, after) of each of the last dimensions


class Pad(Function):
    """y[…, i, j] = x[…, s(i), s(j)], or a constant where the source s lies outside.  dL/dx = `PadBackward`"""

    reads = NOTHING

    def __init__(self, widths: Widths, mode: str, value: Any = 0) -> None:
        self.widths, self.mode, self.value = widths, mode, value

    def forward(self, x: Any) -> Any:
        self.sizes = x.shape[x.ndim - len(self.widths) :]
        return kernels.pad(x, self.widths, self.mode, self.value)

    def backward(self, g: Tensor) -> Tensor:
        return PadBackward(self.sizes, self.widths, self.mode)(g)


class PadBackward(Function):
    """The adjoint of `Pad`, and so its gradient is: every element is added onto its source."""

    reads = NOTHING

    def __init__(self, sizes: tuple[int, ...], widths: Widths, mode: str) -> None:
        self.sizes, self.widths, self.mode = sizes, widths, mode

    def forward(self, g: Any) -> Any:
        return kernels.pad_backward(g, self.sizes, self.widths, self.mode)

    def backward(self, h: Tensor) -> Tensor:
        return Pad(self.widths, self.mode)(h)


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

    Returns
    -------
    [..., H + before + after, W + before + after], with two pairs of widths

    Raises
    ------
    RuntimeError, NotImplementedError
        For widths that the input's shape does not allow, a value that is not used, an unknown mode.
    TypeError
        For widths that are no ints.
    """
    x, shape = check_tensor(input, "pad"), input.array.shape
    if not all(hasattr(p, "__index__") for p in pad):
        raise TypeError(f"pad(): argument 'pad' must be tuple of ints, not {pad!r}")
    numbers = [int(p) for p in pad]
    if len(numbers) % 2:
        raise RuntimeError(f"pad: Padding length must be divisible by 2, got {len(numbers)} widths: {tuple(pad)}")
    if len(numbers) // 2 > len(shape):
        raise RuntimeError(
            "pad: Padding length should be less than or equal to two times the input dimension, got "
            f"{len(numbers)} widths for an input of {len(shape)} dimensions"
        )
    widths = tuple(zip(numbers[::2], numbers[1::2]))[::-1]
    for dim, (a, b) in enumerate(widths, len(shape) - len(widths)):
        if shape[dim] + a + b < 0:
            raise RuntimeError(f"pad: dimension {dim} of size {shape[dim]} with widths {(a, b)} becomes negative")
    if mode == "constant":
        return Pad(widths, mode, value or 0)(x)
    _check_mode(shape, widths, mode, value)
    return Pad(widths, mode)(x)


def _check_mode(shape: tuple[int, ...], widths: Widths, mode: str, value: float | None) -> None:
    """What the modes that copy from the input demand of it."""
    if mode not in kernels.padding.MODES:
        known = ", ".join(kernels.padding.MODES)
        raise NotImplementedError(f"pad: Unrecognised padding mode {mode!r}; expected one of {known}")
    if value is not None and value != 0:
        raise RuntimeError(f'pad: Padding mode "{mode}" doesn\'t take in value argument, got {value}')
    if not 1 <= len(widths) <= 3 or len(shape) - len(widths) not in (1, 2):
        raise NotImplementedError(
            f"pad: mode {mode!r} pads the last 1, 2 or 3 dimensions of an input with 1 or 2 more, got "
            f"{len(widths)} pairs of widths and input of shape {shape}"
        )
    for dim, pair in enumerate(widths, len(shape) - len(widths)):
        n = shape[dim]
        largest = {"reflect": n - 1, "circular": n}.get(mode)
        if largest is not None and max(pair) > largest:
            raise RuntimeError(
                f"pad: mode {mode!r} allows widths of at most {largest} for dimension {dim} of size {n}, got {pair}"
            )
        if n == 0 or (n + sum(pair) < 1 and mode != "circular"):
            raise RuntimeError(f"pad: mode {mode!r} cannot make dimension {dim} of size {n} with widths {pair}: it is empty")
