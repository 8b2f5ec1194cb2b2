"""Mistakes of normalisation layers that no option of theirs gives."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from scratchnet.interop.causes.hypothesis import Evidence, Guess, Result, hypothesis, kinds

_BATCH, _INSTANCE = kinds("BatchNorm"), kinds("InstanceNorm")
_CENTRED = (*_BATCH, *_INSTANCE, "LayerNorm", "GroupNorm")


def usual_axes(evidence: Evidence) -> tuple[int, ...]:
    """The axes over which torch's layer takes the mean, of the input as `grouped` shapes it."""
    dims = evidence.x.ndim
    if evidence.theirs.kind in _BATCH:
        return (0, *range(2, dims))
    if evidence.theirs.kind in ("LayerNorm", "RMSNorm"):
        return tuple(range(dims - len(evidence.options["normalized_shape"]), dims))
    return tuple(range(2, dims + (evidence.theirs.kind == "GroupNorm")))


def grouped(evidence: Evidence, a: np.ndarray) -> np.ndarray:
    """[N, C, ...] as [N, groups, C / groups, ...] for GroupNorm."""
    if evidence.theirs.kind != "GroupNorm":
        return a
    return a.reshape(a.shape[0], evidence.options["num_groups"], -1, *a.shape[2:])


def per_element(evidence: Evidence, name: str, default: float) -> Any:
    """Weight or bias, in a shape that broadcasts against the input."""
    if name not in evidence.state:
        return default
    a = evidence.state[name]
    if evidence.theirs.kind in ("LayerNorm", "RMSNorm"):
        return a
    return a.reshape(-1, *(1,) * (evidence.x.ndim - 2))


def _normalised(evidence: Evidence, axes: tuple[int, ...], ddof: int = 0, form: str = "usual") -> Result:
    x = grouped(evidence, evidence.x)
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True, ddof=ddof)
    return _scaled(evidence, x, mean, var, form)


def _scaled(evidence: Evidence, x: np.ndarray, mean: Any, var: Any, form: str = "usual") -> Result:
    eps = x.dtype.type(evidence.options["eps"])
    if form == "eps outside":
        z = (x - mean) / (np.sqrt(var) + eps)
    elif form == "variance":
        z = (x - mean) / (var + eps)
    elif form == "not centred":
        z = x / np.sqrt(var + eps)
    else:
        z = (x - mean) / np.sqrt(var + eps)
    z = z.reshape(evidence.x.shape)
    return Result([z * per_element(evidence, "weight", 1) + per_element(evidence, "bias", 0)])


@hypothesis(*_CENTRED)
def variance(evidence: Evidence) -> Iterator[Guess]:
    axes = usual_axes(evidence)
    for text, ddof, form in (
        ("the variance is the unbiased one, divided by n − 1; torch normalises with the biased one", 1, "usual"),
        ("eps is added to the standard deviation, torch adds it to the variance", 0, "eps outside"),
        ("the variance is unbiased, and eps is added to the standard deviation", 1, "eps outside"),
        ("it divides by the variance, not by its root", 0, "variance"),
        ("the mean is not subtracted", 0, "not centred"),
    ):
        yield Guess(
            text,
            f"{evidence.what} equals the formula with that change",
            partial(_normalised, evidence, axes, ddof, form),
        )


@hypothesis(*_CENTRED)
def axes(evidence: Evidence) -> Iterator[Guess]:
    if evidence.theirs.kind in _BATCH and not evidence.theirs.training:
        return
    usual = usual_axes(evidence)
    dims = evidence.x.ndim + (evidence.theirs.kind == "GroupNorm")
    for n in range(1, dims + 1):
        for others in combinations(range(dims), n):
            if others != usual:
                yield Guess(
                    f"mean and variance are taken over axes {_list(others)}, torch takes them over {_list(usual)}",
                    f"{evidence.what} equals the formula over these axes",
                    partial(_normalised, evidence, others),
                )


def _list(axes: tuple[int, ...]) -> str:
    return ", ".join(map(str, axes))


@hypothesis(*_BATCH)
def statistics(evidence: Evidence) -> Iterator[Guess]:
    """Whose mean and variance: those of the batch in training, the running ones in evaluation."""
    if evidence.theirs.training:
        shape = (-1, *(1,) * (evidence.x.ndim - 2))
        yield Guess(
            "the running statistics are used in training, torch uses those of the batch",
            f"{evidence.what} equals the formula with the running mean and variance",
            lambda: _scaled(
                evidence,
                evidence.x,
                evidence.state["running_mean"].reshape(shape),
                evidence.state["running_var"].reshape(shape),
            ),
        )
    else:
        yield Guess(
            "the statistics of the batch are used in evaluation, torch uses the running ones",
            f"{evidence.what} equals the formula with the mean and variance of the batch",
            lambda: _normalised(evidence, usual_axes(evidence)),
        )


@hypothesis(*_BATCH)
def running(evidence: Evidence) -> Iterator[Guess]:
    """What the running statistics become; torch's running variance is unbiased, though it normalises with the other."""
    if evidence.kind != "buffer":
        return
    m = evidence.options["momentum"]
    yield Guess(
        f"{evidence.what} is not updated",
        "it is what it was before",
        lambda: Result(buffers={evidence.what: evidence.state[evidence.what]}),
    )
    for weight, also in ((m, ""), (1 - m, f", and momentum {m:g} weighs the old value")):
        yield Guess(
            f"running_var takes the biased variance, torch's the unbiased one{also}",
            "running_var equals the formula with the variance divided by n",
            partial(_running_variance, evidence, weight, 0),
        )


def _running_variance(evidence: Evidence, weight: float, ddof: int) -> Result:
    batch = evidence.x.var(usual_axes(evidence), ddof=ddof)
    return Result(buffers={"running_var": (1 - weight) * evidence.state["running_var"] + weight * batch})


@hypothesis(*_CENTRED, "RMSNorm", backward=True)
def constants(evidence: Evidence) -> Iterator[Guess]:
    """The gradient of the input through z = (x − μ)/σ, if it forgets that μ and σ depend on x."""
    if evidence.kind != "gradient of input" or (evidence.theirs.kind in _BATCH and not evidence.theirs.training):
        return
    x = grouped(evidence, evidence.x)
    over = usual_axes(evidence)
    g = grouped(evidence, evidence.g * per_element(evidence, "weight", 1))
    centre = 0 if evidence.theirs.kind == "RMSNorm" else x.mean(over, keepdims=True)
    eps = evidence.options["eps"]
    deviation = np.sqrt(((x - centre) ** 2).mean(over, keepdims=True) + (np.finfo(x.dtype).eps if eps is None else eps))
    for text, mean_of_g in (
        ("mean and variance are treated as constants in the backward pass", 0),
        ("the variance is treated as a constant in the backward pass", g.mean(over, keepdims=True)),
    ):
        yield Guess(
            text,
            "the gradient equals that of the formula without this dependence on the input",
            partial(np.reshape, (g - mean_of_g) / deviation, evidence.x.shape),
        )
