"""check_gradient: derivatives against finite differences, and what else must hold of a backward."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd import GradcheckError, Tensor, backward
from scratchnet.autograd.gradient_check import check_named


def check_gradient(
    fn: Callable[..., Any],
    *inputs: Any,
    order: int = 2,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> None:
    """Check the gradients of `fn` with finite differences, to second order.

    Runs `gradcheck` and `gradgradcheck` (with random cotangents, on contiguous and other layouts), and
    asserts that the inputs stay as they are and that no two gradients, and no gradient and input, share
    memory.

    Parameters
    ----------
    fn : callable
        Tensors in, a Tensor or a tuple of Tensors out. Of a module the parameters are checked too.
    *inputs : numpy.ndarray, Tensor or other
        float64 arrays, and Tensors that require grad, are checked. Integer and bool arrays become Tensors;
        anything else is handed over as it is.
    order : {1, 2}
    eps, atol, rtol : float
        As for `gradcheck`.

    Raises
    ------
    AssertionError
        With a report of what is wrong.

    Examples
    --------
    >>> check_gradient(lambda a, b: a * b, np.ones((2, 1)), np.arange(3.0))
    """
    if order not in (1, 2):
        raise ValueError(f"check_gradient: order must be 1 or 2, got {order!r}")
    n = len(inputs)
    parameters = list(fn.named_parameters()) if hasattr(fn, "named_parameters") else []
    tensors = [_as_input(x, i) for i, x in enumerate(inputs)]
    names = [f"input {i}" for i in range(n)] + [name for name, _ in parameters]
    for name, p in parameters:
        _require_double(p.array, name)
    points = (*tensors, *[p for _, p in parameters])

    def call(*args: Any) -> Any:
        return fn(*args[:n])

    before = [np.array(x.array) if isinstance(x, Tensor) else None for x in points]
    try:
        for second in (False, True)[:order]:
            check_named(call, points, names, second=second, eps=eps, atol=atol, rtol=rtol)
    except GradcheckError as error:
        raise AssertionError(str(error)) from None
    checked = [(name, x) for name, x in zip(names, points) if isinstance(x, Tensor) and x.requires_grad]
    _check_aliases(call, points, checked)
    for name, x, old in zip(names, points, before):
        assert old is None or np.array_equal(x.array, old, equal_nan=old.dtype.kind == "f"), f"{name} was changed"


def _as_input(x: Any, i: int) -> Any:
    if isinstance(x, np.ndarray) and x.dtype.kind == "f":
        _require_double(x, f"input {i}")
        return Tensor(x.copy(), requires_grad=True)
    if isinstance(x, np.ndarray):
        return Tensor(x.copy())
    return x


def _require_double(array: Any, name: str) -> None:
    if array.dtype != np.float64:
        raise ValueError(
            f"check_gradient: {name} has dtype {array.dtype}; differences need float64 (.double() makes a module so)"
        )


def _check_aliases(fn: Callable, points: tuple, checked: list[tuple[str, Tensor]]) -> None:
    """Gradients are memory of their own: changing one changes no other, no input, and no later gradient."""
    for _, x in checked:
        x.grad = None
    result = fn(*points)
    outputs = [y for y in (result if isinstance(result, tuple | list) else (result,)) if y.requires_grad]
    seeds = [Tensor(np.random.default_rng(3).standard_normal(y.shape).astype(y.dtype)) for y in outputs]
    if not outputs:
        return
    backward(outputs, seeds, retain_graph=True)
    held = [(f"the gradient of {name}", x.grad.array) for name, x in checked if x.grad is not None]
    others = [(name, x.array) for name, x in checked] + [(f"cotangent {j}", v.array) for j, v in enumerate(seeds)]
    for (a, first), (b, other) in itertools.chain(itertools.combinations(held, 2), itertools.product(held, others)):
        assert not np.shares_memory(first, other), f"{a} shares memory with {b}"
    first = [g.copy() for _, g in held]
    for _, g in held:
        g[...] = np.nan
    for _, x in checked:
        x.grad = None
    backward(outputs, seeds)
    again = [x.grad.array for _, x in checked if x.grad is not None]
    for (what, _), a, b in zip(held, first, again):
        assert np.array_equal(a, b, equal_nan=True), (
            f"{what} shares memory with what backward keeps: changing it changed the next"
        )
    for _, x in checked:
        x.grad = None
