"""A function at a point, for `functional`: its inputs, its outputs, and gradients that may not exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from scratchnet.autograd import engine
from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor

NO_V = (
    "The vector v can only be None if the {} the function is a single Tensor with a single element, "
    "got shapes {}"
)


class Point:
    """A function evaluated at twins of its inputs: the caller's Tensors inside `func` stay constants."""

    def __init__(self, func: Callable, inputs: Any, name: str, create_graph: bool, strict: bool) -> None:
        self.name, self.create_graph, self.strict = name, create_graph, strict
        self.single_input, given = tensors(inputs, "inputs", name)
        with enable_grad():
            self.inputs = [
                x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_()
                for x in given
            ]
            result = func(*self.inputs)
        self.single_output, self.outputs = tensors(result, "outputs of the user-provided function", name)
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
            grads = grads_of([y], self.inputs, [Tensor(np.ones_like(y.array))], True)
        for i, g in enumerate(grads):
            if self.strict and (g is None or not g.requires_grad):
                raise RuntimeError(
                    f"The jacobian of the user-provided function with respect to input {i} is independent of "
                    "the input. "
                    "This is not allowed in strict mode: the function must be twice differentiable and not "
                    "linear."
                )
        return tuple(zeros(x) if g is None else g for g, x in zip(grads, self.inputs))

    def times_vector(self, outputs: Sequence[Tensor], direction: list[Tensor]) -> list[Any]:
        """J v. The gradient uᵀJ is linear in u; its derivative in u, with v as cotangent, is J v."""
        u = [Tensor(np.zeros_like(y.array), requires_grad=True) for y in outputs]
        grads = grads_of(outputs, self.inputs, u, True)
        for i, g in enumerate(grads):
            if self.strict:
                present(g, self.inputs[i], "The output of the user-provided function", i, True, False)
        return grads_of(grads, u, direction, self.create_graph)

    def vector(self, v: Any, like: Sequence[Tensor], single: bool, what: str) -> list[Tensor]:
        """v as a list of Tensors of the shapes of `like`."""
        if v is None:
            if len(like) != 1 or like[0].array.size != 1:
                raise RuntimeError(NO_V.format(what, [tuple(x.shape) for x in like]))
            return [Tensor(np.ones_like(like[0].array))]
        _, given = tensors(v, "v", self.name)
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
        return finished(self.outputs, self.create_graph, self.single_output)

    def result(self, grads: Sequence[Any], like: Sequence[Tensor], single: bool, of: str) -> Any:
        filled = [
            present(g, x, f"The {of} of the user-provided function", i, self.strict, self.create_graph)
            for i, (g, x) in enumerate(zip(grads, like))
        ]
        return finished(filled, self.create_graph, single)


def grads_of(
    outputs: Sequence[Any], inputs: Sequence[Tensor], seeds: Sequence[Tensor], create_graph: bool
) -> list[Any]:
    """The gradient of the outputs that have one; None for inputs they do not depend on."""
    pairs = [(y, v) for y, v in zip(outputs, seeds) if y is not None and y.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    ys, vs = zip(*pairs)
    return list(engine.grad(ys, inputs, vs, retain_graph=True, create_graph=create_graph, allow_unused=True))


def present(g: Any, like: Tensor, of: str, i: int, strict: bool, create_graph: bool) -> Tensor:
    """A gradient, or zeros where there is none; in strict mode an error."""
    if strict and (g is None or (create_graph and not g.requires_grad)):
        reason = " when create_graph=True" if g is not None else ""
        raise RuntimeError(f"{of} is independent of input {i}. This is not allowed in strict mode{reason}.")
    return zeros(like) if g is None else g


def zeros(like: Tensor) -> Tensor:
    return Tensor(np.zeros_like(like.array))


def tensors(value: Any, what: str, name: str) -> tuple[bool, tuple[Tensor, ...]]:
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


def finished(values: Sequence[Tensor], create_graph: bool, single: bool) -> Any:
    results = tuple(values) if create_graph else tuple(x.detach() for x in values)
    return results[0] if single else results
