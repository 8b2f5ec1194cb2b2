"""How elementwise operations become public: as functions, methods, in-place methods and operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops import promotion
from scratchnet.ops.promotion import Cast

# What the operators take as their other operand; for anything else Python asks that operand.
OPERANDS = (Tensor, int, float, np.ndarray, np.generic)


def check_tensor(x: Any, function: str, argument: str = "input") -> Tensor:
    """`x` itself, if it is a Tensor."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{function}(): argument '{argument}' must be Tensor, not {type(x).__name__}")
    return x


def as_float(x: Any, function: str) -> Tensor:
    """`x` itself, or in the default dtype if it holds integers or bools."""
    check_tensor(x, function)
    return x if x.array.dtype.kind == "f" else Cast(promotion.get_default_dtype())(x)


def elementwise(op: type[Function], *names: str, floating: bool = True) -> Callable[[Tensor], Tensor]:
    """The public function of an operation on one tensor, attached to Tensor under all `names` and as `name_`.

    With `floating`, integers and bools are converted to the default dtype first.
    """
    name = names[0]

    def function(input: Tensor) -> Tensor:
        if not isinstance(input, Tensor) or (floating and input.array.dtype.kind != "f"):
            input = as_float(input, name)
        return op()(input)

    function.__name__ = function.__qualname__ = name
    function.__module__ = op.__module__
    function.__doc__ = op.__doc__
    in_place_form = in_place(function)
    for n in names:
        method(n)(function)
        method(n + "_")(in_place_form)
    return function


def keep_where(condition: Any, x: Any) -> Any:
    """The array x where the condition holds, and exactly 0 elsewhere (x · condition is NaN if x is infinite).

    Its bits are and-ed with −1 (all ones) or 0. On random conditions that is ten times as fast as np.where,
    which waits for a mispredicted branch at every other element.
    """
    mask = -condition.view(np.int8)
    return (x.view(f"i{x.itemsize}") & mask).view(x.dtype)


def binary_operator(function: Callable[[Any, Any], Tensor], symbol: str, reflected: bool = False) -> Callable:
    """`Tensor.__symbol__` (or `__rsymbol__`) from a public function; NotImplemented for unknown operands."""

    def operator(self: Tensor, other: Any) -> Tensor:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        return function(other, self) if reflected else function(self, other)

    name = f"__{'r' if reflected else ''}{symbol}__"
    operator.__name__ = operator.__qualname__ = name
    return method(name)(operator)
