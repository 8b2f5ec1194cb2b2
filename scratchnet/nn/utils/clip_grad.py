"""Keeping gradients small."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.deprecated import deprecated


def _gradients(parameters: Any) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The p-norm of all elements of all tensors together.

    Raises
    ------
    RuntimeError
        If it is not finite and `error_if_nonfinite`.
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if not tensors:
        return Tensor(np.zeros((), np.float32))
    norms = np.stack([np.linalg.norm(t.array.reshape(-1), norm_type) for t in tensors])
    total = np.linalg.norm(norms, norm_type)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite norm "
            "anyway, set `error_if_nonfinite=False`"
        )
    return Tensor(total)


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients of all parameters, in place, so that their common norm is at most `max_norm`.

    Pascanu, Mikolov and Bengio, "On the difficulty of training Recurrent Neural Networks", 2012.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensors
    max_norm : float
    norm_type : float
        p; `math.inf` for the largest element.
    error_if_nonfinite : bool
        Raise if the norm is NaN or infinite, instead of scaling by it.

    Returns
    -------
    The norm before.
    """
    if isinstance(parameters, Iterator):
        parameters = list(parameters)
        if not parameters:
            warnings.warn(
                "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2
            )
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


clip_grad_norm = deprecated(
    "`scratchnet.nn.utils.clip_grad_norm` is now deprecated in favor of `scratchnet.nn.utils.clip_grad_norm_`.",
    "clip_grad_norm",
)(clip_grad_norm_)


def clip_grads_with_norm_(
    parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply the gradients of all parameters, in place, by min(max_norm / (total_norm + 10⁻⁶), 1).

    `total_norm` is their common norm, from `get_total_norm`; `clip_grad_norm_` is both together.
    """
    factor = np.minimum(float(max_norm) / (total_norm.array + 1e-6), 1.0)  # NaN stays NaN
    for g in _gradients(parameters):
        _set(g, g.array * g.array.dtype.type(factor))


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Cut the elements of all gradients, in place, to [−clip_value, clip_value]."""
    for g in _gradients(parameters):
        _set(g, np.clip(g.array, -clip_value, clip_value))


def _set(g: Tensor, values: Any) -> None:
    g.array[...] = values
    g._counter[0] += 1
