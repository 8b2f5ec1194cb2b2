"""Batch renormalisation: training sees what evaluation will do."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm


class _BatchRenorm(_BatchNorm):
    """The layer for any number of dimensions; `BatchRenorm2d` has the documentation."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.01,
        affine: bool = True,
        r_max: float = 3.0,
        d_max: float = 5.0,
        warmup_steps: int = 5000,
        r_steps: int = 40000,
        d_steps: int = 25000,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, True, device, dtype)
        if r_max < 1 or d_max < 0:
            raise ValueError(f"{type(self).__name__}: expected r_max >= 1 and d_max >= 0, got {r_max} and {d_max}")
        if warmup_steps >= min(r_steps, d_steps):
            raise ValueError(
                f"{type(self).__name__}: warmup_steps must be less than r_steps and d_steps, got {warmup_steps}, {r_steps} "
                f"and {d_steps}"
            )
        self.r_max, self.d_max = r_max, d_max
        self.warmup_steps, self.r_steps, self.d_steps = warmup_steps, r_steps, d_steps

    def limits(self) -> tuple[float, float]:
        """The greatest r and |d| at this step."""
        after = self.num_batches_tracked.item() - self.warmup_steps
        r, d = (min(max(after / (end - self.warmup_steps), 0), 1) for end in (self.r_steps, self.d_steps))
        return 1 + (self.r_max - 1) * r, self.d_max * d

    def _normalise(self, input: Tensor, mean: Tensor | None, var: Tensor | None, own: bool, momentum: float) -> Tensor:
        if not own or mean is None or var is None:
            return super()._normalise(input, mean, var, own, momentum)
        axes, along = (0, *range(2, input.ndim)), (1, -1, *(1,) * (input.ndim - 2))
        past, std = mean.array.copy(), np.sqrt(var.array + self.eps)
        y = F.batch_norm(input, mean, var, None, None, True, momentum, self.eps)  # moves the averages on
        r, d = Tensor(np.ones_like(past)), Tensor(np.zeros_like(past))
        if y.array.size:  # an empty batch has no statistics
            r_max, d_max = self.limits()
            r = Tensor((np.sqrt(input.array.var(axes) + self.eps) / std).clip(1 / r_max, r_max))
            d = Tensor(((input.array.mean(axes) - past) / std).clip(-d_max, d_max))
        if self.weight is not None:
            r, d = r * self.weight, d * self.weight + self.bias
        return y * r.reshape(along) + d.reshape(along)  # the batch is gone through once, for both maps

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, r_max={self.r_max}, "
            f"d_max={self.d_max}"
        )


class BatchRenorm1d(_BatchRenorm, BatchNorm1d):
    """Batch renormalisation of [N, C] or [N, C, L]; see `BatchRenorm2d`."""


class BatchRenorm2d(_BatchRenorm, BatchNorm2d):
    """Batch normalisation, moved and scaled to what the running averages would have given.

        y = γ · ((x − μ_B) / σ_B · r + d) + β
        r = clip(σ_B / σ, 1/r_max, r_max),  d = clip((μ_B − μ) / σ, −d_max, d_max)

    with μ_B, σ_B of the batch and μ, σ of the running averages before it. Without the limits it is (x − μ) / σ, what
    evaluation computes; but no gradient goes through r and d, so that it still is the batch that is normalised. It serves
    small batches, and batches whose elements are alike. r_max and d_max start as 1 and 0 (plain batch normalisation) for
    `warmup_steps` and then grow linearly until `r_steps` and `d_steps`; the defaults are the paper's. The running averages
    are those of `BatchNorm2d`, of variances; the paper's are of standard deviations.

    Ioffe, "Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models", 2017.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
    momentum : float
        Share of each batch in the running averages.
    affine : bool
        Whether there are γ and β.
    r_max, d_max : float
        Limits in the end.
    warmup_steps, r_steps, d_steps : int

    Raises
    ------
    ValueError
        For limits less than 1 and 0, or if the warm-up does not end first; also as `functional.batch_norm`.
    RuntimeError
        As `functional.batch_norm`.

    Shapes: [N, C, H, W] to the same
    """


class BatchRenorm3d(_BatchRenorm, BatchNorm3d):
    """Batch renormalisation of [N, C, D, H, W]; see `BatchRenorm2d`."""
