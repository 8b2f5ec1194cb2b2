"""Numbers as a device has them: the types that Numba gives to integers, casts that wrap, `math` in single precision.

Numba computes with integers of less than 64 bits in 64: unsigned with unsigned is uint64, anything else int64,
and a shift has the type of its left side. Python's unbounded int stands for int64. Floating-point numbers are
NumPy scalars, which round in their own type; what Python would raise on (1/0, log 0) is inf or nan.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

WORD = 1 << 64


def signed(value: int) -> int:
    """Value modulo 2⁶⁴, in the range of int64."""
    return value if -(WORD >> 1) <= value < WORD >> 1 else (value + (WORD >> 1)) % WORD - (WORD >> 1)


def _binary(name: str) -> Callable[[int, Any], Any]:
    apply = getattr(int, name)

    def method(self: int, other: Any) -> Any:
        value = apply(self, other)
        if value is NotImplemented:
            return value
        return Unsigned(value % WORD) if isinstance(other, Unsigned) else signed(value)

    return method


def _left(name: str) -> Callable[..., Any]:
    """An operation whose result has the type of its left side."""
    apply = getattr(int, name)
    return lambda self, *other: Unsigned(apply(self, *map(int, other)) % WORD)


class Unsigned(int):
    """uint64, and what smaller ones become: wraps at 64 bits with its like, is int64 with a signed integer."""

    bits = 64

    __add__, __radd__ = _binary("__add__"), _binary("__radd__")
    __sub__, __rsub__ = _binary("__sub__"), _binary("__rsub__")
    __mul__, __rmul__ = _binary("__mul__"), _binary("__rmul__")
    __floordiv__, __rfloordiv__ = _binary("__floordiv__"), _binary("__rfloordiv__")
    __mod__, __rmod__ = _binary("__mod__"), _binary("__rmod__")
    __and__, __rand__ = _binary("__and__"), _binary("__rand__")
    __or__, __ror__ = _binary("__or__"), _binary("__ror__")
    __xor__, __rxor__ = _binary("__xor__"), _binary("__rxor__")
    __lshift__, __rshift__ = _left("__lshift__"), _left("__rshift__")
    __invert__, __neg__ = _left("__invert__"), _left("__neg__")


class Unsigned32(Unsigned):
    """An unsigned integer of less than 64 bits, as it is loaded or cast; arithmetic widens it."""

    bits = 32


class Int32(int):
    """A signed integer of less than 64 bits: its width matters to clz and the like alone, arithmetic widens it."""

    bits = 32


def dtype_of(spec: Any) -> np.dtype[Any]:
    """The NumPy dtype of a NumPy type, a Numba type, a cast or a name."""
    if isinstance(spec, Cast):
        return spec.dtype
    try:
        return np.dtype(spec)
    except TypeError:
        return np.dtype({"boolean": "bool"}.get(str(spec), str(spec)))


def wrap(value: Any, dtype: np.dtype[Any]) -> int:
    """Value as C converts it to an integer type: integers modulo its width, floats cut off and saturated."""
    bits = 8 * dtype.itemsize
    low, high = (0, (1 << bits) - 1) if dtype.kind == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)
    if isinstance(value, (float, np.floating)):
        return 0 if value != value else int(min(max(value, low), high))
    value = operator.index(value)
    return value if low <= value <= high else (value - low) % (1 << bits) + low


def device_scalar(value: Any) -> Any:
    """A number of Python's or NumPy's as a kernel sees it."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, np.integer):
        return integer_class(value.dtype)(int(value))
    return value


def integer_class(dtype: np.dtype[Any]) -> type[int]:
    if dtype.kind == "u":
        return Unsigned if dtype.itemsize == 8 else Unsigned32
    return int if dtype.itemsize == 8 else Int32


class Cast:
    """What `np.uint32` or `numba.uint32` is inside a kernel: a conversion that wraps, and a dtype."""

    def __init__(self, dtype: np.dtype[Any]):
        self.dtype = dtype
        self.integer = dtype.kind in "iu"
        self.kind: Any = integer_class(dtype) if self.integer else bool if dtype.kind == "b" else dtype.type

    def __call__(self, value: Any = 0) -> Any:
        return self.kind(wrap(value, self.dtype)) if self.integer else self.kind(value)

    def __repr__(self) -> str:
        return str(self.dtype)


def clz(value: int) -> int:
    bits = getattr(value, "bits", 64)
    return bits - (int(value) % (1 << bits)).bit_length()


def ffs(value: int) -> int:
    return (int(value) & -int(value)).bit_length()


def popc(value: int) -> int:
    return (int(value) % (1 << getattr(value, "bits", 64))).bit_count()


def brev(value: int) -> int:
    bits = getattr(value, "bits", 64)
    return int(f"{int(value) % (1 << bits):0{bits}b}"[::-1], 2)


def fma(a: Any, b: Any, c: Any) -> Any:
    """a·b + c, rounded once; of float32, once to float64 and once to float32."""
    kind = np.float32 if type(a) is type(b) is type(c) is np.float32 else np.result_type(a, b, c).type
    x, y, z = float(a), float(b), float(c)
    if kind is np.float32 or not all(map(math.isfinite, (x, y, z))):
        return kind(x * y + z)  # of two float32 the product is exact in float64
    (p, q), (r, s), (t, u) = (v.as_integer_ratio() for v in (x, y, z))
    return kind((p * r * u + t * q * s) / (q * s * u))


def _in_single(function: Callable[..., Any], ufunc: Any) -> Callable[..., Any]:
    """A function of `math` as CUDA has it: float32 of float32, inf or nan where Python raises."""

    def call(*x: Any) -> Any:
        single = all(type(v) is np.float32 for v in x)
        try:
            y = function(*x)
        except (ValueError, OverflowError):
            if ufunc is None:
                raise
            y = float(ufunc(*[np.float64(v) for v in x]))
        return np.float32(y) if single and isinstance(y, float) else y

    return call


_UFUNCS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh"}
_UFUNCS |= {"atanh": "arctanh", "atan2": "arctan2", "pow": "power"}
device_math = SimpleNamespace(
    **{
        name: _in_single(f, getattr(np, _UFUNCS.get(name, name), None)) if callable(f) else f
        for name, f in vars(math).items()
        if not name.startswith("_")
    }
)
