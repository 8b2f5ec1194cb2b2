"""Jacobians, Hessians, and their products with vectors, of functions of Tensors.

With y = f(x), J = dy/dx, and for a function with one number as result, H = d²y/dx²:

    jacobian  J            row by row: one backward for each element of y
    vjp       vᵀJ          one backward
    jvp       J v          u ↦ uᵀJ is linear, and its derivative in u, transposed, is J: two backwards
    hessian   H            the Jacobian of the gradient
    vhp       vᵀH          the vjp of the gradient
    hvp       H v          the jvp of the gradient; equal to vᵀH where H is symmetric, and dearer

All take a Tensor or a tuple of Tensors and return what has the same structure. None of them touches `grad` of
a leaf.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.functional_point import Point, finished, grads_of, present
from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor

Tensors = Tensor | tuple[Tensor, ...]


def vjp(
    func: Callable,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The outputs of `func` at `inputs`, and vᵀJ.

    Parameters
    ----------
    func : callable
        Tensors in, a Tensor or a tuple of Tensors out.
    inputs : Tensor or tuple of Tensors
    v : Tensor or tuple of Tensors, optional
        Of the outputs' shapes. May be None if there is one output with one element, and means 1 then.
    create_graph : bool
        Make the results differentiable in inputs (and v) that require grad.
    strict : bool
        Raise if an output does not depend on an input, instead of giving zeros.

    Returns
    -------
    outputs, vjp
        As `func` returns them, and as `inputs` are given.

    Raises
    ------
    TypeError
        If inputs, outputs or v hold anything but Tensors.
    RuntimeError
        If v does not fit the outputs; in strict mode, if something is independent of an input.
    """
    point = Point(func, inputs, "vjp", create_graph, strict)
    with enable_grad():
        seeds = point.vector(v, point.outputs, point.single_output, "output of")
        grads = grads_of(point.outputs, point.inputs, seeds, create_graph)
    return point.output(), point.result(grads, point.inputs, point.single_input, "output")


def jvp(
    func: Callable,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The outputs of `func` at `inputs`, and J v: how the outputs change when the inputs move along v.

    Parameters, returns and errors are those of `vjp`, with v of the inputs' shapes.
    """
    point = Point(func, inputs, "jvp", create_graph, strict)
    with enable_grad():
        direction = point.vector(v, point.inputs, point.single_input, "input to")
        product = point.times_vector(point.outputs, direction)
    return point.output(), point.result(product, point.outputs, point.single_output, "gradient")


def jacobian(
    func: Callable,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func` at `inputs`, of shape (*output.shape, *input.shape).

    Parameters
    ----------
    func, inputs, create_graph, strict
        As for `vjp`.
    vectorize : bool
        Accepted for torch's sake: the result is the same.
    strategy : {"reverse-mode"}

    Returns
    -------
    Tensor, or tuple of Tensors, or tuple of tuples
        `[i][j]` for output i and input j; the index of what is not a tuple is left out.

    Examples
    --------
    >>> from scratchnet import tensor
    >>> jacobian(lambda x: x * x, tensor([1.0, 2.0, 3.0]))
    tensor([[2., 0., 0.],
            [0., 4., 0.],
            [0., 0., 6.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f"jacobian: strategy must be 'forward-mode' or 'reverse-mode', got {strategy!r}")
    if strategy == "forward-mode":
        raise NotImplementedError("jacobian: strategy='forward-mode' is not supported: use 'reverse-mode'")
    if vectorize and strict:
        raise RuntimeError("jacobian: strict=True and vectorize=True are not supported together")
    point = Point(func, inputs, "jacobian", create_graph, strict)
    rows = []
    with enable_grad():
        for i, y in enumerate(point.outputs):
            grads = [grads_of([y], point.inputs, [e], create_graph) for e in _basis(y)]
            blocks = []
            for j, x in enumerate(point.inputs):
                column = [present(g[j], x, f"Output {i}", j, strict, create_graph) for g in grads]
                blocks.append(_stack(column, y.shape + x.shape, x))
            rows.append(finished(blocks, create_graph, point.single_input))
    return rows[0] if point.single_output else tuple(rows)


def hessian(
    func: Callable,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of `func`, which gives one number y: [i][j] is d²y/dx_i dx_j, (*x_i.shape, *x_j.shape).

    Parameters are those of `jacobian`.
    """

    def gradient(*xs: Tensor) -> tuple[Any, ...]:
        inner = Point(func, xs, "hessian", True, strict)
        return inner.gradient()

    result = jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return result if isinstance(inputs, tuple) else result[0]


def vhp(
    func: Callable,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The output of `func` (one element) at `inputs`, and vᵀH.

    Parameters, returns and errors are those of `vjp`, with v of the inputs' shapes.
    """
    point = Point(func, inputs, "vhp", create_graph, strict)
    with enable_grad():
        gradient = point.gradient()
        seeds = point.vector(v, point.inputs, point.single_input, "input to")
        grads = grads_of(gradient, point.inputs, seeds, create_graph)
    return point.output(), point.result(grads, point.inputs, point.single_input, "jacobian")


def hvp(
    func: Callable,
    inputs: Tensors,
    v: Tensors | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The output of `func` (one element) at `inputs`, and H v.

    Parameters, returns and errors are those of `vjp`, with v of the inputs' shapes. `vhp` is faster and gives
    the same where the second derivatives are continuous.
    """
    point = Point(func, inputs, "hvp", create_graph, strict)
    with enable_grad():
        gradient = point.gradient()
        direction = point.vector(v, point.inputs, point.single_input, "input to")
        product = point.times_vector(gradient, direction)
    return point.output(), point.result(product, point.inputs, point.single_input, "jacobian")


class _Stack(Function):
    """y[k] = x_k.  dL/dx_k = g[k]"""

    reads = NOTHING

    def forward(self, *rows: Any) -> Any:
        return np.stack(rows)

    def backward(self, g: Tensor) -> tuple[Tensor, ...]:
        return tuple(g[k] for k in range(g.shape[0]))


def _stack(rows: list[Tensor], shape: tuple[int, ...], like: Tensor) -> Tensor:
    return _Stack()(*rows).reshape(shape) if rows else Tensor(np.zeros(shape, like.dtype, like=like.array))


def _basis(y: Tensor) -> list[Tensor]:
    """The unit cotangents of y, one for each of its elements."""
    if not y.requires_grad:
        return [Tensor(np.zeros_like(y.array))] * y.array.size
    units = []
    for k in np.ndindex(y.array.shape):
        e = np.zeros_like(y.array)
        e[k] = 1
        units.append(Tensor(e))
    return units
