"""Dropout."""

from __future__ import annotations

from collections.abc import Callable

from scratchnet import random
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import in_place
from scratchnet.ops.elementwise import check_tensor


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
    """
    return _dropout("dropout", input, p, training, inplace, lambda shape: shape)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of [N, C, L] or [C, L]."""
    if check_tensor(input, "dropout1d").array.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.array.ndim}D input")
    return _dropout("dropout1d", input, p, training, inplace, lambda shape: (*shape[:-1], 1))


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of [N, C, H, W]; neighbouring pixels are too alike to be dropped alone.

    Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2014.
    """
    if check_tensor(input, "dropout2d").array.ndim not in (3, 4):
        raise RuntimeError(f"dropout2d: Expected 3D or 4D input, but received a {input.array.ndim}D input")
    return _dropout("dropout2d", input, p, training, inplace, lambda shape: (*shape[:2], *(1 for _ in shape[2:])))


def _dropout(name: str, x: Tensor, p: float, training: bool, inplace: bool, mask_shape: Callable) -> Tensor:
    check_tensor(x, name)
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or x.array.size == 0:
        return x
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"{name}: result type float32 can't be cast to the input's type {x.array.dtype}")
    return _times_mask_(x, p, mask_shape) if inplace else _times_mask(x, p, mask_shape)


def _times_mask(x: Tensor, p: float, mask_shape: Callable) -> Tensor:
    mask = random.default_generator.bernoulli(1 - p, mask_shape(x.array.shape), x.array.dtype)
    if p < 1:
        mask /= x.array.dtype.type(1 - p)
    return x * Tensor(mask)


_times_mask_ = in_place(_times_mask)
