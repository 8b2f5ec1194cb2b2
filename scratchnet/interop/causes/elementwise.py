"""Mistakes of activations, dropout, and of layers mistaken for another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.special import expit

from scratchnet import nn
from scratchnet.autograd import Tensor, no_grad
from scratchnet.interop.causes.hypothesis import Evidence, Guess, Result, hypothesis, kinds, rerun

_ACTIVATIONS = (
    "ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid", "LogSigmoid", "Hardsigmoid",
    "Hardswish", "Hardtanh", "Tanh", "Tanhshrink", "Softplus", "Softsign",
)  # fmt: skip
_OVER_AN_AXIS = ("Softmax", "LogSoftmax", "Softmin")
_DROPOUTS = ("Dropout", *kinds("Dropout"), "AlphaDropout", "FeatureAlphaDropout")


@hypothesis(*_ACTIVATIONS)
def another_activation(evidence: Evidence) -> Iterator[Guess]:
    def apply(name: str) -> Result:
        with no_grad():
            return Result([getattr(nn, name)()(Tensor(evidence.x.copy())).array])

    for name in _ACTIVATIONS:
        if name != evidence.theirs.kind:
            yield Guess(
                f"it computes {name}, torch's {evidence.theirs.kind}",
                f"{evidence.what} equals that of {name}",
                partial(apply, name),
            )


@hypothesis(*_OVER_AN_AXIS)
def another_softmax(evidence: Evidence) -> Iterator[Guess]:
    for name in _OVER_AN_AXIS:
        if name != evidence.theirs.kind:
            yield Guess(
                f"it computes {name}, torch's {evidence.theirs.kind}",
                f"{evidence.what} equals that of {name}",
                partial(rerun, evidence, kind=name),
            )


@hypothesis(*_ACTIVATIONS, *_OVER_AN_AXIS, *_DROPOUTS)
def identity(evidence: Evidence) -> Iterator[Guess]:
    dropping = evidence.theirs.kind in _DROPOUTS
    yield Guess(
        "nothing is dropped in training" if dropping else f"there is no {evidence.theirs.kind}",
        f"{evidence.what} equals the input",
        lambda: Result([evidence.x]),
    )


@hypothesis("GELU")
def sigmoid_gelu(evidence: Evidence) -> Iterator[Guess]:
    yield Guess(
        "GELU is computed by the sigmoid approximation, torch has it not",
        f"{evidence.what} equals x·σ(1.702x)",
        lambda: Result([evidence.x * expit(1.702 * evidence.x)]),
    )


@hypothesis(*_DROPOUTS)
def dropout(evidence: Evidence) -> Iterator[Guess]:
    """What our dropout kept is seen where the output is not zero."""
    p, x, y = evidence.options["p"], evidence.x, evidence.y
    kept = y != 0
    if not (kept.any() and (x[~kept] != 0).any()):
        return
    share = f"{np.mean(~kept):.0%} of {evidence.what} is 0, the rest the input times"
    other = round(1 - float(np.median(x[kept] / y[kept])), 3)  # nobody has more digits
    if evidence.theirs.training and 0 < other < 1 and other != p:
        inverted = np.isclose(other, 1 - p)
        yield Guess(
            f"p is {other:g}: the probability of keeping, torch's {p:g} is that of dropping"
            if inverted
            else f"p is {other:g}, torch's is {p:g}",
            f"{share} 1 / (1 − {other:g})",
            partial(Result, [x * kept / (1 - other)]),
        )
    for training, factor, text in (
        (False, 1 / (1 - p), "dropout is active in evaluation; torch's passes everything on"),
        (False, 1.0, "dropout is active in evaluation, and what it keeps is not scaled"),
        (True, 1 / (1 - p), "dropout keeps other elements than torch's: it draws other random numbers"),
        (True, 1.0, "what dropout keeps is not divided by 1 − p"),
        (True, 1 - p, "what dropout keeps is multiplied by 1 − p, torch divides by it"),
    ):
        if training == evidence.theirs.training:
            yield Guess(
                text,
                f"{share} {factor:g}",
                partial(Result, [x * kept * factor]),
            )


@hypothesis("CrossEntropyLoss")
def softmax_twice(evidence: Evidence) -> Iterator[Guess]:
    """Logits [N, C] and classes [N]."""
    logits, classes = evidence.ours.inputs.values()
    p = Tensor(logits).softmax(1).array
    picked = np.arange(len(p)), classes
    for text, scores in (
        ("the softmax is applied twice: cross entropy takes logits", Tensor(p).log_softmax(1).array[picked]),
        ("the softmax is missing: the inputs are taken for logarithms of probabilities", logits[picked]),
        ("the logarithm is missing", p[picked]),
    ):
        yield Guess(
            text,
            f"{evidence.what} equals the mean of the formula with that change",
            partial(Result, [-scores.mean()]),
        )
