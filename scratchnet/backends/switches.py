"""`torch.set_num_threads`, `torch.compile` and the like, and the limits of dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.kernels import get_num_threads, set_num_threads
from scratchnet.ops.promotion import get_default_dtype

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "finfo", "get_num_threads", "iinfo", "set_num_threads",
    "use_deterministic_algorithms",
]  # fmt: skip

_deterministic = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remember the wish: all algorithms here are deterministic, with or without it."""
    global _deterministic
    _deterministic = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was told last."""
    return _deterministic


def compile(model: Callable | None = None, **options: Any) -> Any:
    """The module or function itself: hot loops are compiled when they first run. `@compile(...)` decorates.

    Any of torch's options (`fullgraph`, `dynamic`, `backend`, `mode`, `options`, `disable`) is accepted.
    """
    unknown = options.keys() - {"fullgraph", "dynamic", "backend", "mode", "options", "disable"}
    if unknown:
        raise TypeError(f"compile() got an unexpected keyword argument {min(unknown)!r}")
    return (lambda f: f) if model is None else model


class finfo:
    """Limits of a floating-point dtype, by default of the default one, as Python numbers.

    Attributes
    ----------
    bits : int
    max, min : float
        Largest and smallest (most negative) finite number.
    eps : float
        Distance from 1 to the next larger number.
    tiny, smallest_normal : float
        Smallest positive number of full precision.
    resolution : float
        10 to the power of minus the decimal digits that are sure.
    dtype : str
    """

    def __init__(self, type: Any = None) -> None:
        dtype = get_default_dtype() if type is None else np.dtype(type)
        if dtype.kind != "f":
            raise TypeError("finfo() requires a floating point input type. Use iinfo to handle integers")
        limits = np.finfo(dtype)
        self.bits, self.dtype = limits.bits, dtype.name
        self.max, self.min, self.eps = float(limits.max), float(limits.min), float(limits.eps)
        self.tiny = self.smallest_normal = float(limits.smallest_normal)
        self.resolution = float(str(limits.resolution))

    def __repr__(self) -> str:
        names = "resolution", "min", "max", "eps", "smallest_normal", "tiny"
        return f"finfo({', '.join(f'{n}={getattr(self, n):g}' for n in names)}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer dtype: `bits`, `max`, `min` and the name `dtype`."""

    def __init__(self, type: Any) -> None:
        dtype = np.dtype(type)
        if dtype.kind not in "iu":
            raise TypeError("iinfo() requires an integer input type. Use finfo to handle floating point")
        limits = np.iinfo(dtype)
        self.bits, self.max, self.min, self.dtype = limits.bits, int(limits.max), int(limits.min), dtype.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
