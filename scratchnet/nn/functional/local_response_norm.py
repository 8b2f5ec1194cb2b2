"""Normalisation by the neighbouring channels."""

from __future__ import annotations

import math
from typing import Any

from scratchnet import kernels
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.padding import pad


class LocalResponseNorm(Function):
    """y_c = x_c · d_c^−β,  d_c = k + α / size · Σ_j x_j² over the channels c − ⌊size/2⌋ ≤ j ≤ c + ⌊(size − 1)/2⌋.

    dL/dx_c = g_c · d_c^−β − 2αβ / size · x_c · Σ_j g_j x_j d_j^(−β−1), over the channels j whose windows hold c
    """

    reads = (0,)

    def __init__(self, size: int, alpha: float, beta: float, k: float) -> None:
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def settings(self) -> tuple:
        return self.size, self.alpha, self.beta, self.k

    def forward(self, x: Any) -> Any:
        return kernels.local_response_norm(_flat(x), *self.settings()).reshape(x.shape)

    def backward(self, g: Tensor) -> Tensor:
        (x,) = self.inputs
        before, after, factor = self.size // 2, (self.size - 1) // 2, self.alpha / self.size
        d = _window_sums(x * x, before, after) * factor + self.k
        direct = g * d**-self.beta
        return direct - x * _window_sums(direct * x / d, after, before) * (2 * factor * self.beta)

    def fused_backward(self, g: Any) -> Any:
        (x,) = self.inputs
        return kernels.local_response_norm_backward(_flat(g), _flat(x), *self.settings()).reshape(x.shape)


def _flat(x: Any) -> Any:
    """[N, C, ...] as [N, C, L]."""
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _window_sums(x: Tensor, before: int, after: int) -> Tensor:
    """Σ_j x[:, j] over c − before ≤ j ≤ c + after, for every channel c; 0 beyond the channels."""
    channels = x.shape[1]
    padded = pad(x, (*(0, 0) * (x.ndim - 2), before, after))
    total = padded[:, :channels]
    for j in range(1, before + after + 1):
        total = total + padded[:, j : j + channels]
    return total


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide every channel by what it and its neighbours hold: x / (k + alpha · mean(x²))^beta.

    Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012.

    Parameters
    ----------
    input : [N, C, ...] with at least one dimension after the channels
    size : int
        Number of neighbouring channels of which the mean is taken; those missing at the ends count as 0.

    Raises
    ------
    ValueError
        If the input has fewer than three dimensions.
    RuntimeError
        If `size` is no positive int.
    """
    require_float(input, "local_response_norm")
    if input.array.ndim < 3:
        raise ValueError(
            f"local_response_norm: expected 3D or higher dimensionality input (got {input.array.ndim} dimensions)"
        )
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise RuntimeError(f"local_response_norm: expected size to be a positive int, got {size!r}")
    return LocalResponseNorm(size, alpha, beta, k)(input) if input.array.size else input
