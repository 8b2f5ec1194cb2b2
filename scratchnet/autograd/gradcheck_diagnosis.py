"""What kind of mistake makes a Jacobian wrong: the patterns that hand-written gradients fail by.

Each test looks at one Jacobian, analytic A and numeric N (rows: elements of the output, columns: elements of
the input), and returns a sentence or None. The first that fits is the diagnosis.
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
            "the numeric values are rounding noise: the function rounds in between, as a computation in "
            "float32 does. "
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
            f"missing gradient: nothing flows back from {block.output} to {block.input}. Backward returned "
            "None, or the "
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
        return "transposed: analytic = numericᵀ as Jacobians: W g is computed where Wᵀ g is meant"
    return None


def _missing_sum(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """An input acts on all of an axis of the output, but its gradient takes in only some of it."""
    wrong = block.wrong.any(1)
    if block.projected or wrong.all() or a[wrong].any():
        return None
    mask, touched = wrong.reshape(block.out_shape), n[wrong].any(0)
    for axis, size in enumerate(mask.shape):
        live = ~np.moveaxis(mask, axis, 0).reshape(size, -1).any(1)
        expected = np.moveaxis(np.broadcast_to(~live, np.moveaxis(mask, axis, -1).shape), -1, axis)
        acts = np.moveaxis(n[:, touched].reshape(*mask.shape, -1), axis, 0).reshape(size, -1, touched.sum()).any(1)
        if live.any() and acts.all() and np.array_equal(mask, expected):
            kept = ", ".join(map(str, np.flatnonzero(live)[:4]))
            return (
                f"missing sum: {block.input} acts on all of axis {axis} of {block.output} (it was "
                "broadcast?), "
                f"but only index {kept} of it contributes to the gradient. Sum over this axis"
            )
    return None


def _elements(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """Wrong only where one of the two is zero."""
    wrong = block.wrong
    if not a[wrong].any():
        dead = int(wrong.any(0).sum())
        sample = " that were looked at" if block.projected else ""
        looked_at = f"{dead} of the {a.shape[1]} elements of {block.input}{sample}"
        return (
            f"missing gradient at {looked_at}: zero where the numeric one is not, and right elsewhere (a "
            "mask too strict, an "
            "index missed?)"
        )
    if _close(0 * n[wrong], n[wrong], tolerance):
        return (
            f"gradient where there is none: not zero at {wrong.sum()} elements where the numeric one is, and "
            "right elsewhere "
            "(a mask forgotten, an index too many?)"
        )
    return None


def _permuted(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """The gradient's elements are in wrong places: the columns of A are those of N in another order."""
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
    for k in {1, size - 1, int(place[0])} - {0}:
        if _close(np.roll(a, -k, axis=1), n, tolerance):
            return f"off by a permutation: the gradient's elements are shifted by {min(k, k - size, key=abs)}"
    if _close(a[:, ::-1], n, tolerance):
        return "off by a permutation: the gradient's elements are in reverse order"
    pairs = [
        f"{index_text(place[l], block.in_shape)} holds what belongs to {index_text(l, block.in_shape)}"
        for l in moved[:3]
    ]
    return f"off by a permutation: the gradient's elements are right but in wrong places: {'; '.join(pairs)}"


def index_text(k: Any, shape: tuple[int, ...]) -> str:
    return str([int(i) for i in np.unravel_index(k, shape)]) if shape else ""


def _offset(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """A = N + constant where they differ."""
    difference = (a - n)[block.wrong]
    if len(difference) > 2 and np.allclose(difference, difference.mean(), rtol=1e-4, atol=tolerance.atol):
        sign, size = "+" if difference[0] > 0 else "−", abs(difference.mean())
        return f"analytic = numeric {sign} {size:.6g} at every wrong element"
    return None


def _scaled(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """Each row, or each column, has a factor of its own."""
    known = np.abs(n) > 10 * tolerance.atol
    if not _close(np.where(known, 0.0, a), np.where(known, 0.0, n), tolerance):
        return None
    ratio = np.divide(a, n, out=np.full(n.shape, np.nan), where=known)
    for axis, whose in ((0, block.input), (1, block.output)):
        several = known.sum(axis) > 1
        low = np.where(known, ratio, np.inf).min(axis, initial=np.inf)
        high = np.where(known, ratio, -np.inf).max(axis, initial=-np.inf)
        if several.any() and (high - low <= 1e-3 * np.abs(high))[known.any(axis)].all():
            span = f"from {np.nanmin(ratio):.4g} to {np.nanmax(ratio):.4g}"
            return f"each element of {whose} has a factor of its own, {span}"
    return None


def _diagonal(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """Softmax as if it were elementwise."""
    off = np.eye(*a.shape) == 0
    if a.shape[0] == a.shape[1] and not a[off].any() and _close(a[~off], n[~off], tolerance):
        return (
            f"only the diagonal is there: each element of {block.output} depends on several elements of "
            f"{block.input}, and the "
            "gradient accounts for one of them"
        )
    return None


def _misplaced(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """Every wrong row holds the right values in wrong places."""
    wrong = block.wrong.any(1)
    if block.projected or not _close(np.sort(a[wrong], axis=1), np.sort(n[wrong], axis=1), tolerance):
        return None
    k = int(np.flatnonzero(wrong)[0])
    there, due = (np.flatnonzero(block.wrong[k] & (np.abs(x[k]) > tolerance.atol)) for x in (a, n))
    if not len(there) or not len(due):
        return None
    return (
        f"right values in wrong places: the gradient of {block.output}{index_text(k, block.out_shape)} "
        "arrives at "
        f"{block.input}{index_text(there[0], block.in_shape)} and belongs to "
        f"{index_text(due[0], block.in_shape)}"
    )


def _zeros_right(block: Block, a: Any, n: Any, tolerance: Tolerance) -> str | None:
    """The last resort: the zeros are in the right places at least."""
    if np.array_equal(np.abs(a) > tolerance.atol, np.abs(n) > tolerance.atol):
        return "no known pattern. It is zero just where it should be: a term or a factor is wrong or missing"
    return None


_TESTS = (
    _noise, _not_finite, _missing, _superfluous, _factor, _transposed, _diagonal, _missing_sum,
    _elements, _permuted, _misplaced, _offset, _scaled, _zeros_right,
)  # fmt: skip
