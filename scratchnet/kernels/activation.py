"""Activations as kernels: each is a formula for a value and one for its gradient, nothing more.

    @activation
    def silu(x):
        return x * sigmoid(x)

    @silu.gradient
    def silu_gradient(g, x):
        s = sigmoid(x)
        return g * s * (like(1, x) + x * (like(1, x) - s))

A formula is written once and read in three ways, by what names like `sigmoid` and `where` stand for: with the scalar
functions of `vector_math` and `instructions` it is compiled into the one loop that all activations share; with NumPy's
it is the reference; and `Activation.in_terms_of` reads it with anybody's, such as differentiable ones.  ``like(1, x)``
is the number 1 in the dtype of x.  The formulas stand in `activation_formulas`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from scratchnet.kernels.instructions import inlined, like
from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import Kernel, compilable, dense

_SMALL = 64             # elements: examples tried by hand do without the compiler


def _erf(x):
    import scipy.special

    return scipy.special.erf(x).astype(x.dtype)


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, x.dtype.type(1)) / (1 + e)


NUMPY = {
    "like": like.python,
    "where": np.where,
    "minimum": np.minimum, "maximum": np.maximum, "sign": np.sign, "exp": np.exp, "expm1": np.expm1, "log1p": np.log1p,
    "tanh": np.tanh, "sigmoid": _sigmoid, "erf": _erf,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
}


def reading(formula: Callable, names: Mapping[str, Any]) -> Callable:
    """The formula with these meanings of the names in it."""
    return FunctionType(formula.__code__, {**formula.__globals__, **names}, formula.__name__, formula.__defaults__)


class Activation:
    """y = f(x, *parameters), element by element, and g·f'.

    ``forward(x, *parameters)`` and ``backward(g, x, *parameters)`` are kernels.  With ``of_output`` the gradient is
    a formula in y, and backward takes that instead of x.  ``work`` is that of one element, as in parallel_for.
    """

    backward: Kernel
    _gradient: Callable

    def __init__(self, value: Callable, of_output: bool, work: float):
        self.name, self.__doc__ = value.__name__, value.__doc__
        self.of_output, self.work = of_output, work
        self._value = value
        self.forward = pointwise(value, self.name, 1, work)

    def gradient(self, formula: Callable) -> Callable:
        """Register the formula g·f'(x), or of y."""
        self._gradient = formula
        self.backward = pointwise(formula, f"{self.name}_backward", 2, self.work)
        return formula

    def in_terms_of(self, names: Mapping[str, Any]) -> tuple[Callable, Callable]:
        """Value and gradient as functions of whatever these names compute with."""
        return reading(self._value, names), reading(self._gradient, names)

    def __repr__(self):
        return f"<activation {self.name}>"


def activation(formula: Callable | None = None, *, of_output: bool = False, work: float = 2.0) -> Any:
    """Declare an activation by its formula."""
    if formula is None:
        return lambda f: Activation(f, of_output, work)
    return Activation(formula, of_output, work)


@jit
def _loop_of_one(start, stop, a, parameters, y):
    a, y = a[start:stop], y[start:stop]
    for i in range(len(a)):
        y[i] = formula(a[i], *parameters)  # noqa: F821, of each kernel its own


@jit
def _loop_of_two(start, stop, a, b, parameters, y):
    a, b, y = a[start:stop], b[start:stop], y[start:stop]
    for i in range(len(a)):
        y[i] = formula(a[i], b[i], *parameters)  # noqa: F821


@jit
def _loop_of_three(start, stop, a, b, c, parameters, y):
    b, c, y = b[start:stop], c[start:stop], y[start:stop]
    if len(a) == 1:             # the gradient of a sum or mean is one number
        for i in range(len(y)):
            y[i] = formula(a[0], b[i], c[i], *parameters)  # noqa: F821
    else:
        a = a[start:stop]
        for i in range(len(y)):
            y[i] = formula(a[i], b[i], c[i], *parameters)  # noqa: F821


def pointwise(formula: Callable, name: str, count: int, work: float) -> Kernel:
    """The kernel of a formula whose first `count` arguments, up to three, are arrays of one shape, the others numbers."""
    loop = (_loop_of_one, _loop_of_two, _loop_of_three)[count - 1].specialised(formula=inlined(formula))
    by_numpy = reading(formula, NUMPY)

    def reference(*args):
        arrays = args[:count]
        _check(name, arrays)
        return by_numpy(*arrays, *map(arrays[0].dtype.type, args[count:]))

    def twin(*args):
        arrays = args[:count]
        _check(name, arrays)
        x = arrays[0]
        if x.size < _SMALL or not compilable(*arrays):
            return NotImplemented
        out = np.empty(x.shape, x.dtype)
        parameters = tuple(map(x.dtype.type, args[count:]))
        if count == 3 and not any(x.strides):
            arrays = (x[(slice(1),) * x.ndim], *arrays[1:])     # the loop of three reads one number for all
        parallel_for(loop, x.size, work, *(dense(a).reshape(-1) for a in arrays), parameters, out.reshape(-1))
        return out

    reference.__name__, reference.__doc__ = name, formula.__doc__
    kernel = Kernel(reference)
    kernel.cpu(twin)
    return kernel


def _check(name, arrays):
    if any(a.shape != arrays[0].shape for a in arrays[1:]):
        shapes = " and ".join(str(a.shape) for a in arrays)
        raise RuntimeError(f"{name}: expected arrays of one shape, got {shapes}")
