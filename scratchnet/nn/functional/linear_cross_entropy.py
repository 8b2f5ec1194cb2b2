"""Cross-entropy of a linear layer's outputs, without ever holding them all."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.checkpoint import checkpoint
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.cross_entropy import cross_entropy
from scratchnet.nn.functional.linear import linear
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.elementwise import check_tensor

_POLICIES = ("auto", "accurate", "balanced", "compact")


@dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """How `linear_cross_entropy` cuts the batch into pieces, of which only one's logits [rows, C] exist at a time.

    The logits of a piece are computed again in the backward pass, and so gradients of any order and a second backward
    pass need nothing special.

    Attributes
    ----------
    allow_retain_graph : bool
        Accepted for torch's sake, whose second backward pass needs it.
    batch_chunk_size : int, optional
        Rows of a piece; without `chunking_method`, all.
    chunking_method : "auto", "aspect_ratio", "aspect_ratio:n" or None
        "aspect_ratio" takes as many rows as make the logits of a piece as large as the whole input, rounded up to a
        power of 2; ":n" divides that by n. "auto" is "aspect_ratio:2" ("aspect_ratio" for float16).
    acc_policy : "auto", "accurate", "balanced" or "compact"
        Accepted for torch's sake: what is computed with `acc_dtype` here is all ("accurate").
    acc_dtype : dtype, optional
        In which to compute; the input's, but float32 for float16 if `acc_policy` is "auto".

    Raises
    ------
    ValueError
        For other values; in use, if rows are given twice and differ.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        if self.acc_policy not in _POLICIES:
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}; expected one of {', '.join(_POLICIES)}")
        if self.chunking_method not in (None, "auto"):
            name, _, factor = str(self.chunking_method).partition(":")
            if name != "aspect_ratio" or (":" in str(self.chunking_method) and not (factor.isdigit() and int(factor))):
                raise ValueError(
                    f"invalid chunking_method: {self.chunking_method!r}; expected None, auto, aspect_ratio or aspect_ratio:n"
                )
        rows = self.batch_chunk_size
        if rows is not None and not (isinstance(rows, int) and rows > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {rows!r}")
        if self.acc_dtype is not None and as_dtype(self.acc_dtype).kind != "f":
            raise ValueError(f"acc_dtype must be a floating-point dtype or None, got {self.acc_dtype!r}")

    def rows(self, batch: int, in_features: int, classes: int, dtype: Any) -> int:
        """How many rows a piece of such a batch has."""
        method, given = self.chunking_method, self.batch_chunk_size
        if method is None or (method == "auto" and given is not None):
            return max(1, batch if given is None else min(given, batch))
        if method == "auto":
            method = "aspect_ratio" if dtype == np.float16 else "aspect_ratio:2"
        equal = -(-batch // max(1, -(-classes // max(1, in_features))))
        rows = min((1 << max(equal - 1, 0).bit_length()) // int(method.partition(":")[2] or 1), batch)
        if given is not None and given != rows:
            raise ValueError(
                f"batch_chunk_size (={given}) and chunking_method ('{method}') give different chunk sizes ({given} vs "
                f"{rows}); pass only one."
            )
        return max(1, rows)

    def dtype_for(self, dtype: Any) -> Any:
        """The dtype in which to compute, given that of the input."""
        if self.acc_dtype is None:
            return np.dtype(np.float32) if self.acc_policy == "auto" and dtype == np.float16 else dtype
        wanted = as_dtype(self.acc_dtype)
        if wanted != dtype and not (dtype == np.float16 and wanted == np.float32):
            raise RuntimeError(
                "linear_cross_entropy supports float32 acc_dtype with float16 inputs, but got "
                f"{wanted} acc_dtype and {dtype} inputs."
            )
        return wanted


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    """Cross-entropy of the logits x Wᵀ + b: `cross_entropy(linear(input, linear_weight, linear_bias), target)`.

    Where there are many classes, as words in a vocabulary, the logits are by far the largest array of a step. With
    `options` they are computed piece by piece, and again in the backward pass.

    Parameters
    ----------
    input : [N, F] or [F]
    linear_weight : [C, F], or [C, d1, ..., F] for several predictions of each example
    target : [N], [] or [N, d1, ...] of int64, or probabilities [N, C, d1, ...]
    linear_bias : the shape of linear_weight without F, optional
    weight, reduction, ignore_index, label_smoothing
        As for `cross_entropy`; `ignore_index` is −100 if not given.
    options : LinearCrossEntropyOptions, optional
        For classes without smoothing and d1, …; otherwise there is a warning, and all logits are computed at once.

    Returns
    -------
    [], or of the classes' shape with reduction="none"

    Raises
    ------
    RuntimeError
        If shapes do not fit; if `ignore_index` is given with probabilities.
    ValueError
        If the numbers of examples differ, or the reduction is unknown.
    """
    for x, name in ((input, "input"), (linear_weight, "linear_weight"), (target, "target")):
        check_tensor(x, "linear_cross_entropy", name)
    classes, *inner = _check_shapes(input.shape, linear_weight.shape, linear_bias)
    logits_shape = (*input.shape[:-1], classes, *inner)
    if target.shape == logits_shape and ignore_index is not None:
        raise RuntimeError("linear_cross_entropy: ignore_index cannot be specified when target contains probabilities")
    settings: dict[str, Any] = dict(weight=weight, ignore_index=-100 if ignore_index is None else ignore_index)
    if options is not None:
        if not inner and not label_smoothing and target.dtype == np.int64 and reduction in ("mean", "sum", "none"):
            return _in_pieces(input, linear_weight, linear_bias, target, reduction, options, settings)
        warnings.warn(
            "linear_cross_entropy: ``options`` ignored; in pieces needs reduction in {'mean','sum','none'}, "
            f"label_smoothing == 0, target.dtype == int64 and linear_weight [C, F]. Got {reduction=}, {label_smoothing=}, "
            f"target.dtype={target.dtype}, linear_weight of shape {tuple(linear_weight.shape)}.",
            stacklevel=2,
        )
    if inner:
        rows = math.prod((classes, *inner))
        linear_weight = linear_weight.reshape(rows, -1)
        linear_bias = None if linear_bias is None else linear_bias.reshape(rows)
    logits = linear(input, linear_weight, linear_bias).reshape(logits_shape)
    return cross_entropy(logits, target, reduction=reduction, label_smoothing=label_smoothing, **settings)


def _check_shapes(x: Any, w: Any, bias: Tensor | None) -> tuple[int, ...]:
    """The shape of one example's logits."""
    if len(x) not in (1, 2):
        raise RuntimeError(f"linear_cross_entropy: expected input with dimensionality 1 or 2, got {len(x)}")
    if len(w) < 2:
        raise RuntimeError(f"linear_cross_entropy: expected linear_weight with dimensionality at least 2, got {len(w)}")
    if x[-1] != w[-1]:
        raise RuntimeError(
            "linear_cross_entropy: expected equal input and linear_weight last dimensions (in_features), got "
            f"{x[-1]} and {w[-1]}, respectively"
        )
    if bias is not None and bias.shape != w[:-1]:
        raise RuntimeError(
            f"linear_cross_entropy: expected linear_bias shape {tuple(w[:-1])}, got {tuple(bias.shape)}"
        )
    if len(w) > 2 and len(x) == 1:
        raise RuntimeError(
            f"linear_cross_entropy: linear_weight of shape {tuple(w)} requires batched input, (N, {x[-1]}), got "
            f"unbatched input with shape {tuple(x)}"
        )
    return tuple(w[:-1])


def _in_pieces(
    input: Tensor,
    w: Tensor,
    b: Tensor | None,
    target: Tensor,
    reduction: str,
    options: LinearCrossEntropyOptions,
    settings: dict[str, Any],
) -> Tensor:
    """The loss of pieces of the batch, each of which forgets its logits until backward."""
    single, dtype = input.ndim == 1, options.dtype_for(input.dtype)
    x, t = (input.unsqueeze(0), target.unsqueeze(0)) if single else (input, target)
    if t.ndim != 1 or len(t) != len(x):
        raise ValueError(f"linear_cross_entropy: input of shape {tuple(input.shape)} does not fit target {tuple(target.shape)}")
    rows = options.rows(x.shape[0], x.shape[1], w.shape[0], x.dtype)
    x, w, b = x.to(dtype), w.to(dtype), None if b is None else b.to(dtype)
    weight = None if settings["weight"] is None else settings["weight"].to(dtype)
    settings = {**settings, "weight": weight}

    def loss(x: Tensor, t: Tensor) -> Tensor:
        return cross_entropy(linear(x, w, b), t, reduction="none" if reduction == "none" else "sum", **settings)

    pieces = [checkpoint(loss, x[i : i + rows], t[i : i + rows]) for i in range(0, max(len(x), 1), rows)]
    if reduction == "none":
        result = ops.cat(pieces)
        result = result.squeeze(0) if single else result
    else:
        result = ops.stack(pieces).sum()
        if reduction == "mean":
            result = result / Tensor(_total_weight(t.array, weight, settings["ignore_index"], dtype))
    return result.to(input.dtype)


def _total_weight(target: Any, weight: Tensor | None, ignore_index: int, dtype: Any) -> Any:
    """Σ w_t of what is not ignored: what the mean is divided by."""
    chosen = target[target != ignore_index]
    return np.asarray(len(chosen) if weight is None else weight.array[chosen].sum(), dtype, like=target)
