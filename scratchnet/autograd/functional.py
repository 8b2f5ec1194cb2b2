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

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchnet.autograd import engine
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor

Tensors = Tensor | tuple[Tensor, ...]
_NO_V = "The vector v can only be None if the {} the function is a single Tensor with a single element, got shapes {}"


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
    point = _Point(func, inputs, "vjp", create_graph, strict)
    with enable_grad():
        seeds = point.vector(v, point.outputs, point.single_output, "output of")
        grads = _grads(point.outputs, point.inputs, seeds, create_graph)
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
    point = _Point(func, inputs, "jvp", create_graph, strict)
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
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f"jacobian: strategy must be 'forward-mode' or 'reverse-mode', got {strategy!r}")
    if strategy == "forward-mode":
        raise NotImplementedError("jacobian: strategy='forward-mode' is not supported: use 'reverse-mode'")
    if vectorize and strict:
        raise RuntimeError("jacobian: strict=True and vectorize=True are not supported together")
    point = _Point(func, inputs, "jacobian", create_graph, strict)
    rows = []
    with enable_grad():
        for i, y in enumerate(point.outputs):
            grads = [_grads([y], point.inputs, [e], create_graph) for e in _basis(y)]
            blocks = []
            for j, x in enumerate(point.inputs):
                column = [_present(g[j], x, f"Output {i}", j, strict, create_graph) for g in grads]
                blocks.append(_stack(column, y.shape + x.shape, x))
            rows.append(_finished(blocks, create_graph, point.single_input))
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
        inner = _Point(func, xs, "hessian", True, strict)
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
    point = _Point(func, inputs, "vhp", create_graph, strict)
    with enable_grad():
        gradient = point.gradient()
        seeds = point.vector(v, point.inputs, point.single_input, "input to")
        grads = _grads(gradient, point.inputs, seeds, create_graph)
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
    point = _Point(func, inputs, "hvp", create_graph, strict)
    with enable_grad():
        gradient = point.gradient()
        direction = point.vector(v, point.inputs, point.single_input, "input to")
        product = point.times_vector(gradient, direction)
    return point.output(), point.result(product, point.inputs, point.single_input, "jacobian")


class _Point:
    """A function evaluated at twins of its inputs: the caller's Tensors inside `func` stay constants."""

    def __init__(self, func: Callable, inputs: Any, name: str, create_graph: bool, strict: bool) -> None:
        self.name, self.create_graph, self.strict = name, create_graph, strict
        self.single_input, given = _tensors(inputs, "inputs", name)
        with enable_grad():
            self.inputs = [
                x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_()
                for x in given
            ]
            result = func(*self.inputs)
        self.single_output, self.outputs = _tensors(result, "outputs of the user-provided function", name)
        for i, y in enumerate(self.outputs):
            if strict and not y.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The outputs must "
                    "be computed "
                    "in a differentiable manner from the input when running in strict mode."
                )

    def gradient(self) -> tuple[Tensor, ...]:
        """dy/dx, differentiable, of a function that gives one number."""
        if not self.single_output:
            raise RuntimeError(f"The function given to {self.name} should return a single Tensor")
        (y,) = self.outputs
        if y.array.size != 1:
            raise RuntimeError(
                f"The Tensor returned by the function given to {self.name} should contain a single element, "
                "got shape "
                f"{tuple(y.shape)}"
            )
        with enable_grad():
            grads = _grads([y], self.inputs, [Tensor(np.ones_like(y.array))], True)
        for i, g in enumerate(grads):
            if self.strict and (g is None or not g.requires_grad):
                raise RuntimeError(
                    f"The jacobian of the user-provided function with respect to input {i} is independent of "
                    "the input. "
                    "This is not allowed in strict mode: the function must be twice differentiable and not "
                    "linear."
                )
        return tuple(_zeros(x) if g is None else g for g, x in zip(grads, self.inputs))

    def times_vector(self, outputs: Sequence[Tensor], direction: list[Tensor]) -> list[Any]:
        """J v. The gradient uᵀJ is linear in u: its derivative in u, with v as cotangent, is J v for any u."""
        u = [Tensor(np.zeros_like(y.array), requires_grad=True) for y in outputs]
        grads = _grads(outputs, self.inputs, u, True)
        for i, g in enumerate(grads):
            if self.strict:
                _present(g, self.inputs[i], "The output of the user-provided function", i, True, False)
        return _grads(grads, u, direction, self.create_graph)

    def vector(self, v: Any, like: Sequence[Tensor], single: bool, what: str) -> list[Tensor]:
        """v as a list of Tensors of the shapes of `like`."""
        if v is None:
            if len(like) != 1 or like[0].array.size != 1:
                raise RuntimeError(_NO_V.format(what, [tuple(x.shape) for x in like]))
            return [Tensor(np.ones_like(like[0].array))]
        _, given = _tensors(v, "v", self.name)
        if len(given) != len(like):
            raise RuntimeError(
                "The given v should contain a single Tensor."
                if single
                else f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}."
            )
        for i, (a, b) in enumerate(zip(given, like)):
            if a.shape != b.shape:
                entry = "" if single else f"Entry {i} in "
                raise RuntimeError(f"{entry}v has invalid size: should be {b.shape} but got {a.shape}.")
        return [a if self.create_graph else a.detach() for a in given]

    def output(self) -> Any:
        return _finished(self.outputs, self.create_graph, self.single_output)

    def result(self, grads: Sequence[Any], like: Sequence[Tensor], single: bool, of: str) -> Any:
        filled = [
            _present(g, x, f"The {of} of the user-provided function", i, self.strict, self.create_graph)
            for i, (g, x) in enumerate(zip(grads, like))
        ]
        return _finished(filled, self.create_graph, single)


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


def _grads(
    outputs: Sequence[Any], inputs: Sequence[Tensor], seeds: Sequence[Tensor], create_graph: bool
) -> list[Any]:
    """The gradient of the outputs that have one; None for inputs they do not depend on."""
    pairs = [(y, v) for y, v in zip(outputs, seeds) if y is not None and y.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    ys, vs = zip(*pairs)
    return list(engine.grad(ys, inputs, vs, retain_graph=True, create_graph=create_graph, allow_unused=True))


def _present(g: Any, like: Tensor, of: str, i: int, strict: bool, create_graph: bool) -> Tensor:
    """A gradient, or zeros where there is none; in strict mode an error."""
    if strict and (g is None or (create_graph and not g.requires_grad)):
        reason = " when create_graph=True" if g is not None else ""
        raise RuntimeError(f"{of} is independent of input {i}. This is not allowed in strict mode{reason}.")
    return _zeros(like) if g is None else g


def _zeros(like: Tensor) -> Tensor:
    return Tensor(np.zeros_like(like.array))


def _tensors(value: Any, what: str, name: str) -> tuple[bool, tuple[Tensor, ...]]:
    """Whether a value is a single Tensor, and it as a tuple."""
    single = not isinstance(value, tuple)
    values = (value,) if single else value
    for i, x in enumerate(values):
        if not isinstance(x, Tensor):
            where = f"the given {what}" if single else f"the value at index {i}"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but {where} has "
                f"type {type(x)}."
            )
    return single, values


def _finished(values: Sequence[Tensor], create_graph: bool, single: bool) -> Any:
    results = tuple(values) if create_graph else tuple(x.detach() for x in values)
    return results[0] if single else results
