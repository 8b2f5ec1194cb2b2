"""The text of a failed gradient check."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from scratchnet.autograd.gradcheck_diagnosis import diagnose, index_text

if TYPE_CHECKING:
    from scratchnet.autograd.gradcheck_jacobian import Block, Tolerance

WORST = 5  # rows of the table
WIDTH = 110


def report(blocks: list[Block], tolerance: Tolerance, title: str) -> str:
    """The diagnosis and the worst elements of the worst Jacobian, then the others in a line each."""
    failing = [b for b in blocks if b.wrong.any()]
    worst = max(failing, key=lambda b: float(_error(b).max()))
    lines = [f"{title}: the gradient of {worst.output} with respect to {worst.input} is wrong.", ""]
    lines += _wrapped("  diagnosis  ", diagnose(worst, tolerance) or "no known pattern")
    lines.append(f"  worst      {_worst_element(worst)}")
    lines.append(f"  wrong      {_count(worst)}; allowed: {tolerance.atol:g} + {tolerance.rtol:g} · |numeric|")
    lines += ["", *_table(worst), ""]
    for block in failing:
        if block is not worst:
            pattern = diagnose(block, tolerance) or _worst_element(block)
            lines += _wrapped("  also wrong: ", f"{block.output} by {block.input} ({_count(block)}): {pattern}")
    right = [f"{b.output} by {b.input}" for b in blocks if not b.wrong.any()]
    if right:
        lines.append(f"  right: {', '.join(right[:6])}{' and others' if len(right) > 6 else ''}")
    for block in blocks:
        if block.kink.any():
            lines += _wrapped("  ", excluded_note(block))
    return "\n".join(lines).rstrip()


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(label + text, WIDTH, subsequent_indent=" " * len(label), drop_whitespace=True)


def excluded_note(block: Block) -> str:
    """How many elements were excluded as kinks, and the first of them."""
    k, c = np.argwhere(block.kink)[0]
    left, right = block.left[k, c], block.right[k, c]
    return (
        f"excluded as kinks: {block.kink.sum()} of {block.kink.size} elements of "
        f"d({block.output})/d({block.input}), such as "
        f"{_where(block, k, c)}, where the slope is {left:.4g} to the left and {right:.4g} to the right"
    )


def _error(block: Block) -> Any:
    """The error of the wrong elements, NaN counting as infinite; −1 elsewhere."""
    with np.errstate(invalid="ignore"):
        error = np.nan_to_num(np.abs(block.analytic - block.numeric), nan=np.inf, posinf=np.inf)
    return np.where(block.wrong, error, -1.0)


def _worst_element(block: Block) -> str:
    k, c = np.unravel_index(_error(block).argmax(), block.wrong.shape)
    a, n = block.analytic[k, c], block.numeric[k, c]
    error = f"error {abs(a - n):.2g} ({_relative(a, n)})"
    return f"{_where(block, k, c)}: analytic {a:.6g}, numeric {n:.6g}, {error}"


def _relative(a: float, n: float) -> str:
    if not np.isfinite(a - n):
        return "not finite"
    if n == 0:
        return "numeric is 0"
    percent = 100 * abs(a - n) / abs(n)
    return f"{percent:.2g} %" if percent < 10 else f"{percent:.0f} %" if percent < 1e5 else f"{percent:.1e} %"


def _where(block: Block, k: int, c: int) -> str:
    """The output's element by the input's: `output 0[1, 2] by input 1[0, 3]`."""
    if block.projected:
        return f"a random projection of {block.output} by {block.input}{_input_index(block, c)}"
    return f"{block.output}{index_text(k, block.out_shape)} by {block.input}{_input_index(block, c)}"


def _input_index(block: Block, c: int) -> str:
    return index_text(block.columns[c], block.in_shape)


def _count(block: Block) -> str:
    among = f"{block.wrong.sum()} of {block.wrong.size} elements"
    size = int(np.prod(block.in_shape))
    return f"{among} looked at, of {size}" if block.projected and block.wrong.size < size else among


def _table(block: Block) -> list[str]:
    """The worst few elements, the worst first."""
    error = _error(block)
    order = np.argsort(-error, axis=None, kind="stable")[: min(WORST, int(block.wrong.sum()))]
    rows = [
        (
            "projection" if block.projected else block.output,
            block.input,
            "analytic",
            "numeric",
            "error",
            "relative",
        )
    ]
    for flat in order:
        k, c = np.unravel_index(flat, error.shape)
        a, n = block.analytic[k, c], block.numeric[k, c]
        row = "" if block.projected else index_text(k, block.out_shape)
        rows.append((row, _input_index(block, c), f"{a:.6g}", f"{n:.6g}", f"{abs(a - n):.2g}", _relative(a, n)))
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(text.rjust(width) for text, width in zip(row, widths)) for row in rows]
