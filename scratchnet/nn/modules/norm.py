"""Normalising layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import full, positive, unset


class _BatchNorm(Module):
    """What the batch-normalising layers share; they differ in the inputs they take.

    Parameters
    ----------
    num_features : int
        Number of channels C.
    eps : float
        Added to the variance.
    momentum : float or None
        Share of each batch in the running averages; None gives all batches the same weight.
    affine : bool
        Whether there are a weight and a bias, which start as 1 and 0.
    track_running_stats : bool
        Whether running averages are kept, for `eval`; without them every batch is normalised by its own.
    bias : bool
        With False, no bias.
    """

    _version = 2

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        n = self.num_features = positive(num_features, type(self).__name__, "num_features")
        self.eps, self.momentum, self.affine, self.track_running_stats = (
            eps,
            momentum,
            affine,
            track_running_stats,
        )
        self.register_parameter("weight", unset(n, device, dtype) if affine else None)
        self.register_parameter("bias", unset(n, device, dtype) if affine and bias else None)
        track = track_running_stats
        self.register_buffer("running_mean", full(n, 0, device, dtype) if track else None)
        self.register_buffer("running_var", full(n, 1, device, dtype) if track else None)
        self.register_buffer("num_batches_tracked", full((), 0, device, np.int64) if track else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget all batches."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and forget all batches."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        momentum = self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.array += 1
            if momentum is None:
                momentum = 1 / self.num_batches_tracked.item()
        mean, var = self.running_mean, self.running_var
        if self.training and not self.track_running_stats:
            mean = var = None
        own = self.training or (mean is None and var is None)
        return F.batch_norm(
            input, mean, var, self.weight, self.bias, own, 0.0 if momentum is None else momentum, self.eps
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *rest: Any) -> None:
        if local_metadata.get("version", 1) < 2 and self.track_running_stats:  # saved before batches were counted
            state_dict.setdefault(prefix + "num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class BatchNorm1d(_BatchNorm):
    __doc__ = f"Batch normalisation of [N, C] or [N, C, L], see `functional.batch_norm`.\n{_BatchNorm.__doc__}"

    def _check_input_dim(self, input: Tensor) -> None:
        if input.array.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.array.ndim}D input)")


class BatchNorm2d(_BatchNorm):
    __doc__ = f"Batch normalisation of [N, C, H, W], see `functional.batch_norm`.\n{_BatchNorm.__doc__}"

    def _check_input_dim(self, input: Tensor) -> None:
        if input.array.ndim != 4:
            raise ValueError(f"expected 4D input (got {input.array.ndim}D input)")


class LayerNorm(Module):
    """Normalisation over the last dimensions, see `functional.layer_norm`.

    Parameters
    ----------
    normalized_shape : int or sequence of ints
        Sizes of those dimensions.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether there is a weight, which starts as 1, for every element.
    bias : bool
        Whether there is a bias too, which starts as 0.
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.register_parameter("weight", unset(shape, device, dtype) if elementwise_affine else None)
        self.register_parameter("bias", unset(shape, device, dtype) if elementwise_affine and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )
