"""The language of einsum: an equation, and what it says about each operand's dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scratchnet.autograd.tensor import Tensor

# One for each dimension: a letter, or a negative number for a dimension under an ellipsis, counted from the
# right.
Labels = list[Any]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def parse(equation: str, ndims: Sequence[int]) -> tuple[list[Labels], Labels]:
    """The labels of each operand's dimensions, and those of the result."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        more = "more" if len(terms) < len(ndims) else "fewer"
        raise RuntimeError(
            f"einsum(): {more} operands were provided than specified in the equation {equation!r}: "
            f"{len(ndims)} for {len(terms)}"
        )
    inputs = [_expand(term, ndim, k, equation) for k, (term, ndim) in enumerate(zip(terms, ndims))]
    dots = sorted({l for labels in inputs for l in labels if isinstance(l, int)})
    if arrow:
        return inputs, _output(right, inputs, dots, equation)
    letters = sorted(l for labels in inputs for l in labels if isinstance(l, str))
    return inputs, dots + [l for l in letters if letters.count(l) == 1]


def _expand(term: str, ndim: int, operand: int, equation: str) -> Labels:
    """The labels of one operand, with its ellipsis filled in."""
    head, ellipsis, tail = _split(term, f"operand {operand}", equation)
    covered = ndim - len(head) - len(tail)
    if covered < 0 or (covered and not ellipsis):
        dots = "and no ellipsis was given" if not ellipsis else "even without its ellipsis"
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(head) + len(tail)}) does not match "
            "the number "
            f"of dimensions ({ndim}) for operand {operand} {dots}"
        )
    return [*head, *range(-covered, 0), *tail]


def _output(term: str, inputs: list[Labels], dots: list[int], equation: str) -> Labels:
    head, ellipsis, tail = _split(term, "the output", equation)
    for letter in head + tail:
        if (head + tail).count(letter) > 1:
            raise RuntimeError(f"einsum(): output subscript {letter} appears more than once in the output")
        if not any(letter in labels for labels in inputs):
            raise RuntimeError(
                f"einsum(): output subscript {letter} does not appear in the equation for any input operand"
            )
    return [*head, *(dots if ellipsis else []), *tail]


def _split(term: str, what: str, equation: str) -> tuple[str, str, str]:
    """The letters before and after the ellipsis, checked."""
    head, ellipsis, tail = term.partition("...")
    if "." in tail and ellipsis:
        raise RuntimeError(f"einsum(): found '.' for {what} for which an ellipsis was already found")
    if "." in head:
        raise RuntimeError(f"einsum(): found '.' for {what} that is not part of any ellipsis")
    for letter in head + tail:
        if letter not in LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {equation.index(letter)} in the equation "
                "string, subscripts "
                f"must be in [a-zA-Z], got {letter!r}"
            )
    return head, ellipsis, tail


def to_equation(args: Sequence[Any]) -> tuple[str, list[Tensor]]:
    """`einsum(x, [0, 1], y, [1, 2], [0, 2])` as an equation and its operands."""
    output = args[-1] if len(args) % 2 else None
    operands, lists = list(args[: len(args) // 2 * 2 : 2]), args[1::2]
    if not all(isinstance(labels, list | tuple) for labels in lists):
        raise ValueError("einsum(): each operand must be followed by the list of its subscripts")
    equation = ",".join(_letters(labels) for labels in lists)
    return equation if output is None else f"{equation}->{_letters(output)}", operands


def _letters(labels: Sequence[Any]) -> str:
    for label in labels:
        if label is not Ellipsis and not (isinstance(label, int) and 0 <= label < len(LETTERS)):
            raise ValueError(
                f"einsum(): subscript in subscript list is not within the valid range [0, 52), got {label!r}"
            )
    return "".join("..." if label is Ellipsis else LETTERS[label] for label in labels)
