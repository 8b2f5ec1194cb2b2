"""The loss of sequences that are not aligned with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.loss_ctc import ctc_backward, ctc_forward
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.ops.elementwise import check_tensor


class CTC(Function):
    """y_n = −log Σ over the alignments of the labels of sequence n of Π_t p_t(label): the kernel has the recursion.

    The gradient is that to the logits whose log_softmax the input is, as in torch: what log_softmax subtracts is
    subtracted already, and does no harm the second time. It has no derivative, as in torch.
    """

    reads = ((0,),)
    notes = ("log_alpha", "loss")

    def __init__(self, labels: Any, input_lengths: Any, label_lengths: Any, blank: int, zero_infinity: bool) -> None:
        self.labels = labels, input_lengths, label_lengths, blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Any) -> Any:
        self.loss, self.log_alpha = ctc_forward(log_probs, *self.labels)
        return np.where(np.isinf(self.loss), log_probs.dtype.type(0), self.loss) if self.zero_infinity else self.loss.copy()

    def backward(self, g: Tensor) -> Tensor:
        return CTCGradient(self.log_alpha, self.loss, self.labels, self.zero_infinity)(g, self.inputs[0])

    def fused_backward(self, g: Any) -> Any:
        return ctc_backward(g, self.inputs[0], self.log_alpha, self.loss, *self.labels, self.zero_infinity)


class CTCGradient(Function):
    """The gradient of `CTC`, which has no derivative."""

    reads = NOTHING

    def __init__(self, *settings: Any) -> None:
        self.settings = settings

    def forward(self, g: Any, log_probs: Any) -> Any:
        log_alpha, loss, labels, zero_infinity = self.settings
        return ctc_backward(g, log_probs, log_alpha, loss, *labels, zero_infinity)

    def backward(self, g: Tensor) -> Tensor:
        raise RuntimeError("ctc_loss: the second derivative is not implemented")


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """−log of the probability that the labels are read out of log_probs: repeated labels are merged, blanks left out.

    Graves, Fernández, Gomez and Schmidhuber, "Connectionist Temporal Classification", 2006.

    Parameters
    ----------
    log_probs : [T, N, C] or [T, C]
        Logarithms of probabilities, from `log_softmax`.
    targets : integers [N, S], or the labels of all sequences one after the other
    input_lengths, target_lengths : integers [N], at most T and S; Tensors or sequences
    blank : int
        The class that stands for no label.
    reduction : "mean", "sum" or "none"
        "mean" divides each loss by its number of labels, then takes the mean.
    zero_infinity : bool
        Sequences too short for their labels have loss 0 and no gradient, instead of ∞.

    Raises
    ------
    RuntimeError
        If lengths, labels, shapes or the blank do not fit.
    NotImplementedError
        If log_probs does not hold floating-point numbers.
    ValueError
        If the reduction is unknown.
    """
    check_reduction(reduction)
    x = require_float(log_probs, "ctc_loss", "log_probs")
    labels = check_tensor(targets, "ctc_loss", "targets").array
    if x.array.ndim not in (2, 3):
        raise RuntimeError(f"ctc_loss: expected log_probs of shape [T, N, C] or [T, C], got {x.array.shape}")
    batched = x.array.ndim == 3
    x = x if batched else x.unsqueeze(1)
    _, n, classes = x.array.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank must be in label range 0 to {classes - 1}, got {blank}")
    frames, counts = _lengths(input_lengths, n, "input"), _lengths(target_lengths, n, "target")
    rows = _padded(labels, counts, n, blank)
    loss = CTC(rows, frames, counts, blank, zero_infinity)(x)
    if reduction == "mean":
        loss = loss / Tensor(np.maximum(counts, 1).astype(x.array.dtype))
    return reduce_loss(loss if batched else loss.reshape(()), reduction)


def _lengths(value: Any, n: int, name: str) -> Any:
    given = value.array if isinstance(value, Tensor) else np.asarray(value if isinstance(value, Sequence) else [value])
    if given.dtype.kind not in "iu" and given.size:
        raise RuntimeError(f"ctc_loss: {name}_lengths must be integral, got {given.dtype}")
    if given.size != n:
        raise RuntimeError(f"ctc_loss: {name}_lengths must be of size batch_size {n}, got {given.size}")
    return given.reshape(-1).astype(np.int64)


def _padded(labels: Any, lengths: Any, n: int, blank: int) -> Any:
    """The labels as [N, longest], with blanks behind them."""
    longest = int(lengths.max(initial=0))
    rows = np.full((n, longest), blank, np.int64)
    inside = np.arange(longest) < lengths[:, None]
    if labels.ndim == 1:
        if labels.size < lengths.sum():
            raise RuntimeError(f"ctc_loss: expected {lengths.sum()} targets for these target_lengths, got {labels.size}")
        rows[inside] = labels[: lengths.sum()]
    elif labels.ndim == 2 and labels.shape[0] == n and labels.shape[1] >= longest:
        rows[inside] = labels[:, :longest][inside]
    else:
        raise RuntimeError(f"ctc_loss: expected targets of shape [{n}, at least {longest}] or [all], got {labels.shape}")
    return rows
