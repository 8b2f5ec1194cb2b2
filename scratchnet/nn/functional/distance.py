"""Lengths of vectors, and how far apart two of them are."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.promotion import promote


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """x / max(‖x‖ₚ, eps): vectors along `dim`, divided by their p-norm.

    Parameters
    ----------
    input : tensor of any shape
    p : float
    dim : int or tuple of ints
    eps : float
        Keeps vectors of zeros from division by zero.
    out : Tensor, optional
        Where to put the result.

    Returns
    -------
    of input's shape

    Raises
    ------
    RuntimeError
        If `out` is given and a gradient is wanted.
    """
    check_tensor(input, "normalize")
    if out is not None and (input.requires_grad or out.requires_grad):
        raise RuntimeError("normalize: functions with out=... arguments don't support automatic differentiation")
    y = input / ops.clamp_min(ops.norm(input, p, dim, keepdim=True), eps)
    return y if out is None else out.copy_(y)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x₁·x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) along `dim`: the cosine of the angle between two vectors.

    Parameters
    ----------
    x1, x2 : tensors that broadcast together

    Returns
    -------
    of their common shape, without `dim`

    Raises
    ------
    RuntimeError
        If they hold integers, or do not broadcast.
    """
    for name, x in (("x1", x1), ("x2", x2)):
        check_tensor(x, "cosine_similarity", name)
    x1, x2 = promote(x1, x2, function="cosine_similarity")
    if x1.array.dtype.kind != "f":
        raise RuntimeError(f"cosine_similarity: expected floating-point vectors, got {x1.array.dtype}")
    x1, x2 = ops.broadcast_tensors(x1, x2)
    return (_of_length_one(x1, dim, eps) * _of_length_one(x2, dim, eps)).sum(dim)


def _of_length_one(x: Tensor, dim: int, eps: float) -> Tensor:
    """x / max(‖x‖, eps); as in torch, the gradient goes through ‖x‖ also where it is below eps."""
    length = ops.norm(x, 2, dim, keepdim=True)
    with no_grad():
        length_at_least = ops.clamp_min(length, eps) - length
    return x / (length + length_at_least)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x₁ − x₂ + eps‖ₚ along the last dimension.

    Parameters
    ----------
    x1, x2 : [N, D] or [D], or any tensors that broadcast together
    p : float
    eps : float
        Keeps the gradient finite where two vectors are the same.
    keepdim : bool
        Keep the last dimension, with size 1.

    Returns
    -------
    [N] or [], with `keepdim` [N, 1] or [1]
    """
    for name, x in (("x1", x1), ("x2", x2)):
        check_tensor(x, "pairwise_distance", name)
    return ops.norm(x1 - x2 + eps, p, -1, keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """‖x_i − x_j‖ₚ of all pairs i < j of rows.

    Parameters
    ----------
    input : [N, D]

    Returns
    -------
    [N · (N − 1) / 2], the pairs in the order (0, 1), (0, 2), …, (1, 2), …

    Raises
    ------
    RuntimeError
        If the input has not two dimensions, or p is negative.
    """
    require_float(input, "pdist")
    if input.array.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.array.ndim}D")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got p={p}")
    first, second = np.triu_indices(len(input.array), 1)
    return ops.norm(input[Tensor(first)] - input[Tensor(second)], p, -1)
