"""A softmax over so many classes that not all of them are computed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.containers import ModuleList, Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.modules.linear import Linear


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """log softmax of classes sorted by frequency: the frequent ones directly, the rare ones in clusters.

    The head knows the first `cutoffs[0]` classes and one class for each cluster of rarer ones; a cluster's own layers
    run only for examples whose class lies in it, through a projection that is `div_value` times narrower for each
    cluster.  log p(class) = log p_head(cluster) + log p_cluster(class).

    Grave, Joulin, Cissé, Grangier and Jégou, "Efficient softmax approximation for GPUs", 2016.

    Parameters
    ----------
    in_features : int
    n_classes : int
        Numbered by descending frequency.
    cutoffs : sequence of ints
        The first class of each cluster.
    div_value : float
    head_bias : bool
        Whether the head has a bias.

    Input [N, in_features] or [in_features], target [N] or []; the result is a pair of log p(target), of the target's
    shape, and its mean [], negative: the loss.

    Raises
    ------
    ValueError
        If the cutoffs are not increasing and between 1 and n_classes − 1.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        ends = list(cutoffs)
        whole = all(int(c) == c for c in ends)
        if not ends or not whole or any(a >= b for a, b in itertools.pairwise([0, *ends, n_classes])):
            raise ValueError(
                f"cutoffs should be a sequence of unique, positive integers in increasing order between 1 and "
                f"n_classes - 1 = {n_classes - 1}, got {ends}"
            )
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*ends, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = ends[0], len(ends)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (first, last) in enumerate(itertools.pairwise(self.cutoffs)):
            width = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, width, False, device, dtype), Linear(width, last - first, False, device, dtype)
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        for layer in (self.head, *itertools.chain.from_iterable(self.tail)):
            layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """log p(target) of each example, and the mean of their negatives.

        Parameters
        ----------
        input_ : [N, in_features] or [in_features]
        target_ : [N] or [], int64
        """
        x, target = self._as_batch(input_, target_)
        classes = target.array
        if classes.size and not 0 <= classes.min() <= classes.max() < self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{classes.min()}, {classes.max()}] were found."
            )
        head_class, output = target, ops.zeros(len(classes), dtype=x.dtype)
        for i, (first, last) in enumerate(itertools.pairwise(self.cutoffs)):
            rows = Tensor(((classes >= first) & (classes < last)).nonzero()[0])
            if not rows.array.size:
                continue
            head_class = head_class.index_fill(0, rows, self.shortlist_size + i)
            log_p = F.log_softmax(self.tail[i](x.index_select(0, rows)), 1)
            own = (target.index_select(0, rows) - first).unsqueeze(1)
            output = output.index_add(0, rows, log_p.gather(1, own).squeeze(1))
        output = output + F.log_softmax(self.head(x), 1).gather(1, head_class.unsqueeze(1)).squeeze(1)
        loss = (-output).mean()
        return _ASMoutput(output if target_.array.ndim else output.squeeze(0), loss)

    def _as_batch(self, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        dims = target.array.ndim
        if dims > 1:
            raise RuntimeError(
                f"0D or 1D target tensor expected, multi-target not supported; got shape {tuple(target.shape)}"
            )
        if dims and x.array.shape[0] != target.array.shape[0]:
            raise RuntimeError(
                f"Input and target should have the same size in the batch dimension, got shapes {tuple(x.shape)} and "
                f"{tuple(target.shape)}."
            )
        if x.array.ndim != dims + 1:
            raise RuntimeError(
                f"{dims}D target tensor expects {dims + 1}D input tensors, but found inputs with size {x.shape}"
            )
        return (x, target) if dims else (x.unsqueeze(0), target.unsqueeze(0))

    def log_prob(self, input: Tensor) -> Tensor:
        """log p of all classes, [N, n_classes], of inputs [N, in_features]."""
        head = F.log_softmax(self.head(input), 1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            parts.append(F.log_softmax(cluster(input), 1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return ops.cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The class of the highest probability, [N]; clusters are computed for the examples that need them."""
        best = self.head(input).argmax(1)
        rows = Tensor((best.array >= self.shortlist_size).nonzero()[0])
        if not rows.array.size:
            return best
        return best.index_copy(0, rows, self.log_prob(input.index_select(0, rows)).argmax(1))
