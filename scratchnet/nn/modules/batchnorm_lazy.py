"""Batch and instance normalisation that read the number of channels off the first input."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.lazy import LazyModuleMixin, UninitializedBuffer, UninitializedParameter, is_lazy
from scratchnet.nn.modules.batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    _NormBase,
)
from scratchnet.nn.modules.factory import full


class _LazyNorm(LazyModuleMixin, _NormBase):
    """A normalisation whose `num_features` are the channels of the first input; the other arguments are the same."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=False)
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = full((), 0, device, np.int64)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params():
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        if self.has_uninitialized_params():
            self.num_features = input.array.shape[1]
            for value in (self.weight, self.bias, self.running_mean, self.running_var):
                if is_lazy(value):
                    value.materialize((self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """`BatchNorm1d` of as many channels as the first input has.

    Input [N, C] or [N, C, L]; becomes a layer of the other class with its first input.
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """`BatchNorm2d` of as many channels as the first input has.

    Input [N, C, H, W]; becomes a layer of the other class with its first input.
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """`BatchNorm3d` of as many channels as the first input has.

    Input [N, C, D, H, W]; becomes a layer of the other class with its first input.
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """`InstanceNorm1d` of as many channels as the first input has.

    Input [N, C, L] or [C, L]; becomes a layer of the other class with its first input.
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """`InstanceNorm2d` of as many channels as the first input has.

    Input [N, C, H, W] or [C, H, W]; becomes a layer of the other class with its first input.
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """`InstanceNorm3d` of as many channels as the first input has.

    Input [N, C, D, H, W] or [C, D, H, W]; becomes a layer of the other class with its first input.
    """

    cls_to_become = InstanceNorm3d
