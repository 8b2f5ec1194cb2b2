"""Padding layers: signals, images and volumes made larger at their edges, or smaller."""

from __future__ import annotations

from typing import Any, ClassVar

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.module import Module


class _Pad(Module):
    """Padding of the last `dims` dimensions; `ConstantPad2d` has the documentation."""

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self.dims) if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _CircularPad(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ValueError(
                f"{type(self).__name__}: expected {self.dims + 1}D or {self.dims + 2}D input, got shape {tuple(input.shape)}"
            )
        return super().forward(input)


class ConstantPad1d(_ConstantPad):
    """Numbers equal to `value` before and after a signal, see `ConstantPad2d`.

    Input [N, C, L] or [C, L]; `padding` holds the widths before and after each dimension, the last one first.
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """Rows and columns of `value` around an image, see `functional.pad`.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Of one dimension less or more in the 1d and 3d layers; negative numbers cut off.
    value : float

    Shapes: [..., H, W] to [..., H + top + bottom, W + left + right]
    """

    dims = 2


class ConstantPad3d(_ConstantPad):
    """Planes of `value` around a volume, see `ConstantPad2d`.

    Input [N, C, D, H, W] or [C, D, H, W]; `padding` holds the widths before and after each dimension, the last one first.
    """

    dims = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Zeros before and after a signal, see `ConstantPad2d`.

    Input [N, C, L] or [C, L]; `padding` holds the widths before and after each dimension, the last one first.
    """


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """Zeros around an image, see `ConstantPad2d`.

    Input [N, C, H, W] or [C, H, W]; `padding` holds the widths before and after each dimension, the last one first.
    """


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """Zeros around a volume, see `ConstantPad2d`.

    Input [N, C, D, H, W] or [C, D, H, W]; `padding` holds the widths before and after each dimension, the last one first.
    """


class ReflectionPad1d(_Pad):
    """A signal [N, C, L] or [C, L], mirrored at its ends: 3 2 1 | 0 1 2 3 | 2 1 0. Widths must be less than L."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """An image [N, C, H, W] or [C, H, W], mirrored at its edges, see `ReflectionPad1d`."""

    dims, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """A volume [N, C, D, H, W] or [C, D, H, W], mirrored at its faces, see `ReflectionPad1d`."""

    dims, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """A signal [N, C, L] or [C, L], whose first and last numbers are repeated: 0 0 | 0 1 2 3 | 3 3."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """An image [N, C, H, W] or [C, H, W], whose edge is repeated, see `ReplicationPad1d`."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """A volume [N, C, D, H, W] or [C, D, H, W], whose faces are repeated, see `ReplicationPad1d`."""

    dims, mode = 3, "replicate"


class CircularPad1d(_CircularPad):
    """A signal [N, C, L] or [C, L], which begins again at its end: 2 3 | 0 1 2 3 | 0 1. Widths are L at most."""

    dims = 1


class CircularPad2d(_CircularPad):
    """An image [N, C, H, W] or [C, H, W], repeated beyond its edges, see `CircularPad1d`."""

    dims = 2


class CircularPad3d(_CircularPad):
    """A volume [N, C, D, H, W] or [C, D, H, W], repeated beyond its faces, see `CircularPad1d`."""

    dims = 3
