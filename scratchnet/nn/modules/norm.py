"""Layers that normalise each element of the batch alone."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import positive, unset


class _Affine(Module):
    """A layer with a weight, which starts as 1, and a bias, which starts as 0; either may be missing."""

    def _add_affine(self, shape: Any, weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        self.register_parameter("weight", unset(shape, device, dtype) if weight else None)
        self.register_parameter("bias", unset(shape, device, dtype) if weight and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if getattr(self, "bias", None) is not None:
            init.zeros_(self.bias)


def _size(normalized_shape: Any) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(_Affine):
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
        self.normalized_shape, self.eps, self.elementwise_affine = _size(normalized_shape), eps, elementwise_affine
        self._add_affine(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """Division by the root of the mean square over the last dimensions, see `functional.rms_norm`.

    Parameters
    ----------
    normalized_shape : int or sequence of ints
        Sizes of those dimensions.
    eps : float, optional
        Added to the mean square; default: the spacing of the input's dtype at 1.
    elementwise_affine : bool
        Whether there is a weight, which starts as 1, for every element.
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _size(normalized_shape), eps, elementwise_affine
        self.register_parameter("weight", unset(self.normalized_shape, device, dtype) if elementwise_affine else None)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """Normalisation of groups of channels of [N, C, ...], see `functional.group_norm`.

    Parameters
    ----------
    num_groups : int
        Divides the number of channels.
    num_channels : int
        C.
    eps : float
        Added to the variance.
    affine : bool
        Whether there are a weight and a bias for every channel, which start as 1 and 0.
    bias : bool
        With False, no bias.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        positive(num_channels, "GroupNorm", "num_channels")
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._add_affine(num_channels, affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Division by what the neighbouring channels hold, see `functional.local_response_norm`.

    Parameters
    ----------
    size : int
        Number of neighbouring channels.
    alpha, beta, k : float
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """As `LocalResponseNorm`, of images: division by what the ⌊(size − 1) / 2⌋ channels on either side hold.

    For even sizes one channel less than `LocalResponseNorm` takes, though α is divided by `size` likewise. torch 2.13
    leaves the first channel in every window, and its gradient is not that of what it computes; here both follow the
    formula.
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.ndim}D instead.")
        width = (self.size - 1) // 2 * 2 + 1
        return F.local_response_norm(input, width, self.alpha * width / self.size, self.beta, self.k)
