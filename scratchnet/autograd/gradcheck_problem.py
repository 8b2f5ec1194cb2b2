"""A function at a point, as gradcheck sees it, and what must hold before gradients can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from scratchnet.autograd import engine
from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor

EXACT = 1e-9  # error of float64 arithmetic relative to the size of its operands, with much to spare


class GradcheckError(RuntimeError):
    """A gradient is wrong. The message says which, where, by how much, and what the pattern looks like."""


class Problem:
    """A function at a point: evaluates it, and its gradient, as often as asked."""

    def __init__(
        self,
        func: Callable,
        inputs: tuple,
        names: list[str],
        output_name: Callable[[int], str],
        undefined: bool,
        every: bool,
    ) -> None:
        self.func, self.inputs, self.undefined, self.every = func, inputs, undefined, every
        self.points = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
        self.names = [name for x, name in zip(inputs, names) if isinstance(x, Tensor) and x.requires_grad]
        self._output_name = output_name
        self._positions: list[int] = []  # of the checked outputs among all that func returns
        self.cotangents: list[Any] = []

    # ---- evaluating ----------------------------------------------------------------------------------------
    def outputs(self) -> list[Tensor]:
        """The outputs to check: those that require grad; if none does, or if `every`, all of float dtype."""
        with enable_grad():
            result = self.func(*self.inputs)
        results = result if isinstance(result, tuple | list) else (result,)
        for j, y in enumerate(results):
            if not isinstance(y, Tensor):
                raise TypeError(f"gradcheck: func must return Tensors, but output {j} is a {type(y).__name__}")
        floats = [j for j, y in enumerate(results) if y.array.dtype.kind == "f"]
        recorded = [j for j in floats if results[j].requires_grad]
        self._positions = floats if self.every or not recorded else recorded
        return [results[j] for j in self._positions]

    def output_name(self, j: int) -> str:
        return self._output_name(self._positions[j])

    def values(self) -> list[Any]:
        """The outputs as flat arrays of their own: views of the inputs would change with them."""
        return [np.array(y.array).reshape(-1) for y in self.outputs()]

    def gradients(self, outputs: list[Tensor], cotangents: list[Any]) -> list[list]:
        """For each output: the gradient (array or None) of each point, for that output's cotangent alone."""
        return [self.gradient(outputs, j, v) for j, v in enumerate(cotangents)]

    def gradient(self, outputs: list[Tensor], j: int, cotangent: Any) -> list:
        if not outputs[j].requires_grad:
            return [None] * len(self.points)
        seed = Tensor(cotangent.copy())
        chosen, seeds = [outputs[j]], [seed]
        if not self.undefined:
            others = [y for k, y in enumerate(outputs) if k != j and y.requires_grad]
            chosen += others
            seeds += [Tensor(np.zeros_like(y.array)) for y in others]
        found = engine.grad(chosen, self.points, seeds, retain_graph=True, allow_unused=True)
        if not np.array_equal(seed.array, cotangent):
            raise GradcheckError(
                f"gradcheck: backward of {self.output_name(j)} changed the gradient it was given. It must "
                "return a new array: "
                "the same gradient may be on its way to other operations."
            )
        return [None if g is None else np.array(g.array) for g in found]

    def size(self) -> int:
        return sum(x.array.size for x in self.points) + sum(v.size for v in self.cotangents)

    # ---- checks beside the comparison ----------------------------------------------------------------------
    def check_forward(self, nondet_tol: float) -> None:
        """The function leaves its inputs alone and gives the same twice."""
        before = [np.array(x.array) if isinstance(x, Tensor) else None for x in self.inputs]
        first, second = self.values(), self.values()
        for i, (x, old) in enumerate(zip(self.inputs, before)):
            if old is not None and not np.array_equal(x.array, old, equal_nan=old.dtype.kind == "f"):
                raise GradcheckError(f"gradcheck: func changed input {i} in place. Let it work on a clone.")
        for j, (a, b) in enumerate(zip(first, second)):
            if a.shape != b.shape or not np.allclose(a, b, rtol=0, atol=nondet_tol, equal_nan=True):
                raise GradcheckError(
                    f"gradcheck: func is not deterministic: {self.output_name(j)} differed in two calls with "
                    "the same inputs "
                    f"(nondet_tol={nondet_tol}). Is there a dropout or another random number in it?"
                )

    def check_backward(self, nondet_tol: float) -> list[list]:
        """Backward gives the same twice, in the input's dtype, and 0 for 0. Returns random vᵀJ."""
        outputs = self.outputs()
        rng = np.random.default_rng(0)
        self.cotangents = [rng.uniform(-1, 1, y.shape).astype(y.dtype) for y in outputs]
        first = self.gradients(outputs, self.cotangents)
        second = self.gradients(outputs, self.cotangents)
        zeros = self.gradients(outputs, [np.zeros_like(v) for v in self.cotangents])
        for j, i, a in self._each(first):
            where = f"the gradient of {self.output_name(j)} with respect to {self.names[i]}"
            if a.dtype != self.points[i].dtype:
                raise GradcheckError(
                    f"gradcheck: {where} has dtype {a.dtype}, but the input has {self.points[i].dtype}."
                )
            if not np.allclose(a, second[j][i], rtol=0, atol=nondet_tol, equal_nan=True):
                raise GradcheckError(
                    f"gradcheck: backward is not reentrant: {where} differed in two calls (nondet_tol={nondet_tol})."
                )
            if np.any(np.nan_to_num(zeros[j][i], nan=0.0) != 0):  # 0 · ∞ is left to the comparison
                raise GradcheckError(
                    f"gradcheck: backward is not multiplied by grad_output: {where} is not zero for a "
                    "cotangent of zeros."
                )
        return first

    def check_linear(self, jacobians: list[list], gradients: list[list], rtol: float, atol: float) -> None:
        """Backward of a random cotangent v is vᵀJ: what was checked for unit cotangents holds for all."""
        for j, i, g in self._each(gradients):
            v, g = self.cotangents[j].reshape(-1), g.reshape(-1)
            expected, size = v @ jacobians[j][i], np.abs(v) @ np.abs(jacobians[j][i])
            where = f"for {self.output_name(j)} and {self.names[i]}"
            scaled_atol = atol * max(1.0, size.max(initial=0.0))
            if not np.allclose(g, expected, rtol=rtol, atol=scaled_atol, equal_nan=True):
                raise GradcheckError(
                    f"gradcheck: backward is not linear in the gradient it is given: {where} it is right for "
                    "each "
                    "unit cotangent, but not for a sum of them."
                )
            # what cancels to nothing is rounding: (y / x)′ of y = x, the second derivative of |x|, …
            error = np.nan_to_num(np.abs(g - expected) / np.maximum(size, 1e-3))
            if g.dtype == np.float64 and (error > EXACT).any():
                raise GradcheckError(
                    f"gradcheck: backward loses precision: {where} its result for a sum of cotangents and "
                    "the sum of "
                    f"its results differ by {error.max():.1g} of their size. Is a part of it computed in "
                    "float32?"
                )

    def check_layouts(self, gradients: list[list]) -> None:
        """The same numbers in another memory layout give the same values and gradients."""
        originals = [x.array for x in self.points]
        values = self.values()
        for layout in range(2):
            copies = [strided_copies(a)[layout] for a in originals]
            if all(copy is a for copy, a in zip(copies, originals)):
                continue
            try:
                for x, copy in zip(self.points, copies):
                    x.array = copy
                self._compare_layout(values, gradients)
            finally:
                for x, a in zip(self.points, originals):
                    x.array = a

    def _compare_layout(self, values: list, gradients: list[list]) -> None:
        outputs = self.outputs()
        for j, (y, expected) in enumerate(zip(outputs, values)):
            if not _same(y.array.reshape(-1), expected):
                raise GradcheckError(
                    f"gradcheck: {self.output_name(j)} is different for non-contiguous inputs of the same values."
                )
        found = self.gradients(outputs, self.cotangents)
        for j, i, g in self._each(gradients):
            if found[j][i] is None or not _same(found[j][i], g):
                raise GradcheckError(
                    f"gradcheck: the gradient of {self.output_name(j)} with respect to {self.names[i]} is "
                    "different for "
                    "non-contiguous inputs of the same values."
                )

    def _each(self, gradients: list[list]) -> Iterator[tuple[int, int, Any]]:
        for j, row in enumerate(gradients):
            for i, g in enumerate(row):
                if g is not None:
                    yield j, i, g


def strided_copies(a: Any) -> list[Any]:
    """Copies of an array in other memory layouts: transposed, and with gaps and negative strides."""
    if a.ndim == 0:
        return [a, a]
    spread = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    backwards = spread[(*[slice(None, None, -1)] * (a.ndim - 1), slice(None, None, -2))]
    backwards[...] = a
    return [a.T.copy().T, backwards]


def _same(a: Any, b: Any) -> bool:
    """Equal up to the order of summation."""
    if a.shape != b.shape:
        return False
    rtol = 1e4 * np.finfo(b.dtype).eps
    return np.allclose(
        a,
        b,
        rtol=rtol,
        atol=rtol * max(1.0, float(np.abs(np.nan_to_num(b)).max(initial=0.0))),
        equal_nan=True,
    )
