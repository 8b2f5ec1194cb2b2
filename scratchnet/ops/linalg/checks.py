"""What all of linalg asks of its arguments, and the error of matrices that cannot be inverted or factorised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor


class LinAlgError(RuntimeError):
    """A matrix is singular, or not positive-definite, or an iteration did not converge."""


def check_float(A: Any, name: str) -> Tensor:
    """`A`, if it is a Tensor of a dtype that linear algebra is done in."""
    check_tensor(A, name, "A")
    if A.array.dtype.kind != "f":
        raise RuntimeError(f"{name}: Expected a floating point tensor as input. Got {A.dtype}")
    if A.array.dtype == np.float16:
        raise NotImplementedError(f"{name}: not implemented for float16. Use float32 or float64")
    return A


def check_matrices(A: Any, name: str) -> Tensor:
    """`A`, if it is a matrix or a batch of matrices, (*, m, n)."""
    check_float(A, name)
    if A.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor A must have at least 2 dimensions, got shape {tuple(A.shape)}")
    return A


def check_square(A: Any, name: str) -> Tensor:
    """`A`, if it is a square matrix or a batch of them, (*, n, n)."""
    check_matrices(A, name)
    m, n = A.shape[-2:]
    if m != n:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {m} by {n} matrices")
    return A


def attempt(function: Callable[..., Any], a: Any, *args: Any, name: str, failure: str) -> Any:
    """`function(a, *args)` of NumPy; if it fails, an error that says which matrix of the batch is at fault."""
    try:
        return function(a, *args)
    except np.linalg.LinAlgError:
        raise LinAlgError(f"{name}: {_first_failing(function, a)}{failure}") from None


def _first_failing(function: Callable[..., Any], a: Any) -> str:
    if a.ndim == 2:
        return ""
    for index in np.ndindex(a.shape[:-2]):
        try:
            function(a[index])
        except np.linalg.LinAlgError:
            return f"(Batch element {index[0] if len(index) == 1 else index}): "
        except TypeError:  # functions of two arrays
            break
    return ""
