"""Why two layers differ: known mistakes, each of which must predict our numbers before it is named."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
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
from scratchnet.interop.causes.hypothesis import ALL, Evidence, Guess, Hypothesis, Result
from scratchnet.interop.measuring import close

__all__ = ["Cause", "Evidence", "explain"]

# Where several mistakes give the same numbers, the simpler comes first: another option, then other weights, …
_FROM_SIMPLE = (options, weights, elementwise, sampling, normalisation, recurrent, attention, backward)
_NAMES = [module.__name__ for module in _FROM_SIMPLE]
KNOWN = sorted(ALL, key=lambda known: _NAMES.index(known.guesses.__module__))

# An explanation leaves at most this share of the error.
_LEFT = 0.2
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
    """

    text: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.text}: {self.evidence}"


_DETACHED = Cause(
    "no gradient arrives",
    "something on its way was detached, made from arrays, or computed without a graph",
)


def explain(evidence: Evidence) -> tuple[list[Cause], list[str]]:
    """All known mistakes that predict our numbers, and if there is none, what the error looks like."""
    causes: list[Cause] = []
    if evidence.actual is None:
        return ([], []) if evidence.kind in ("input", "output", "buffer") else ([_DETACHED], [])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for known in KNOWN:
            if not known.concerns(evidence):
                continue
            best: tuple[float, Cause] | None = None
            for guess in _proposed(known, evidence):
                left = _left(guess, evidence)
                if left is not None and (best is None or left < best[0]):
                    best = left, Cause(guess.text, guess.evidence)
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


def _left(guess: Guess, evidence: Evidence) -> float | None:
    """The share of the error that a guess leaves; None if it does not predict our numbers."""
    try:
        predicted = guess.predict()
    except _DOES_NOT_FIT:
        return None
    if not isinstance(predicted, Result):
        return _share(predicted, evidence.actual, evidence.expected, evidence)
    if evidence.kind == "output":
        ours, theirs = evidence.ours.outputs, evidence.theirs.outputs
        if len(predicted.outputs) < len(theirs) or ours.keys() != theirs.keys():
            return None
        triples: list[tuple[Any, Any, Any]] = [
            (p, ours[place], theirs[place]) for p, place in zip(predicted.outputs, theirs)
        ]
    else:
        if evidence.what not in predicted.buffers:
            return None
        triples = [(predicted.buffers[evidence.what], evidence.actual, evidence.expected)]
    most = None
    for triple in triples:
        share = _share(*triple, evidence)
        if share is None:
            return None
        most = share if most is None else max(most, share)
    return most


def _share(predicted: Any, actual: Any, expected: Any, evidence: Evidence) -> float | None:
    if actual is None or not close(np.asarray(predicted), actual, evidence.rtol, evidence.atol):
        return None
    left = _distance(predicted, actual)
    if expected is None or expected.shape != actual.shape:
        return 0.0
    error = _distance(expected, actual)
    if not error:
        return 0.0
    # an output that agrees, beside one that differs, need only be reproduced
    if close(actual, expected, evidence.rtol, evidence.atol):
        return 0.0
    return left / error if left <= _LEFT * error else None


def _distance(a: Any, b: Any) -> float:
    difference = np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))
    return float(np.nan_to_num(difference, nan=0.0).max(initial=0.0))
