"""Initial values that are a matrix of some structure: identities, orthogonal and sparse matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.view import write
from scratchnet.nn.init_skipping import change
from scratchnet.random import Generator, default_generator


def fill(tensor: Tensor, values: Any) -> Tensor:
    """Give a tensor values, in place and unrecorded, and return it."""
    return change(tensor, lambda t: write(t, Tensor(np.broadcast_to(values, t.shape))))


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity, w_ij = 1 where i = j and else 0: a Linear layer passes its input on."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: Only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}")
    return fill(tensor, np.eye(*tensor.shape, dtype=tensor.dtype))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that output channel i of each group passes input channel i on.

    Parameters
    ----------
    tensor : [out_channels, in_channels / groups, *kernel], with 1 to 3 kernel dimensions
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(
            f"dirac_: Only tensors with 3, 4, or 5 dimensions are supported, got shape {tuple(tensor.shape)}"
        )
    out_channels, in_channels, *kernel = tensor.shape
    if out_channels % groups:
        raise ValueError(f"dirac_: dim 0 must be divisible by groups, got {out_channels} and {groups}")
    values, centre = np.zeros(tensor.shape, tensor.dtype), tuple(k // 2 for k in kernel)
    per_group = out_channels // groups
    for o in range(out_channels):
        if o % per_group < in_channels:
            values[(o, o % per_group, *centre)] = 1
    return fill(tensor, values)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a (semi-)orthogonal matrix times `gain`; dimensions after the first count as columns.

    Q of the QR decomposition of a normal matrix, its signs fixed by the diagonal of R so that it is uniform
    (Mezzadri 2006). Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks", 2013.
    """
    if tensor.ndim < 2:
        raise ValueError("orthogonal_: Only tensors with 2 or more dimensions are supported")
    if tensor.array.size == 0:
        return tensor
    rows = tensor.shape[0]
    flat = (generator or default_generator).normal((rows, tensor.array.size // rows), tensor.dtype)
    wide = flat.shape[0] < flat.shape[1]
    q, r = np.linalg.qr(flat.T if wide else flat)
    q = q * np.sign(np.diagonal(r))
    return fill(tensor, (q.T if wide else q).reshape(tensor.shape) * tensor.dtype.type(gain))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix with N(0, std²), and a fraction `sparsity` of each column with zeros (Martens 2010)."""
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: Only tensors with 2 dimensions are supported, got shape {tuple(tensor.shape)}")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    values = (generator or default_generator).normal(tensor.shape, tensor.dtype, 0, std)
    for column in range(columns):
        values[default_generator.randperm(rows)[:zeros], column] = 0
    return fill(tensor, values)
