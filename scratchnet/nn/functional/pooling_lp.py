"""Pooling by p-norms: between the sum and the maximum."""

from __future__ import annotations

import math
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.activation_pieces import relu
from scratchnet.nn.functional.arguments import ints
from scratchnet.nn.functional.pooling import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d

_MEAN: dict[int, Any] = {1: avg_pool1d, 2: avg_pool2d, 3: avg_pool3d}
_LARGEST: dict[int, Any] = {1: max_pool1d, 2: max_pool2d, 3: max_pool3d}


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window of [N, C, L] or [C, L]; see `lp_pool2d`."""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window: the sum for p = 1, the largest |x| for p = ∞.

    Gulcehre, Cho, Pascanu and Bengio, "Learned-Norm Pooling for Deep Feedforward and Recurrent Neural Networks", 2014.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    norm_type : float
        p. Where Σ xᵖ is 0 the gradient is 0, for p ≥ 1; where it is negative the root is NaN, unless p is 1.
    kernel_size, stride, ceil_mode
        As for `max_pool2d`. The sum is the mean of the values inside the image times the area of the window.

    Returns
    -------
    [N, C, OH, OW]

    Raises
    ------
    RuntimeError
        If the window does not fit, or for settings out of their range.
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window of [N, C, D, H, W] or [C, D, H, W]; see `lp_pool2d`."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(dims: int, input: Tensor, p: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    if math.isinf(p):
        sign = 1 if p > 0 else -1
        return sign * _LARGEST[dims](sign * input.abs(), kernel_size, stride, ceil_mode=ceil_mode)
    area = math.prod(ints(kernel_size, dims, f"lp_pool{dims}d", "kernel_size"))
    mean = _MEAN[dims](input**p, kernel_size, stride, ceil_mode=ceil_mode)
    return (mean.sign() * relu(mean.abs()) * area) ** (1 / p)
