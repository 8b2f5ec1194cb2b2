"""Mistakes of the backward pass, where all outputs agree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np

from scratchnet.interop.causes.hypothesis import Evidence, Guess, hypothesis

# Of fewer numbers than this, any factor would do: then only those that are usual count.
_ENOUGH = 4
# A factor as near to 1 as this is nobody's mistake.
_NEAR_ONE = 1e-2


@hypothesis(backward=True)
def nothing(evidence: Evidence) -> Iterator[Guess]:
    yield Guess(
        f"{evidence.what} is zero",
        "something on its way was detached, multiplied by 0, or computed outside of the graph",
        lambda: np.zeros_like(evidence.expected),
    )


@hypothesis(backward=True)
def factor(evidence: Evidence) -> Iterator[Guess]:
    """A gradient of a mean that forgot its 1/N, or has it twice; of a square that forgot its 2; a sign."""
    actual, expected = evidence.actual, evidence.expected
    if actual is None or expected is None or actual.shape != expected.shape or not actual.any():
        return
    sizes = {n: name for name, n in _sizes(evidence).items()}
    usual = {-1.0: "its sign is wrong", 2.0: "", 0.5: ""}
    for n, name in sizes.items():
        usual |= {float(n): f"{n} is {name}", 1 / n: f"{n} is {name}"}
    found = float((actual * expected).sum() / (expected * expected).sum())
    near = [c for c in usual if abs(c - found) <= 1e-3 * abs(c)]
    if not near and (np.count_nonzero(expected) < _ENOUGH or abs(found - 1) < _NEAR_ONE):
        return
    c = near[0] if near else found
    why = usual.get(c, "")
    yield Guess(
        f"{evidence.what} is off by a constant factor of {_fraction(c, sizes)}" + (f"; {why}" if why else ""),
        f"it equals {_fraction(c, sizes)} times torch's",
        lambda: c * expected,
    )


def _fraction(c: float, sizes: dict[int, str]) -> str:
    return next((f"1/{n}" for n in sizes if abs(c) < 1 and c == 1 / n), f"{c:g}")


def _sizes(evidence: Evidence) -> dict[str, int]:
    """Numbers by which a mean is divided, most telling first."""
    sizes: dict[str, int] = {}
    for name, arrays in (("input", evidence.theirs.inputs), ("output", evidence.theirs.outputs)):
        for a in arrays.values():
            if a.ndim:
                sizes |= {"the number of samples": a.shape[0]} if name == "input" and not sizes else {}
                sizes |= {f"the number of elements of the {name}": a.size}
                sizes |= {f"the size of axis {i} of the {name}": n for i, n in enumerate(a.shape) if i}
    return {name: n for name, n in reversed(sizes.items()) if n > 1}


@hypothesis(backward=True)
def broadcast(evidence: Evidence) -> Iterator[Guess]:
    """A parameter that was added to all of the output: its gradient is a sum over all that shared it."""
    if evidence.kind != "parameter" or evidence.expected is None:
        return
    g, shape = evidence.g, evidence.expected.shape
    axes = [axis for axis in range(g.ndim) if _summed(g, shape, axis)]
    if len(shape) != 1 or not axes or len(axes) == g.ndim:
        return
    if not np.allclose(g.sum(tuple(axes)), evidence.expected, 1e-4, 1e-4):  # it was not just added
        return
    for choice in product(("sum", "first", "mean", "last"), repeat=len(axes)):
        if set(choice) != {"sum"}:
            left = [axis for axis, how in zip(axes, choice) if how != "sum"]
            how = {"first": "only the first counts", "last": "only the last counts", "mean": "the mean is taken"}
            yield Guess(
                f"{evidence.what} is not summed over axis {', '.join(map(str, left))} of the output, over which the "
                "parameter was broadcast",
                f"it equals torch's formula if there {' and '.join(sorted({how[c] for c in choice if c != 'sum'}))}",
                partial(_reduced, g, axes, choice),
            )


def _summed(g: np.ndarray, shape: tuple[int, ...], axis: int) -> bool:
    """Whether a one-dimensional parameter was broadcast over this axis: features are axis 1 of maps, else the last."""
    features = 1 if g.ndim > 3 or (g.ndim == 3 and g.shape[1] == shape[0] != g.shape[2]) else g.ndim - 1
    return axis != features


def _reduced(g: np.ndarray, axes: list[int], choice: tuple[str, ...]) -> np.ndarray:
    for axis, how in sorted(zip(axes, choice), reverse=True):
        if how in ("first", "last"):
            g = g.take(0 if how == "first" else -1, axis)
        else:
            g = g.sum(axis) if how == "sum" else g.mean(axis)
    return g


@hypothesis(backward=True)
def transposed(evidence: Evidence) -> Iterator[Guess]:
    if evidence.expected is not None and evidence.expected.ndim > 1:
        exchanged = evidence.expected.swapaxes(-1, -2)
        yield Guess(
            f"{evidence.what} is transposed",
            "it equals torch's with the last two axes exchanged",
            lambda: exchanged,
        )


@hypothesis(backward=True)
def passed_on(evidence: Evidence) -> Iterator[Guess]:
    if evidence.kind == "gradient of input" and evidence.theirs.kind != "Identity":
        yield Guess(
            "the gradient is passed on unchanged",
            "the gradient of the input equals that of the output",
            lambda: evidence.g,
        )


@hypothesis("Softmax", backward=True)
def diagonal(evidence: Evidence) -> Iterator[Guess]:
    y, g = evidence.y, evidence.g
    yield Guess(
        "of the softmax's Jacobian only the diagonal is used: every output depends on all inputs",
        "the gradient equals g·y·(1 − y)",
        lambda: g * y * (1 - y),
    )


@hypothesis("Embedding", backward=True)
def repeated(evidence: Evidence) -> Iterator[Guess]:
    """weight.grad[indices] = g keeps the last of equal indices; += counts one of them."""
    if evidence.kind != "parameter" or evidence.expected is None:
        return
    g = evidence.g
    wrong = np.zeros_like(evidence.expected)
    wrong[evidence.x] = g
    yield Guess(
        "gradients of tokens that occur several times are not added up",
        "it equals torch's if the last occurrence replaces the others (np.add.at adds them)",
        lambda: wrong,
    )


@hypothesis("Embedding", backward=True)
def padding(evidence: Evidence) -> Iterator[Guess]:
    wrong = np.zeros_like(evidence.expected)
    np.add.at(wrong, evidence.x, evidence.g)
    if evidence.options["padding_idx"] is not None:
        yield Guess(
            "the row of padding_idx gets a gradient, torch's stays 0",
            "it equals the sum over all tokens, those of padding too",
            lambda: wrong,
        )
