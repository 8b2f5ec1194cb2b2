"""What kind of mistake makes a Jacobian wrong: the patterns that hand-written gradients fail by.

Each test looks at one Jacobian, analytic A and numeric N (rows: elements of the output, columns: elements of the input), and
returns a sentence or None. The first that fits is the diagnosis.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scratchnet.autograd.gradcheck_jacobian import Block, Tolerance


def diagnose(block: Block, tolerance: Tolerance) -> str | None:
    """The mistake in words, or None if the pattern is not known."""
    usable = ~block.kink & np.isfinite(block.analytic) & np.isfinite(block.numeric)
    a, n = np.where(usable, block.analytic, 0.0), np.where(usable, block.numeric, 0.0)
    for test in _TESTS:
        sentence = test(block, a, n, tolerance)
        if sentence:
            return sentence
    return None


def _close(a: Any, n: Any, tolerance: Tolerance) -> bool:
    return a.shape == n.shape and bool(tolerance.close(a, n).all())


def _noise(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    if block.noise.sum() > block.wrong.sum() / 2:
        return (
            "the numeric values are rounding noise: the function rounds in between, as a computation in float32 does. "
            "Compute in float64 all the way"
        )
    return None


def _not_finite(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    bad = block.wrong & ~np.isfinite(block.analytic) & np.isfinite(block.numeric)
    return f"the analytic gradient is NaN or infinite at {bad.sum()} elements" if bad.any() else None


def _missing(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    if a.any() or not n.any():
        return None
    if block.unused:
        return (
            f"missing gradient: nothing flows back from {block.output} to {block.input}. Backward returned None, or the "
            "computation left the Tensors (detach, .array, numpy, no_grad) on the way"
        )
    return f"missing gradient: backward gives zeros for {block.input}"


def _superfluous(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    if _close(0 * n, n, tolerance) and a.any():
        return f"{block.output} does not depend on {block.input}, yet the analytic gradient is not zero"
    return None


def _factor(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """A = r · N."""
    square = float((n * n).sum())
    if not square:
        return None
    r = float((a * n).sum()) / square
    if not r or not _close(a / r, n, tolerance):
        return None
    if abs(r + 1) < 1e-4:
        return "sign flipped: analytic = −numeric"
    nice = Fraction(r).limit_denominator(1000)
    text = str(nice) if abs(float(nice) - r) < 1e-5 * abs(r) else f"{r:.6g}"
    sentence = f"analytic = {text} × numeric: a factor {text}"
    sizes = {"elements of the output": block.out_shape, "elements of the input": block.in_shape}
    counts = {f"the number of {what}": int(np.prod(shape)) for what, shape in sizes.items() if len(shape)}
    for what, shape in (("output", block.out_shape), ("input", block.in_shape)):
        counts |= {f"the size of dimension {d} of the {what}": size for d, size in enumerate(shape)}
    for what, count in counts.items():
        if count > 2 and abs(r - count) < 1e-4 * count:
            return f"{sentence}, {what}: a sum where a mean is meant?"
        if count > 2 and abs(1 / r - count) < 1e-4 * count:
            return f"{sentence}, one over {what}: a mean where a sum is meant?"
    return sentence


def _transposed(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """The gradient's axes are in the wrong order, or the Jacobian itself is (W g where Wᵀ g is meant)."""
    shape = block.in_shape
    if 2 <= len(shape) <= 4 and a.shape[1] == int(np.prod(shape)):
        tensor = a.reshape(-1, *shape)
        for order in itertools.permutations(range(len(shape))):
            if order == tuple(range(len(shape))) or tuple(shape[d] for d in order) != shape:
                continue
            if _close(tensor.transpose(0, *[d + 1 for d in order]).reshape(a.shape), n, tolerance):
                return f"transposed: the analytic gradient has its axes exchanged (order {order} would be right)"
    if a.shape[0] > 1 and _close(a.T, n, tolerance):
        return "transposed: analytic = numericᵀ as a Jacobian; a matrix is applied where its transpose is meant (W g for Wᵀ g)"
    return None


def _rows(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """Right in some elements of the output and zero in all others: a sum over an axis was forgotten."""
    wrong = block.wrong.any(1)
    if block.projected or wrong.all() or len(wrong) < 2 or a[wrong].any():
        return None
    mask = wrong.reshape(block.out_shape)
    for axis in range(mask.ndim):
        others = tuple(d for d in range(mask.ndim) if d != axis)
        live = ~mask.any(others) if others else ~mask
        if live.any() and np.array_equal(np.broadcast_to(_along(~live, axis, mask.ndim), mask.shape), mask):
            kept = ", ".join(map(str, np.flatnonzero(live)[:4]))
            return (
                f"missing sum: of axis {axis} of {block.output} only index {kept} contributes to the gradient of {block.input}; "
                "sum over this axis, along which the input was broadcast"
            )
    return f"the gradient of {block.input} ignores {wrong.sum()} of the {len(wrong)} elements of {block.output}"


def _along(values: Any, axis: int, ndim: int) -> Any:
    return values.reshape([-1 if d == axis else 1 for d in range(ndim)])


def _elements(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """Wrong only where one of the two is zero."""
    wrong = block.wrong
    if not a[wrong].any():
        dead = np.flatnonzero(wrong.any(0))
        return (
            f"missing gradient at {len(dead)} of {a.shape[1]} elements of {block.input}: zero where the numeric one is not, and "
            "right elsewhere (a mask too strict, an index missed?)"
        )
    if _close(0 * n[wrong], n[wrong], tolerance):
        return (
            f"gradient where there is none: not zero at {wrong.sum()} elements where the numeric one is, and right elsewhere "
            "(a mask forgotten, an index too many?)"
        )
    return None


def _permuted(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """The gradient's elements are right but in wrong places: the columns of A are those of N in another order."""
    if block.projected or a.shape[1] < 2:
        return None
    weights = np.random.default_rng(2).standard_normal(len(a))
    order_a, order_n = np.argsort(weights @ a, kind="stable"), np.argsort(weights @ n, kind="stable")
    place = np.empty(a.shape[1], dtype=np.int64)
    place[order_n] = order_a  # element l of the right gradient stands at place[l]
    if not _close(a[:, place], n, tolerance):
        return None
    moved = np.flatnonzero(~np.isclose(a, n, rtol=tolerance.rtol, atol=tolerance.atol).all(0))
    size = a.shape[1]
    for k in range(1, size):
        if _close(np.roll(a, -k, axis=1), n, tolerance):
            return f"off by a permutation: the gradient's elements are shifted by {min(k, k - size, key=abs)}"
    if _close(a[:, ::-1], n, tolerance):
        return "off by a permutation: the gradient's elements are in reverse order"
    pairs = [f"{_index(place[l], block.in_shape)} holds what belongs to {_index(l, block.in_shape)}" for l in moved[:3]]
    return f"off by a permutation: the gradient's elements are right but in wrong places: {'; '.join(pairs)}"


def _index(k: int, shape: tuple[int, ...]) -> str:
    return str([int(i) for i in np.unravel_index(k, shape)])


def _offset(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """A = N + constant where they differ."""
    difference = (a - n)[block.wrong]
    if len(difference) > 2 and np.allclose(difference, difference.mean(), rtol=1e-4, atol=tolerance.atol):
        return f"analytic = numeric {'+' if difference[0] > 0 else '−'} {abs(difference.mean()):.6g} at every wrong element"
    return None


def _smaller(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """A single row is scaled wrongly by a factor that differs from row to row or from column to column."""
    if not _close(np.where(n == 0, a, 0.0), 0 * n, tolerance):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.abs(n) > 10 * tolerance.atol, a / n, np.nan)
    for axis, what in ((0, "input"), (1, "output")):
        seen = ~np.isnan(ratio)
        if a.shape[axis] < 2 or (seen.sum(axis) < 2).all():
            continue
        low = np.where(seen, ratio, np.inf).min(axis)
        high = np.where(seen, ratio, -np.inf).max(axis)
        if (high - low <= 1e-3 * np.maximum(1, np.abs(high)))[seen.any(axis)].all():
            name = block.input if axis == 0 else block.output
            return f"scaled: every element of {name} has its own wrong factor ({what} side), from {low.min():.4g} to {high.max():.4g}"
    return None


_TESTS = (
    _noise, _not_finite, _missing, _superfluous, _factor, _transposed, _rows, _elements, _permuted, _offset, _smaller,
)  # fmt: skip
