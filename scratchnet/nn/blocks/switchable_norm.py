"""Switchable normalisation: the network learns whose mean and variance to use."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from scratchnet import ops
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.functional.arguments import require_channels
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import full, positive, unset


class _SwitchableNorm(Module):
    """The layer over `dims` spatial dimensions; `SwitchableNorm2d` has the documentation."""

    dims: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.9,
        using_moving_average: bool = True,
        using_bn: bool = True,
        last_gamma: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_features = positive(num_features, type(self).__name__, "num_features")
        self.eps, self.momentum, self.using_moving_average = eps, momentum, using_moving_average
        self.using_bn, self.last_gamma = using_bn, last_gamma
        affine = (1, num_features, *(1,) * self.dims)
        kinds = (self.dims > 0) + 1 + using_bn
        self.weight, self.bias = unset(affine, device, dtype), unset(affine, device, dtype)
        self.mean_weight, self.var_weight = unset(kinds, device, dtype), unset(kinds, device, dtype)
        statistics = affine[:3]
        self.register_buffer("running_mean", full(statistics, 0, device, dtype) if using_bn else None)
        self.register_buffer("running_var", full(statistics, 0, device, dtype) if using_bn else None)
        counted = using_bn and not using_moving_average
        self.register_buffer("num_batches_tracked", full((), 0, device, np.int64) if counted else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Give all kinds the same weight, the result weight 1 (0 with `last_gamma`) and bias 0; forget all batches."""
        init.constant_(self.weight, 0.0 if self.last_gamma else 1.0)
        init.zeros_(self.bias)
        init.ones_(self.mean_weight)
        init.ones_(self.var_weight)
        self.reset_running_stats()

    def reset_running_stats(self) -> None:
        """Forget all batches."""
        for statistic in (self.running_mean, self.running_var, self.num_batches_tracked):
            if statistic is not None:
                statistic.zero_()

    def forward(self, input: Tensor) -> Tensor:
        require_channels(input, self.dims + 2, self.num_features, type(self).__name__)
        x = input.flatten(2) if self.dims else input
        means, variances = zip(*self._kinds(x))
        mean, var = self._mixed(self.mean_weight, means), self._mixed(self.var_weight, variances)
        y = (x - mean) * ops.rsqrt(var + self.eps)
        return y.reshape(input.shape) * self.weight + self.bias

    def _mixed(self, weight: Tensor, statistics: tuple[Tensor, ...]) -> Tensor:
        terms = [share * value for share, value in zip(F.softmax(weight, 0), statistics)]
        return sum(terms[1:], terms[0])

    def _kinds(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """(mean, variance) of each image's channel, each image, each channel; of vectors [N, C] of the last two."""
        own = self.using_bn and self.training and len(x) > 0  # an empty batch has no statistics
        if not self.dims:
            kinds = [self._of(x, 1)]
            batch = self._of(x, 0) if own else None
        else:
            mean, var = self._of(x, 2)  # the others' follow from these: x is read once
            kinds = [(mean, var), _pooled(mean, var, 1)]
            batch = _pooled(mean, var, 0) if own else None
        if batch is not None:
            self._track(*batch)
        elif self.using_bn:
            batch = self.running_mean, self.running_var
        return kinds if batch is None else [*kinds, batch]

    def _of(self, x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        if x.array.shape[dim] < 2:
            raise ValueError(
                f"{type(self).__name__}: expected more than 1 value to take the variance of, got {x.array.shape[dim]} "
                f"along dimension {dim} of shape {x.array.shape}"
            )
        var, mean = ops.var_mean(x, dim, keepdim=True)
        return mean, var

    @no_grad()
    def _track(self, mean: Tensor, var: Tensor) -> None:
        if self.using_moving_average:
            self.running_mean.mul_(self.momentum).add_(mean * (1 - self.momentum))
            self.running_var.mul_(self.momentum).add_(var * (1 - self.momentum))
            return
        self.num_batches_tracked.add_(1)
        share = 1 / self.num_batches_tracked.item()
        step = mean - self.running_mean
        self.running_mean.add_(step * share)
        self.running_var.add_((var - self.running_var + step * step * (1 - share)) * share)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *rest: Any) -> None:
        if self.num_batches_tracked is not None:  # the authors' code does not count
            state_dict.setdefault(prefix + "num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"using_moving_average={self.using_moving_average}, using_bn={self.using_bn}"
        )


def _pooled(mean: Tensor, var: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of what several parts of equal size have together: within them, and of their means."""
    between, together = ops.var_mean(mean, dim, correction=0, keepdim=True)
    return together, var.mean(dim, keepdim=True) + between


class SwitchableNorm1d(_SwitchableNorm):
    """Switchable normalisation of vectors [N, C]: over each vector and over the batch; see `SwitchableNorm2d`."""

    dims = 0


class SwitchableNorm2d(_SwitchableNorm):
    """Normalises by a learned mixture of the statistics of instance, layer and batch normalisation.

        y = γ · (x − Σ_k w_k μ_k) / √(Σ_k w'_k σ²_k + ε) + β,   w = softmax(λ), w' = softmax(λ')

    k runs over in (each channel of each image), ln (each image) and bn (each channel of the batch). Only μ_in and σ²_in are
    taken from x:  μ_ln = mean_c μ_in,  σ²_ln = mean_c σ²_in + mean_c (μ_in − μ_ln)²,  and for bn the same over the batch.
    (The paper's mean_c(σ²_in + μ_in²) − μ_ln² is the same, and lost to rounding for means far from 0.) As in the authors'
    code σ²_in is the unbiased estimate.

    Luo, Ren, Peng, Zhang and Li, "Differentiable Learning-to-Normalize via Switchable Normalization", 2018.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
    momentum : float
        Share of the past in the running averages (in torch's batch normalisation it is that of the present). The authors'
        layers of other than two dimensions have 0.997.
    using_moving_average : bool
        In evaluation mode bn uses running averages of past batches; with False the average over all batches since
        `reset_running_stats`, to be called before some batches are shown without changing the weights (the paper's
        batch average). Both variances are averages over batches; the second adds what means of batches differ by.
    using_bn : bool
        With False only in and ln are mixed.
    last_gamma : bool
        γ starts as 0, for the end of a residual branch.

    Attributes
    ----------
    weight, bias : [1, C, 1, 1]
        γ and β.
    mean_weight, var_weight : [3]
        λ and λ', which start as 1: all have the same share.
    running_mean, running_var : [1, C, 1]
        Names and shapes of the authors' code; num_batches_tracked beside them if all batches weigh the same.

    Raises
    ------
    ValueError
        If the input has another number of dimensions, or there is a single value to take a variance of.
    RuntimeError
        If it has another number of channels.

    Shapes: [N, C, H, W] to the same
    """

    dims = 2


class SwitchableNorm3d(_SwitchableNorm):
    """Switchable normalisation of volumes [N, C, D, H, W]; see `SwitchableNorm2d`."""

    dims = 3
