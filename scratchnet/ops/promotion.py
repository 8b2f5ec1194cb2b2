"""Which dtype a result has: torch's rules.

Operands fall into categories, bool < integer < float. The result belongs to the highest category present. Within it, tensors with
dimensions decide; a 0-dimensional tensor only counts if no tensor with dimensions is in that category, and a Python scalar only
if no tensor is. A Python float among integer tensors gives the default dtype. (NumPy's rules differ: int64 with float32 gives
float64 there, float32 here.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor

_CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}
_default = np.dtype(np.float32)


def get_default_dtype() -> np.dtype:
    """The dtype of floats that nothing else decides: float32 unless `set_default_dtype` was called."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Make another floating-point dtype the default."""
    global _default
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"only floating-point types are supported as the default type, got {np.dtype(dtype)}")
    _default = np.dtype(dtype)


def result_type(*operands: Any) -> np.dtype:
    """The dtype that an operation on these Tensors and Python scalars computes in."""
    found: list[tuple[int, int, np.dtype]] = []  # (category, priority within it, dtype)
    for x in operands:
        if isinstance(x, Tensor):
            dtype, priority = x.array.dtype, 2 if x.array.ndim else 1
        elif isinstance(x, bool | np.bool_):
            dtype, priority = np.dtype(bool), 0
        elif isinstance(x, int | np.integer):
            dtype, priority = np.dtype(np.int64), 0
        elif isinstance(x, float | np.floating):
            dtype, priority = _default, 0
        else:
            raise TypeError(f"expected a Tensor or a number, got {type(x).__name__}")
        found.append((_CATEGORY[dtype.kind], priority, dtype))
    category, priority = max((c, p) for c, p, _ in found)
    return np.result_type(*[d for c, p, d in found if (c, p) == (category, priority)])


class Cast(Function):
    """y = x in another dtype.  dL/dx = g in x's dtype."""

    reads = NOTHING

    def __init__(self, dtype: np.dtype) -> None:
        self.target = dtype

    def forward(self, x: Any) -> Any:
        self.source_dtype = x.dtype
        return x.astype(self.target)

    def backward(self, g: Tensor) -> Tensor:
        return cast(g, self.source_dtype)


def cast(x: Tensor, dtype: np.dtype) -> Tensor:
    """`x` itself if it has the dtype, else a converted copy."""
    return x if x.array.dtype == dtype else Cast(dtype)(x)


def as_operand(x: Any, function: str = "operation") -> Any:
    """A Tensor or Python number, from what users hand to an operation: those, NumPy arrays and scalars."""
    if isinstance(x, Tensor | bool | int | float):
        return x
    if isinstance(x, np.ndarray):
        return Tensor(x)
    if isinstance(x, np.generic):
        return x.item()
    raise TypeError(f"{function}: expected a Tensor or a number, got {type(x).__name__}")


def settled(a: Tensor, b: Any) -> bool:
    """Whether promotion has nothing to do, as mostly: floats of one dtype, or floats and a Python number."""
    dtype = a.array.dtype
    return dtype.kind == "f" and (
        b.array.dtype is dtype if isinstance(b, Tensor) else type(b) is float or type(b) is int
    )


def promote(*operands: Any, function: str = "operation", floating: bool = False) -> list[Any]:
    """Operands in their common dtype: Tensors are cast, Python scalars stay (they are weak).

    With `floating`, integers and bools become the default dtype, as true division and `exp` want.
    """
    if len(operands) == 2 and isinstance(operands[0], Tensor) and settled(*operands):
        return list(operands)
    operands = tuple([as_operand(x, function) for x in operands])
    dtype = result_type(*operands)
    if floating and dtype.kind != "f":
        dtype = _default
    tensors = [x if not isinstance(x, Tensor) or x.array.dtype == dtype else Cast(dtype)(x) for x in operands]
    if not any(isinstance(x, Tensor) for x in tensors):
        tensors[0] = Tensor(np.array(tensors[0], dtype))
    return [x if isinstance(x, Tensor) else _weak(x, dtype) for x in tensors]


def _weak(x: Any, dtype: np.dtype) -> Any:
    """A Python scalar that NumPy combines with arrays of this dtype without changing it. Integers wrap around, as in C."""
    if dtype.kind == "f":
        return float(x)
    if dtype.kind == "b":
        return bool(x)
    bits = 8 * dtype.itemsize
    wrapped = int(x) & ((1 << bits) - 1)
    return wrapped - (1 << bits) if dtype.kind == "i" and wrapped >> (bits - 1) else wrapped
