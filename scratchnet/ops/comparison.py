"""Comparisons: == != < <= > >=, and tests for NaN, infinity and closeness. Results are bools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import binary_operator, check_tensor
from scratchnet.ops.promotion import promote

__all__ = [
    "eq", "ne", "lt", "le", "gt", "ge", "less", "less_equal", "greater", "greater_equal", "not_equal",
    "isnan", "isinf", "isfinite", "isposinf", "isneginf", "isreal", "signbit", "isclose", "allclose", "equal", "isin",
]  # fmt: skip


class Predicate(Function):
    """y = a NumPy predicate of the inputs, as bools: nothing to differentiate."""

    reads = NOTHING

    def __init__(self, predicate: Callable) -> None:
        self.predicate = predicate

    def forward(self, *arrays: Any) -> Any:
        return self.predicate(*arrays)


def _comparison(
    predicate: Callable, symbol: str, name: str, *aliases: str
) -> Callable[[Tensor, Any], Tensor]:
    """The function, the methods and the operator of one comparison."""

    def function(input: Tensor, other: Any) -> Tensor:
        return Predicate(predicate)(*promote(check_tensor(input, name), other, function=name))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"input {symbol} other, elementwise with broadcasting, as bools."
    method(name, *aliases)(function)
    method(*[n + "_" for n in (name, *aliases)])(in_place(function))
    binary_operator(function, name)
    return function


eq = _comparison(np.equal, "==", "eq")
ne = not_equal = _comparison(np.not_equal, "!=", "ne", "not_equal")
lt = less = _comparison(np.less, "<", "lt", "less")
le = less_equal = _comparison(np.less_equal, "<=", "le", "less_equal")
gt = greater = _comparison(np.greater, ">", "gt", "greater")
ge = greater_equal = _comparison(np.greater_equal, ">=", "ge", "greater_equal")


def _predicate(predicate: Callable, name: str, what: str) -> Callable[[Tensor], Tensor]:
    def function(input: Tensor) -> Tensor:
        return Predicate(predicate)(check_tensor(input, name))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Which elements {what}, as bools."
    return method(name)(function)


isnan = _predicate(np.isnan, "isnan", "are NaN")
isinf = _predicate(np.isinf, "isinf", "are ∞ or −∞")
isfinite = _predicate(np.isfinite, "isfinite", "are neither infinite nor NaN")
isposinf = _predicate(lambda x: x == np.inf, "isposinf", "are ∞")
isneginf = _predicate(lambda x: x == -np.inf, "isneginf", "are −∞")
isreal = _predicate(lambda x: np.ones_like(x, dtype=bool), "isreal", "are real numbers: all")
signbit = _predicate(
    lambda x: np.signbit(x) if x.dtype.kind == "f" else x < 0, "signbit", "have their sign bit set (−0.0 has)"
)


@method()
def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Which elements satisfy |input − other| ≤ atol + rtol · |other|, or are equal (infinities are).

    Raises
    ------
    RuntimeError
        If the dtypes differ, or a tolerance is negative.
    """
    a, b = check_tensor(input, "isclose").array, check_tensor(other, "isclose", "other").array
    if a.dtype != b.dtype:
        raise RuntimeError(f"isclose: input and other must have one dtype, got {a.dtype} and {b.dtype}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: tolerances must not be negative, got rtol={rtol} and atol={atol}")
    return Predicate(lambda a, b: _close(a, b, rtol, atol, equal_nan))(input, other)


def _close(a: Any, b: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    close = a == b
    if equal_nan:
        close |= (a != a) & (b != b)
    if a.dtype.kind in "bu":  # their differences wrap around
        a, b = a.astype(np.int64), b.astype(np.int64)
    error = abs(a - b)
    return close | (np.isfinite(error) & (error <= atol + rtol * abs(b)))


@method()
def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all elements are close: see `isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


@method()
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements."""
    a, b = check_tensor(input, "equal").array, check_tensor(other, "equal", "other").array
    return a.shape == b.shape and bool((a == b).all())


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Which of `elements` are among `test_elements`, as bools in the shape of `elements`."""
    elements, test_elements = promote(elements, test_elements, function="isin")
    return Predicate(lambda a, b: np.isin(a, b, assume_unique=assume_unique, invert=invert))(
        elements, test_elements
    )
