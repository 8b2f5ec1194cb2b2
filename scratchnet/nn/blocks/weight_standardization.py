"""Convolutions whose filters are normalised instead of their results."""

from __future__ import annotations

import math
from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.modules.conv import Conv1d, Conv2d, Conv3d, _Conv


def centred(weight: Tensor) -> Tensor:
    """W − mean(W) of each filter [out_channels, ...]."""
    return weight - weight.mean(tuple(range(1, weight.ndim)), keepdim=True)


class _WSConv(_Conv):
    """A convolution with standardised filters; `WSConv2d` has the documentation."""

    def __init__(self, *args: Any, eps: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.eps = eps
        if math.prod(self.weight.shape[1:]) < 2:
            raise ValueError(
                f"{type(self).__name__}: a filter of one weight has no standard deviation; got weight of shape "
                f"{tuple(self.weight.shape)}"
            )

    def forward(self, input: Tensor) -> Tensor:
        scale = ops.std(self.weight, tuple(range(1, self.weight.ndim)), keepdim=True) + self.eps
        return self._conv_forward(input, centred(self.weight) / scale, self.bias)


class WSConv1d(_WSConv, Conv1d):
    """`Conv1d` with standardised filters; see `WSConv2d`."""


class WSConv2d(_WSConv, Conv2d):
    """`Conv2d` with filters of mean 0 and standard deviation 1.

        Ŵ = (W − mean(W)) / (std(W) + ε)  of each filter,   y = Ŵ ∗ x + b

    What batch normalisation does to the loss's smoothness is done to the weights, which needs no batch: with group
    normalisation it serves batches of one image. The standard deviation is the unbiased one, as in the authors' code.

    Qiao, Wang, Liu, Shen and Yuille, "Micro-Batch Training with Batch-Channel Normalization and Weight
    Standardization", 2019.

    Parameters
    ----------
    Those of `Conv2d`, and by name
    eps : float

    Raises
    ------
    ValueError
        If a filter has a single weight; also as `Conv2d`.

    Shapes: [N, in_channels, H, W] to [N, out_channels, OH, OW]
    """


class WSConv3d(_WSConv, Conv3d):
    """`Conv3d` with standardised filters; see `WSConv2d`."""


class CenConv2d(Conv2d):
    """`Conv2d` with filters of mean 0, for `MABN2d`, which subtracts no mean:  y = (W − mean(W)) ∗ x + b.

    Yan et al. 2020, see `MABN2d`; arguments, shapes and errors of `Conv2d`.
    """

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, centred(self.weight), self.bias)
