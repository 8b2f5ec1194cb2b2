"""And, or, xor and not: of truth values, and of the bits of integers (the operators `& | ^ ~ << >>`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.comparison import Predicate
from scratchnet.ops.elementwise import binary_operator, check_tensor
from scratchnet.ops.promotion import promote

__all__ = [
    "logical_and", "logical_or", "logical_xor", "logical_not",
    "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "bitwise_left_shift", "bitwise_right_shift",
]  # fmt: skip


def _logical(ufunc: Callable, name: str, formula: str) -> Callable[[Tensor, Tensor], Tensor]:
    def function(input: Tensor, other: Tensor) -> Tensor:
        return Predicate(ufunc)(check_tensor(input, name), check_tensor(other, name, "other"))

    return _named(function, name, f"{formula}, elementwise: 0 is false, all else true.")


def _bitwise(
    ufunc: Callable, name: str, formula: str, operator: str, kinds: str
) -> Callable[[Any, Any], Tensor]:
    def function(input: Any, other: Any) -> Tensor:
        a, b = promote(input, other, function=name)
        dtype = (a if isinstance(a, Tensor) else b).array.dtype
        if dtype.kind not in kinds:
            raise NotImplementedError(f"{name}: not defined for {dtype}")
        return Predicate(ufunc)(a, b)

    binary_operator(function, operator)
    binary_operator(function, operator, reflected=True)
    method(f"__i{operator}__")(in_place(_named(function, name, f"{formula}, bit by bit.")))
    return function


def _named(function: Callable, name: str, doc: str) -> Callable:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    method(name)(function)
    method(name + "_")(in_place(function))
    return function


logical_and = _logical(np.logical_and, "logical_and", "input and other")
logical_or = _logical(np.logical_or, "logical_or", "input or other")
logical_xor = _logical(np.logical_xor, "logical_xor", "either input or other")

bitwise_and = _bitwise(np.bitwise_and, "bitwise_and", "input & other", "and", "biu")
bitwise_or = _bitwise(np.bitwise_or, "bitwise_or", "input | other", "or", "biu")
bitwise_xor = _bitwise(np.bitwise_xor, "bitwise_xor", "input ^ other", "xor", "biu")
bitwise_left_shift = _bitwise(np.left_shift, "bitwise_left_shift", "input << other", "lshift", "iu")
bitwise_right_shift = _bitwise(np.right_shift, "bitwise_right_shift", "input >> other", "rshift", "iu")


def logical_not(input: Tensor) -> Tensor:
    return Predicate(np.logical_not)(check_tensor(input, "logical_not"))


def bitwise_not(input: Tensor) -> Tensor:
    if check_tensor(input, "bitwise_not").array.dtype.kind == "f":
        raise NotImplementedError(f"bitwise_not: not defined for {input.dtype}")
    return Predicate(np.invert)(input)


_named(logical_not, "logical_not", "Which elements are 0, as bools.")
_named(bitwise_not, "bitwise_not", "All bits of the integers inverted; of bools, their negation.")


@method()
def __invert__(self: Tensor) -> Tensor:
    if self.array.dtype.kind == "f":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return bitwise_not(self)
