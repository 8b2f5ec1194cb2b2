"""Mistakes that are another option of the same layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from scratchnet.interop.causes.hypothesis import Evidence, Guess, hypothesis, kinds, rerun

_NORMS = (*kinds("BatchNorm", "InstanceNorm"), "LayerNorm", "GroupNorm", "RMSNorm")
_CONVOLUTIONS = kinds("Conv", "ConvTranspose")
_POOLS = kinds("MaxPool", "AvgPool", "LPPool")
_USUAL_EPS = (0.0, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


def _options(evidence: Evidence, name: str, values: Any, kind: str | None = None) -> Iterator[Guess]:
    """The same layer, or the more general one that has this option, with another value of it."""
    theirs, kind = evidence.options[name], kind or evidence.theirs.kind
    for value in values:
        if value != theirs:
            yield Guess(
                f"{name} is {_text(value)}, torch's is {_text(theirs)}",
                f"{evidence.what} equals that of {kind} with {name}={_text(value)}",
                partial(rerun, evidence, kind=kind, **{name: value}),
            )


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _around(value: Any, least: int) -> list[Any]:
    """The same number for all dimensions, from `least` to two more than there are."""
    most = max(value) if isinstance(value, tuple) else value if isinstance(value, int) else 2
    numbers = range(least, most + 3)
    return [(n,) * len(value) for n in numbers] if isinstance(value, tuple) else list(numbers)


@hypothesis(*_NORMS)
def eps(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "eps", _USUAL_EPS)


@hypothesis(*_CONVOLUTIONS, *_POOLS)
def padding(evidence: Evidence) -> Iterator[Guess]:
    value = evidence.options["padding"]
    values = _around(value, 0) if not isinstance(value, str) else [0, 1, 2, 3]
    yield from _options(evidence, "padding", values)


@hypothesis(*kinds("Conv"))
def padding_mode(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "padding_mode", ("zeros", "reflect", "replicate", "circular"))


@hypothesis(*_CONVOLUTIONS, *_POOLS)
def stride(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "stride", _around(evidence.options["stride"], 1))


@hypothesis(*_CONVOLUTIONS, *kinds("MaxPool"))
def dilation(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "dilation", _around(evidence.options["dilation"], 1))


@hypothesis(*_POOLS)
def ceil_mode(evidence: Evidence) -> Iterator[Guess]:
    """Whether a last window that reaches over the edge counts."""
    yield from _options(evidence, "ceil_mode", (True, False))


@hypothesis(*kinds("AvgPool"))
def count_include_pad(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "count_include_pad", (True, False))


_RESAMPLING = ("Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d")


@hypothesis(*_RESAMPLING)
def corners(evidence: Evidence) -> Iterator[Guess]:
    """align_corners: whether the outermost pixels' centres or their edges lie on each other."""
    yield from _options(evidence, "align_corners", (True, False), "Upsample")


@hypothesis(*_RESAMPLING)
def resampling(evidence: Evidence) -> Iterator[Guess]:
    modes = ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear")
    yield from _options(evidence, "mode", modes, "Upsample")


@hypothesis("GELU")
def approximate(evidence: Evidence) -> Iterator[Guess]:
    """erf: x·Φ(x); tanh: ½x(1 + tanh(√(2/π)(x + 0.044715x³)))."""
    for value, name, other in (("tanh", "tanh approximation", "erf"), ("none", "erf", "tanh approximation")):
        if value != evidence.options["approximate"]:
            yield Guess(
                f"GELU is computed by the {name}, torch's by the {other}",
                f'{evidence.what} equals that of GELU with approximate="{value}"',
                partial(rerun, evidence, approximate=value),
            )


@hypothesis("LeakyReLU")
def negative_slope(evidence: Evidence) -> Iterator[Guess]:
    below = evidence.x < 0
    slope = float(np.median(evidence.y[below] / evidence.x[below])) if below.any() else 0.0
    yield from _options(evidence, "negative_slope", [float(f"{slope:.4g}")])


@hypothesis("ELU", "CELU")
def alpha(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "alpha", (0.1, 0.2, 0.5, 1.0, 1.6732632423543772))


@hypothesis("Softplus")
def beta(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "beta", (0.5, 1.0, 2.0, 10.0))


@hypothesis("Softmax", "LogSoftmax", "Softmin", "GLU")
def dim(evidence: Evidence) -> Iterator[Guess]:
    axis, dims = evidence.options["dim"], evidence.x.ndim
    others = [d for d in range(dims) if axis is None or d != axis % dims]
    for other in others:
        text = f"the axis is {other}, torch's is {axis}" if axis is not None else f"the axis is {other}"
        yield Guess(
            text,
            f"{evidence.what} equals that of {evidence.theirs.kind} with dim={other}",
            partial(rerun, evidence, dim=other),
        )


_LOSSES = (
    "CrossEntropyLoss", "NLLLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCELoss", "BCEWithLogitsLoss",
    "KLDivLoss", "PoissonNLLLoss", "GaussianNLLLoss", "SoftMarginLoss", "MultiMarginLoss", "MarginRankingLoss",
    "HingeEmbeddingLoss", "CosineEmbeddingLoss", "TripletMarginLoss",
)  # fmt: skip


@hypothesis(*_LOSSES)
def reduction(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "reduction", ("mean", "sum", "batchmean", "none"))


@hypothesis("CrossEntropyLoss")
def label_smoothing(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "label_smoothing", (0.0, 0.05, 0.1, 0.2))


@hypothesis("SmoothL1Loss")
def width(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "beta", (0.1, 1 / 9, 0.5, 1.0, 2.0))


@hypothesis(*kinds("BatchNorm", "InstanceNorm"))
def momentum(evidence: Evidence) -> Iterator[Guess]:
    """running ← (1 − m)·running + m·batch here; m is the weight of the old value elsewhere."""
    m = evidence.options["momentum"]
    yield Guess(
        f"momentum {m:g} weighs the old running value, torch's weighs the new one",
        f"{evidence.what} equals torch's with momentum {1 - m:g}",
        lambda: rerun(evidence, momentum=1 - m),
    )


@hypothesis(*kinds("BatchNorm", "InstanceNorm"))
def other_momentum(evidence: Evidence) -> Iterator[Guess]:
    m = evidence.options["momentum"]
    values = [v for v in (None, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.9, 0.99, 0.999) if v is None or v != 1 - m]
    yield from _options(evidence, "momentum", values)


@hypothesis("GroupNorm")
def num_groups(evidence: Evidence) -> Iterator[Guess]:
    channels = evidence.x.shape[1]
    yield from _options(evidence, "num_groups", [g for g in range(1, channels + 1) if channels % g == 0])


@hypothesis("MultiheadAttention")
def num_heads(evidence: Evidence) -> Iterator[Guess]:
    features = evidence.options["embed_dim"]
    yield from _options(evidence, "num_heads", [h for h in range(1, features + 1) if features % h == 0])


@hypothesis("LSTM", "GRU", "RNN", "MultiheadAttention")
def batch_first(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "batch_first", (True, False))


@hypothesis("RNN")
def nonlinearity(evidence: Evidence) -> Iterator[Guess]:
    yield from _options(evidence, "nonlinearity", ("tanh", "relu"))
