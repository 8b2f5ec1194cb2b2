"""Layers that normalise channels and keep running averages: of the batch, or of each of its elements."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.functional.sync_batch_norm import Replica, sync_batch_norm
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import full, positive, unset


class _NormBase(Module):
    """What the layers share that normalise channels; they differ in the inputs they take.

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
        self.eps, self.momentum, self.affine, self.track_running_stats = eps, momentum, affine, track_running_stats
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

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *rest: Any) -> None:
        if local_metadata.get("version", 1) < 2 and self.track_running_stats:  # saved before batches were counted
            state_dict.setdefault(prefix + "num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class _BatchNorm(_NormBase):
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
        return self._normalise(input, mean, var, own, 0.0 if momentum is None else momentum)

    def _normalise(self, input: Tensor, mean: Tensor | None, var: Tensor | None, own: bool, momentum: float) -> Tensor:
        return F.batch_norm(input, mean, var, self.weight, self.bias, own, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    __doc__ = f"Batch normalisation of [N, C] or [N, C, L], see `functional.batch_norm`.\n{_NormBase.__doc__}"

    def _check_input_dim(self, input: Tensor) -> None:
        _check_dims(input, 2, 3)


class BatchNorm2d(_BatchNorm):
    __doc__ = f"Batch normalisation of [N, C, H, W], see `functional.batch_norm`.\n{_NormBase.__doc__}"

    def _check_input_dim(self, input: Tensor) -> None:
        _check_dims(input, 4)


class BatchNorm3d(_BatchNorm):
    __doc__ = f"Batch normalisation of [N, C, D, H, W], see `functional.batch_norm`.\n{_NormBase.__doc__}"

    def _check_input_dim(self, input: Tensor) -> None:
        _check_dims(input, 5)


class SyncBatchNorm(_BatchNorm):
    __doc__ = f"""Batch normalisation of [N, C, ...] over the batches of all replicas of a network.

    `process_group`, before `device`, is this replica's place in a group of threads (`nn.utils.thread_group`); while
    training, all replicas are then called at the same time, and so is `backward`; see `functional.sync_batch_norm`.
    Without it this replica is the only one.
    {_NormBase.__doc__}"""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _normalise(self, input: Tensor, mean: Tensor | None, var: Tensor | None, own: bool, momentum: float) -> Tensor:
        replica = self.process_group
        if not self.training or not isinstance(replica, Replica) or replica.size == 1:
            return super()._normalise(input, mean, var, own, momentum)
        return sync_batch_norm(input, mean, var, self.weight, self.bias, momentum, self.eps, replica)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.array.ndim < 2:
            raise ValueError(f"expected at least 2D input (got {input.array.ndim}D input)")
        if input.array.shape[1] == 0:
            raise ValueError(
                f"SyncBatchNorm number of input channels should be non-zero, got shape {tuple(input.shape)}"
            )

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with every batch normalisation in it replaced by one of this class, parameters shared.

        What normalises in another manner, as `BatchRenorm2d`, stays.
        """
        converted = module
        plain = _BatchNorm._normalise, SyncBatchNorm._normalise
        if isinstance(module, _BatchNorm) and type(module)._normalise in plain:
            settings = (module.eps, module.momentum, module.affine, module.track_running_stats)
            converted = cls(module.num_features, *settings, process_group, bias=module.bias is not None)
            if module.affine:
                converted.weight, converted.bias = module.weight, module.bias
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                setattr(converted, name, getattr(module, name))
            converted.training = module.training
        for name, child in module.named_children():
            converted.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return converted


class _InstanceNorm(_NormBase):
    """By default without parameters and running averages; an input without the batch dimension is one element."""

    _unbatched: int  # dimensions of an input without the batch dimension

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _check_input_dim(self, input: Tensor) -> None:
        _check_dims(input, self._unbatched, self._unbatched + 1)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        dim = input.array.ndim - self._unbatched
        channels = input.array.shape[dim]
        if channels != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features ({self.num_features}), got {channels}"
                )
            warnings.warn(
                f"input's size at dim={dim} does not match num_features, which has no effect on a layer without "
                "parameters (affine=False).",
                stacklevel=3,
            )
        batch = input if dim else input.unsqueeze(0)
        own = self.training or not self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        y = F.instance_norm(batch, self.running_mean, self.running_var, self.weight, self.bias, own, momentum, self.eps)
        return y if dim else y.squeeze(0)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *rest: Any) -> None:
        if local_metadata.get("version") is None and not self.track_running_stats:  # saved when all layers tracked them
            old = [key for name in ("running_mean", "running_var") if (key := prefix + name) in state_dict]
            if old:
                rest[-1].append(
                    f"Unexpected running stats buffer(s) {', '.join(old)} for {type(self).__name__} with "
                    "track_running_stats=False: remove them from the state_dict, or make the layer with "
                    "track_running_stats=True."
                )
            for key in old:
                del state_dict[key]
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class InstanceNorm1d(_InstanceNorm):
    __doc__ = f"Normalisation of [N, C, L] or [C, L], see `functional.instance_norm`.\n{_NormBase.__doc__}"
    _unbatched = 2


class InstanceNorm2d(_InstanceNorm):
    __doc__ = f"Normalisation of [N, C, H, W] or [C, H, W], see `functional.instance_norm`.\n{_NormBase.__doc__}"
    _unbatched = 3


class InstanceNorm3d(_InstanceNorm):
    __doc__ = f"Normalisation of [N, C, D, H, W] or [C, D, H, W], see `functional.instance_norm`.\n{_NormBase.__doc__}"
    _unbatched = 4


def _check_dims(input: Tensor, *allowed: int) -> None:
    if input.array.ndim not in allowed:
        raise ValueError(f"expected {' or '.join(f'{n}D' for n in allowed)} input (got {input.array.ndim}D input)")
