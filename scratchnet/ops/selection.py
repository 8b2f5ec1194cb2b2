"""Choosing between values, element by element: where, maximum, minimum, clamp, nan_to_num."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import INPUTS, NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import check_tensor, keep_where
from scratchnet.ops.promotion import promote

__all__ = [
    "where", "maximum", "minimum", "fmax", "fmin", "heaviside", "nan_to_num",
    "clamp", "clip", "clamp_min", "clamp_max",
]  # fmt: skip


class Where(Function):
    """y = a where the condition holds, b elsewhere.  dL/da = g where it holds, dL/db = g elsewhere."""

    reads = ((0,), (0,), (0,))

    def forward(self, condition: Any, a: Any, b: Any) -> Any:
        if condition.dtype.kind != "b":
            condition = condition != 0
        if isinstance(b, float | int) and b == 0 and a.dtype.kind == "f":
            return keep_where(condition, a)
        if isinstance(a, float | int) and a == 0 and b.dtype.kind == "f":
            return keep_where(~condition, b)
        return np.where(condition, a, b)

    def backward(self, g: Tensor) -> tuple[None, Tensor | None, Tensor | None]:
        condition = self.inputs[0]
        _, need_a, need_b = self.needs_input_grad
        return (
            None,
            Where()(condition, g, 0.0) if need_a else None,
            Where()(condition, 0.0, g) if need_b else None,
        )


class Maximum(Function):
    """y = max(a, b), NaN if either is.  The gradient goes to the greater; halves go to equals."""

    reads = INPUTS

    def forward(self, a: Any, b: Any) -> Any:
        return np.maximum(a, b)

    def backward(self, g: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.inputs
        return _share(g, a, b, a < b, a > b)


class Minimum(Function):
    """y = min(a, b), NaN if either is.  The gradient goes to the smaller; halves go to equals."""

    reads = INPUTS

    def forward(self, a: Any, b: Any) -> Any:
        return np.minimum(a, b)

    def backward(self, g: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self.inputs
        return _share(g, a, b, a > b, a < b)


def _share(g: Tensor, a: Tensor, b: Tensor, not_a: Tensor, not_b: Tensor) -> tuple[Tensor, Tensor]:
    halved = where(a.eq(b), g / 2, g)
    return where(not_a, 0.0, halved), where(not_b, 0.0, halved)


class Fmax(Function):
    """y = max(a, b), or the other if one is NaN.  The gradient goes to the chosen, to a if equal."""

    reads = INPUTS

    def forward(self, a: Any, b: Any) -> Any:
        return np.fmax(a, b)

    def chose_a(self, a: Tensor, b: Tensor) -> Tensor:
        return (a >= b) | (b != b)

    def backward(self, g: Tensor) -> tuple[Tensor, Tensor]:
        chosen = self.chose_a(*self.inputs)
        return where(chosen, g, 0.0), where(chosen, 0.0, g)


class Fmin(Fmax):
    """y = min(a, b), or the other if one is NaN.  The gradient goes to the chosen, to a if equal."""

    def forward(self, a: Any, b: Any) -> Any:
        return np.fmin(a, b)

    def chose_a(self, a: Tensor, b: Tensor) -> Tensor:
        return (a <= b) | (b != b)


class Heaviside(Function):
    """y = 0 where x < 0, 1 where x > 0, v where x = 0. torch declares no derivative."""

    reads = NOTHING

    def forward(self, x: Any, v: Any) -> Any:
        return np.where(x == 0, v, x > 0).astype(x.dtype)


class Clamp(Function):
    """y = min(max(x, low), high).

    dL/dx = g where low ≤ x ≤ high,  dL/dlow = g where x < low < high,  dL/dhigh = g where x or low > high.
    A bound may be a Tensor, a number, or None: no bound.
    """

    reads = INPUTS

    def forward(self, x: Any, low: Any, high: Any) -> Any:
        if low is not None:
            x = np.maximum(x, low)
        return x if high is None else np.minimum(x, high)

    def backward(self, g: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, low, high = self.inputs
        need_x, need_low, need_high = self.needs_input_grad
        if high is None:
            inside, below = x >= low, x < low
        elif low is None:
            inside, above = x <= high, x > high
        else:
            inside, below, above = (
                (x >= low) & (x <= high),
                (x < low) & (low < high),
                (x > high) | (low > high),
            )
        return (
            where(inside, g, 0.0) if need_x else None,
            where(below, g, 0.0) if need_low else None,
            where(above, g, 0.0) if need_high else None,
        )


class NanToNum(Function):
    """y = x with NaN, ∞ and −∞ replaced.  dL/dx = g, and 0 where replaced."""

    reads = INPUTS

    def __init__(self, nan: float, posinf: float | None, neginf: float | None) -> None:
        self.replacements: dict[str, Any] = {"nan": nan, "posinf": posinf, "neginf": neginf}

    def forward(self, x: Any) -> Any:
        return np.nan_to_num(x, **self.replacements)

    def backward(self, g: Tensor) -> Tensor:
        return where(self.inputs[0].isfinite(), g, 0.0)


# ---- functions ---------------------------------------------------------------------------------------------
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition holds, `other` elsewhere; all broadcast.

    With the condition alone, the indices where it holds: `nonzero(as_tuple=True)`.

    Parameters
    ----------
    condition : Tensor of bools
    input, other : Tensor or number

    Raises
    ------
    RuntimeError
        If the condition holds no bools, or shapes do not broadcast.
    """
    check_tensor(condition, "where", "condition")
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if condition.array.dtype.kind not in "bu":
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):
        from scratchnet.ops.promotion import result_type  # of two numbers only the dtype is wanted

        input = Tensor(np.full((), input, result_type(input, other), like=condition.array))
    return Where()(condition, *promote(input, other, function="where"))


@method("where")
def _where_method(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """`self` where the condition holds, `other` elsewhere."""
    return where(condition, self, other)


def _of_tensors(op: type[Function], name: str) -> Any:
    def function(input: Tensor, other: Tensor) -> Tensor:
        return op()(*promote(check_tensor(input, name), check_tensor(other, name, "other"), function=name))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.__doc__
    return method(name)(function)


maximum, minimum = _of_tensors(Maximum, "maximum"), _of_tensors(Minimum, "minimum")
fmax, fmin = _of_tensors(Fmax, "fmax"), _of_tensors(Fmin, "fmin")


@method()
def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """The step from 0 to 1 at 0, with `values` at 0 itself. Both have one dtype."""
    a, b = check_tensor(input, "heaviside").array.dtype, check_tensor(values, "heaviside", "values").array.dtype
    if a != b:
        raise RuntimeError(f"heaviside: input and values must have one dtype, got {a} and {b}")
    return Heaviside()(input, values)


@method("clamp", "clip")
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """input limited to min … max, elementwise. Where min > max the result is max.

    Parameters
    ----------
    min, max : number, Tensor or None
        Both of a kind; None is no bound. A 0-dimensional Tensor without a gradient passes for a number.

    Raises
    ------
    RuntimeError
        If both bounds are None.
    TypeError
        If one bound is a number and the other a Tensor.
    """
    check_tensor(input, "clamp")
    bounds = [b for b in (min, max) if b is not None]
    if not bounds:
        raise RuntimeError("clamp: at least one of 'min' or 'max' must not be None")
    tensors = [b for b in bounds if isinstance(b, Tensor)]
    if len(bounds) == 2 and len(tensors) == 1 and (tensors[0].array.ndim or tensors[0].requires_grad):
        kinds = f"{type(min).__name__} and {type(max).__name__}"
        raise TypeError(f"clamp: min and max must be two numbers or two Tensors, got {kinds}")
    input, *bounds = promote(input, *bounds, function="clamp")
    return Clamp()(input, None if min is None else bounds[0], None if max is None else bounds[-1])


clip = clamp


@method()
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """input, but at least min."""
    return clamp(input, min=min)


@method()
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """input, but at most max."""
    return clamp(input, max=max)


@method()
def nan_to_num(
    input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """NaN, ∞ and −∞ replaced by numbers; by default 0 and the largest and smallest of the dtype."""
    return NanToNum(nan, posinf, neginf)(check_tensor(input, "nan_to_num"))


method("clamp_", "clip_")(in_place(clamp))
method("clamp_min_")(in_place(clamp_min))
method("clamp_max_")(in_place(clamp_max))
method("nan_to_num_")(in_place(nan_to_num))
