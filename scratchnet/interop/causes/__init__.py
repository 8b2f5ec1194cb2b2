"""Why two layers differ: known mistakes, each of which must predict our numbers before it is named."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from scratchnet.interop.causes import (
    attention,
    backward,
    elementwise,
    normalisation,
    options,
    recurrent,
    sampling,
    weights,
)
from scratchnet.interop.causes.facts import facts_about
from scratchnet.interop.causes.hypothesis import ALL, Evidence, Guess, Hypothesis, Result, rerun
from scratchnet.interop.measuring import close
from scratchnet.random import fork_rng

__all__ = ["Cause", "Evidence", "explain"]

# Where several mistakes give the same numbers, the simpler comes first: another option, then other weights, …
_FROM_SIMPLE = (options, weights, elementwise, sampling, normalisation, recurrent, attention, backward)
_NAMES = [module.__name__ for module in _FROM_SIMPLE]
KNOWN = sorted(ALL, key=lambda known: _NAMES.index(known.guesses.__module__))

# An explanation leaves at most this share of the error, and an error of so many roundings needs none.
_LEFT = 0.2
_ROUNDINGS = 8
# What layers and NumPy raise for a guess that does not fit these shapes or options.
_DOES_NOT_FIT = (ValueError, TypeError, RuntimeError, IndexError, KeyError, AttributeError, NotImplementedError,
                 AssertionError, ZeroDivisionError)  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """A mistake that gives exactly the numbers of ours.

    Attributes
    ----------
    text : str
        The mistake.
    evidence : str
        What was computed and found equal.
    hypothesis : str
        The function in `scratchnet.interop.causes` that knows it, such as "options.eps".
    """

    text: str
    evidence: str
    hypothesis: str

    def __str__(self) -> str:
        return f"{self.text}: {self.evidence}"


_DETACHED = Cause(
    "no gradient arrives",
    "something on its way was detached, made from arrays, or computed without a graph",
    "",
)


def explain(evidence: Evidence) -> tuple[list[Cause], list[str]]:
    """All known mistakes that predict our numbers, and if there is none, what the error looks like.

    Where the layer as it should be predicts them too, nothing is wrong with ours, and none is named.
    """
    causes: list[Cause] = []
    if evidence.actual is None:
        return ([], []) if evidence.kind in ("input", "output", "buffer") else ([_DETACHED], [])
    with warnings.catch_warnings(), np.errstate(all="ignore"), fork_rng():
        warnings.simplefilter("ignore")
        if _is_right(evidence):
            right = f"nn.{evidence.theirs.kind} with torch's options and weights gives our numbers, too"
            return [], [f"{right}: torch's layer rounds otherwise, or has a forward of its own", *facts_about(evidence)]
        for known in KNOWN:
            if not known.concerns(evidence):
                continue
            best: tuple[float, Cause] | None = None
            for guess in _proposed(known, evidence):
                left = _left(guess, evidence)
                if left is not None and (best is None or left < best[0]):
                    best = left, Cause(guess.text, guess.evidence, known.name)
            if best is not None and best[1] not in causes:
                causes.append(best[1])
        return causes, [] if causes else facts_about(evidence)


def _proposed(known: Hypothesis, evidence: Evidence) -> list[Guess]:
    guesses: list[Guess] = []
    try:
        for guess in known.guesses(evidence):
            guesses.append(guess)
    except _DOES_NOT_FIT:
        pass
    return guesses


def _is_right(evidence: Evidence) -> bool:
    """Whether the layer without any mistake, run here on our input, gives our numbers."""
    if evidence.kind not in ("output", "buffer"):
        return False
    triples = _predictions(partial(rerun, evidence), evidence)
    return bool(triples) and all(_agree(predicted, actual, evidence) for predicted, actual, _ in triples)


def _left(guess: Guess, evidence: Evidence) -> float | None:
    """The share of the error that a guess leaves; None if it does not predict our numbers."""
    shares = [_share(*triple, evidence) for triple in _predictions(guess.predict, evidence)]
    known = [share for share in shares if share is not None]
    return max(known) if shares and len(known) == len(shares) else None


def _predictions(predict: Callable[[], Any], evidence: Evidence) -> list[tuple[Any, Any, Any]]:
    """(predicted, ours, torch's) of every array that a guess is about; none if it does not fit."""
    try:
        predicted = predict()
    except _DOES_NOT_FIT:
        return []
    if not isinstance(predicted, Result):
        return [(predicted, evidence.actual, evidence.expected)]
    if evidence.kind == "buffer":
        found = predicted.buffers.get(evidence.what)
        return [] if found is None else [(found, evidence.actual, evidence.expected)]
    ours, theirs = evidence.ours.outputs, evidence.theirs.outputs
    if len(predicted.outputs) < len(theirs) or ours.keys() != theirs.keys():
        return []
    return [(p, ours[place], theirs[place]) for p, place in zip(predicted.outputs, theirs)]


def _agree(predicted: Any, actual: Any, evidence: Evidence) -> bool:
    return actual is not None and close(np.asarray(predicted), actual, evidence.rtol, evidence.atol)


def _share(predicted: Any, actual: Any, expected: Any, evidence: Evidence) -> float | None:
    if not _agree(predicted, actual, evidence):
        return None
    # one of another shape, or that agrees beside one that differs, need only be reproduced
    if expected is None or expected.shape != actual.shape or _agree(expected, actual, evidence):
        return 0.0
    left, error = _distance(predicted, actual), _distance(expected, actual)
    if not error:  # only NaN and infinities differ, and they were predicted
        return 0.0
    if actual.dtype.kind == "f" and error <= _ROUNDINGS * np.finfo(actual.dtype).eps * np.abs(expected).max():
        return None
    return left / error if left <= _LEFT * error else None


def _distance(a: Any, b: Any) -> float:
    difference = np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))
    return float(np.nan_to_num(difference, nan=0.0).max(initial=0.0))
