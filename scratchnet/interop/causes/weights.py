"""Mistakes that are other parameters of the same layer: transposed, flipped, permuted, forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import permutations

import numpy as np

from scratchnet.interop.causes.hypothesis import Evidence, Guess, hypothesis, kinds, rerun


def _with(evidence: Evidence, **changed: np.ndarray) -> dict[str, np.ndarray]:
    return {**evidence.state, **changed}


@hypothesis("Linear", "Bilinear")
def transposed(evidence: Evidence) -> Iterator[Guess]:
    yield Guess(
        "the weight is transposed",
        f"{evidence.what} equals x·W + b; torch's is x·Wᵀ + b",
        lambda: rerun(evidence, _with(evidence, weight=evidence.state["weight"].swapaxes(-1, -2))),
    )


@hypothesis("RNN", "RNNCell", "LSTM", "LSTMCell", "GRU", "GRUCell", "MultiheadAttention")
def transposed_blocks(evidence: Evidence) -> Iterator[Guess]:
    """Square matrices, one or several stacked: h·W in place of h·Wᵀ goes unnoticed by their shapes."""
    for name, w in evidence.state.items():
        if w.ndim == 2 and len(w) % w.shape[1] == 0:
            blocks = w.reshape(-1, w.shape[1], w.shape[1])
            yield Guess(
                f"{name} is transposed",
                f"{evidence.what} equals torch's with {name}, or each of its square parts, transposed",
                partial(rerun, evidence, _with(evidence, **{name: blocks.swapaxes(1, 2).reshape(w.shape)})),
            )


@hypothesis(*kinds("Conv", "ConvTranspose"))
def kernel(evidence: Evidence) -> Iterator[Guess]:
    weight = evidence.state["weight"]
    around = tuple(range(2, weight.ndim))
    yield Guess(
        "the kernel is flipped: a convolution in the mathematical sense, torch's is a cross-correlation",
        f"{evidence.what} equals torch's with the weight flipped along its spatial axes",
        lambda: rerun(evidence, _with(evidence, weight=np.flip(weight, around).copy())),
    )
    for a, b in ((-1, -2), (0, 1)):
        if weight.ndim > 3 or (a, b) == (0, 1):
            yield Guess(
                f"the weight is transposed, axes {a % weight.ndim} and {b % weight.ndim}",
                f"{evidence.what} equals torch's with these axes of the weight exchanged",
                partial(rerun, evidence, _with(evidence, weight=weight.swapaxes(a, b).copy())),
            )


@hypothesis()
def bias(evidence: Evidence) -> Iterator[Guess]:
    """Each bias, and all of them together: forgotten, added twice, subtracted."""
    names = evidence.biases
    groups = [[name] for name in names] + ([names] if len(names) > 1 else [])
    for group in groups:
        of = " and ".join(group) if len(group) < 3 else "every bias"
        for factor, text in ((0, "is missing"), (2, "is added twice"), (-1, "is subtracted")):
            changed = {name: factor * evidence.state[name] for name in group}
            yield Guess(
                f"{'the bias' if of == 'bias' else of} {text}",
                f"{evidence.what} equals torch's with {factor} times {of}",
                partial(rerun, evidence, _with(evidence, **changed)),
            )


@hypothesis(*kinds("BatchNorm", "InstanceNorm"), "LayerNorm", "GroupNorm", "RMSNorm")
def scale(evidence: Evidence) -> Iterator[Guess]:
    changed = {name: np.ones_like(evidence.state[name]) for name in ("weight",) if name in evidence.state}
    if changed:
        yield Guess(
            "the weight is missing: nothing is scaled after the normalisation",
            f"{evidence.what} equals torch's with a weight of ones",
            lambda: rerun(evidence, _with(evidence, **changed)),
        )
        both = {**changed, **{name: np.zeros_like(evidence.state[name]) for name in evidence.biases}}
        yield Guess(
            "weight and bias are missing",
            f"{evidence.what} equals torch's without an affine part",
            lambda: rerun(evidence, _with(evidence, **both)),
        )


def _reordered(evidence: Evidence, order: tuple[int, ...], names: list[str]) -> dict[str, np.ndarray]:
    def move(a: np.ndarray) -> np.ndarray:
        blocks = np.split(a, len(order))
        return np.concatenate([blocks[k] for k in order])

    return _with(evidence, **{name: move(evidence.state[name]) for name in names})


def _orders(evidence: Evidence, parts: str, names: list[str], what: str) -> Iterator[Guess]:
    """Stacked parts of parameters, taken to be in another order than torch's."""
    for taken in permutations(parts):
        if "".join(taken) != parts:
            order = tuple(taken.index(part) for part in parts)
            yield Guess(
                f"the {what} are taken in the order {', '.join(taken)}; torch stacks them {', '.join(parts)}",
                f"{evidence.what} equals torch's with the rows of {names[0]} and the others in that order",
                partial(rerun, evidence, _reordered(evidence, order, names)),
            )


@hypothesis("LSTM", "LSTMCell", "GRU", "GRUCell")
def gates(evidence: Evidence) -> Iterator[Guess]:
    parts = "ifgo" if evidence.theirs.kind.startswith("LSTM") else "rzn"
    names = [name for name in evidence.state if not name.startswith("weight_hr")]
    yield from _orders(evidence, parts, names, "gates")


@hypothesis("MultiheadAttention")
def projections(evidence: Evidence) -> Iterator[Guess]:
    names = [name for name in evidence.state if name.startswith("in_proj")]
    yield from _orders(evidence, "qkv", names, "projections")
