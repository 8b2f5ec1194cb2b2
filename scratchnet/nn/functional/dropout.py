"""Dropout: set some of the input to 0 and scale the rest so that the expectation stays.

Masks are drawn as torch draws them: the same seed drops the same.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from scratchnet import random
from scratchnet._generator import in_memory_order
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.dropout import masked_scale
from scratchnet.nn.functional.activation_operation import run
from scratchnet.ops.elementwise import check_tensor


class Dropout(Function):
    """y = m · x / (1 − p) with a random mask m: m is 0 with probability p and else 1.  dL/dx = g · m / (1 − p)

    What has the first `shared` indices in common has one m.
    """

    reads = NOTHING
    notes = ("mask",)
    shared: int | None = None  # every element has its own

    def __init__(self, p: float) -> None:
        self.p, self.scale, self.kept, self.dropped = p, 1 / (1 - p), 0.0, 0.0

    def forward(self, x: Any) -> Any:
        if self.shared is None:
            self.mask = in_memory_order(self._draw, x)
        else:
            self.mask = self._draw(x.shape[: self.shared] + (1,) * (x.ndim - self.shared))
        return masked_scale(x, self.mask, self.scale, self.kept, self.dropped)

    def _draw(self, shape: tuple[int, ...]) -> Any:
        return random.default_generator.bernoulli(1 - self.p, shape, np.bool_)

    def backward(self, g: Tensor) -> Tensor:
        return g * Tensor(self.mask * g.array.dtype.type(self.scale))

    def fused_backward(self, g: Any) -> Any:
        return masked_scale(g, self.mask, self.scale)


class FeatureDropout(Dropout):
    """`Dropout` with one m for a channel of a sample."""

    shared = 2


class SliceDropout(Dropout):
    """`Dropout` with one m for a sample of [N, ...], or for a channel of a sample [C, ...]."""

    shared = 1


class WholeDropout(Dropout):
    """`Dropout` with one m for all."""

    shared = 0


class TraditionalDropout(Dropout):
    """y = m · x with a random mask m: what is kept is not scaled.  dL/dx = g · m"""

    def __init__(self, p: float) -> None:
        super().__init__(p)
        self.scale = 1.0


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

    shared = 2


def check_probability(p: float) -> None:
    """Refuse what is not from 0 to 1."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _check(x: Any, p: float, name: str) -> Tensor:
    check_probability(p)
    return check_tensor(x, name)


def drop(
    name: str, operation: type[Dropout], x: Tensor, p: float, training: bool, inplace: bool, features: bool = False
) -> Tensor:
    """What all functions of dropout share; `operation` has no formula for p = 1. With `features` x is [N, C, ...]."""
    _check(x, p, name)
    if not training or p == 0 or x.array.size == 0:
        return x
    if features and x.array.ndim < 2:
        raise RuntimeError(
            f"{name}: feature dropout requires at least 2 dimensions in the input [N, C, ...], got shape {x.array.shape}"
        )
    if p == 1:
        zero = Tensor(np.zeros((), x.array.dtype))
        return x.mul_(zero) if inplace else x * zero
    if x.array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: result type float32 can't be cast to the input's type {x.array.dtype}; convert it, e.g. with .float()"
        )
    return run(x, operation(p), inplace)


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
    return drop("dropout", Dropout, input, p, training, inplace)


def traditional_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """x · m while training, where every m is 0 with probability p and else 1; x · (1 − p) otherwise.

    The first form of dropout, for study: `dropout` divides by 1 − p while training instead, so that a network that is used
    has nothing to do, and need not know p.

    Hinton, Srivastava, Krizhevsky, Sutskever and Salakhutdinov, "Improving neural networks by preventing co-adaptation of
    feature detectors", 2012. Parameters and errors as for `dropout`.
    """
    if training:
        return drop("traditional_dropout", TraditionalDropout, input, p, training, inplace)
    _check(input, p, "traditional_dropout")
    return input.mul_(1 - p) if inplace else input * (1 - p)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`dropout` for networks of SELUs: keeps mean 0 and variance 1.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks", 2017. Parameters and errors as for
    `dropout`.
    """
    return drop("alpha_dropout", AlphaDropout, input, p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of [N, C, ...]. Errors as for `dropout`, and for fewer dimensions."""
    return drop("feature_alpha_dropout", FeatureAlphaDropout, input, p, training, inplace, features=True)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of [N, C, L] or [C, L].

    Raises
    ------
    RuntimeError
        If the input has another number of dimensions, or as for `dropout`.
    """
    ndim = _check(input, p, "dropout1d").array.ndim
    if ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input")
    return _drop_channels("dropout1d", input, p, training, inplace, batched=ndim == 3)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of [N, C, H, W]; neighbouring pixels are too alike to be dropped alone.

    An input of three dimensions is taken for [N, C, L], with a warning, as in torch.

    Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2014.

    Raises
    ------
    RuntimeError
        If the input has fewer than two dimensions, or as for `dropout`.
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
    """`dropout` of whole channels of [N, C, D, H, W] or [C, D, H, W]. Errors as for `dropout`.

    An input of another number of dimensions is taken for [C, ...], with a warning, as in torch.
    """
    ndim = _check(input, p, "dropout3d").array.ndim
    if ndim not in (4, 5):
        _warn(f"dropout3d: Received a {ndim}-D input to dropout3d, which is deprecated; use dropout instead.")
    return _drop_channels("dropout3d", input, p, training, inplace, batched=ndim == 5)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)


def _drop_channels(name: str, x: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    return drop(name, FeatureDropout if batched else SliceDropout, x, p, training, inplace, features=batched)
