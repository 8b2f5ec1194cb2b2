"""Dropout: set some of the input to 0 and scale the rest so that the expectation stays.

Masks are drawn as torch draws them: the same seed drops the same.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from scratchnet import random
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import in_place
from scratchnet.kernels.dropout import masked_scale
from scratchnet.ops.elementwise import check_tensor

_FEW = 2048
_CHUNK = 1 << 15  # random numbers at a time: they stay in cache


def draw_mask(keep: float, shape: tuple) -> Any:
    """A bool array whose elements are True with probability `keep`: the draws of `Generator.bernoulli`.

    A draw u < keep compares a fraction of 53 bits; here the integers u · 2⁵³ and keep · 2⁵³ are compared, chunk by chunk.
    """
    generator, size = random.default_generator, math.prod(shape)
    if size <= _FEW:
        return generator.bernoulli(keep, shape, np.bool_)
    mask = np.empty(size, np.bool_)
    limit, fraction, half = np.uint64(math.ceil(keep * 2**53)), np.uint64(2**53 - 1), np.uint64(32)
    with generator._lock:
        for start in range(0, size, _CHUNK):
            part = mask[start : start + _CHUNK]
            first = generator._words32(2 * part.size).astype("<u4", copy=False).view("<u8")  # the upper half comes first
            draws = first << half
            draws |= first >> half
            draws &= fraction
            np.less(draws, limit, out=part)
    return mask.reshape(shape)


class Dropout(Function):
    """y = m · x / (1 − p) with a random mask m: m is 0 with probability p and else 1.  dL/dx = g · m / (1 − p)"""

    reads = NOTHING
    notes = ("mask",)

    def __init__(self, p: float) -> None:
        self.p, self.scale, self.kept, self.dropped = p, 1 / (1 - p), 0.0, 0.0

    def mask_shape(self, shape: tuple) -> tuple:
        return shape

    def forward(self, x: Any) -> Any:
        self.mask = draw_mask(1 - self.p, self.mask_shape(x.shape))
        return masked_scale(x, self.mask, self.scale, self.kept, self.dropped)

    def backward(self, g: Tensor) -> Tensor:
        return g * Tensor(self.mask * g.array.dtype.type(self.scale))

    def fused_backward(self, g: Any) -> Any:
        return masked_scale(g, self.mask, self.scale)


class FeatureDropout(Dropout):
    """`Dropout` with one m for a channel of a sample."""

    def mask_shape(self, shape: tuple) -> tuple:
        return (*shape[:2], *(1 for _ in shape[2:]))


_SATURATION = 1.7580993408473766  # −lim selu(x), x → −∞


class AlphaDropout(Dropout):
    """y = a · (m · x − (1 − m) · α′) + b: what is dropped becomes the value −α′ at which SELU saturates.

    a = 1 / √((1 − p)(1 + p α′²)) and b = a p α′ keep mean 0 and variance 1.  dL/dx = g · m · a
    """

    def __init__(self, p: float) -> None:
        super().__init__(p)
        self.scale = 1 / math.sqrt((_SATURATION**2 * p + 1) * (1 - p))
        self.kept = self.scale * p * _SATURATION
        self.dropped = self.kept - self.scale * _SATURATION


class FeatureAlphaDropout(AlphaDropout):
    """`AlphaDropout` with one m for a channel of a sample."""

    mask_shape = FeatureDropout.mask_shape


def _check(x: Any, p: float, name: str) -> Tensor:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return check_tensor(x, name)


def _drop(
    name: str, operation: type[Dropout], x: Tensor, p: float, training: bool, inplace: bool, features: bool = False
) -> Tensor:
    _check(x, p, name)
    if not training or p == 0 or x.array.size == 0:
        return x
    if features and x.array.ndim < 2:
        raise RuntimeError(f"{name}: feature dropout requires at least 2 dimensions in the input")
    if p == 1:
        return _times_zero_(x) if inplace else _times_zero(x)
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"{name}: result type float32 can't be cast to the input's type {x.array.dtype}")
    return _apply_(x, operation(p)) if inplace else operation(p)(x)


def _times_zero(x: Tensor) -> Tensor:
    return x * Tensor(np.zeros((), x.array.dtype))


def _apply(x: Tensor, operation: Function) -> Tensor:
    return operation(x)


_times_zero_, _apply_ = in_place(_times_zero), in_place(_apply)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """x · m / (1 − p), where every m is 0 with probability p and else 1: the expectation is x.

    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.

    Parameters
    ----------
    p : float
        Probability of an element to be zeroed, from 0 to 1.
    training : bool
        Without it the input is returned as it is.
    inplace : bool
        Write the result into `input`.

    Raises
    ------
    ValueError
        If p is not from 0 to 1.
    RuntimeError
        If the input does not hold floating-point numbers.
    """
    return _drop("dropout", Dropout, input, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`dropout` for networks of SELUs: keeps mean 0 and variance 1.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks", 2017.
    """
    return _drop("alpha_dropout", AlphaDropout, input, p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of [N, C, ...]."""
    return _drop("feature_alpha_dropout", FeatureAlphaDropout, input, p, training, inplace, features=True)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of [N, C, L] or [C, L]."""
    ndim = _check(input, p, "dropout1d").array.ndim
    if ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input")
    return _drop_channels("dropout1d", input, p, training, inplace, batched=ndim == 3)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of [N, C, H, W]; neighbouring pixels are too alike to be dropped alone.

    An input of three dimensions is taken for [N, C, L], with a warning, as in torch.

    Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2014.
    """
    ndim = _check(input, p, "dropout2d").array.ndim
    if ndim not in (3, 4):
        _warn(f"dropout2d: Received a {ndim}-D input to dropout2d, which is deprecated; use dropout instead.")
    if ndim == 3:
        _warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - "
            "input is interpreted as shape (N, C, L), where C is the channel dim; use dropout1d instead."
        )
    return _drop_channels("dropout2d", input, p, training, inplace, batched=True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of [N, C, D, H, W] or [C, D, H, W]."""
    ndim = _check(input, p, "dropout3d").array.ndim
    if ndim not in (4, 5):
        _warn(f"dropout3d: Received a {ndim}-D input to dropout3d, which is deprecated; use dropout instead.")
    return _drop_channels("dropout3d", input, p, training, inplace, batched=ndim == 5)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)


class _ChannelsFirst(FeatureDropout):
    """`FeatureDropout` of one sample [C, ...]."""

    def mask_shape(self, shape: tuple) -> tuple:
        return (shape[0], *(1 for _ in shape[1:]))


def _drop_channels(name: str, x: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    return _drop(name, FeatureDropout if batched else _ChannelsFirst, x, p, training, inplace, features=batched)
