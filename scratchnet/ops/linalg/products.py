"""Products of several matrices, powers, and the cross product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.linalg.checks import check_square
from scratchnet.ops.linalg.solving import inv
from scratchnet.ops.matmul import matmul


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """The product of several matrices, multiplied in the order that takes the fewest multiplications.

    Parameters
    ----------
    tensors : sequence of Tensors
        Matrices; the first and the last may be vectors, a row and a column.

    Raises
    ------
    RuntimeError
        For fewer than two tensors, or if they do not fit.
    """
    n = len(tensors)
    if n < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {n}")
    for i, x in enumerate(tensors):
        at_end = i in (0, n - 1)
        if x.ndim != 2 and not (at_end and x.ndim == 1):
            which = {0: "the first tensor", n - 1: "the last tensor"}.get(i, f"tensor {i}")
            raise RuntimeError(f"multi_dot(): {which} must be {'1D or 2D' if at_end else '2D'} but got {x.ndim}D")
    for i in range(n - 1):
        if tensors[i].shape[-1] != tensors[i + 1].shape[0]:
            a, b = list(tensors[i].shape), list(tensors[i + 1].shape)
            raise RuntimeError(f"multi_dot(): tensors {i} and {i + 1} with shapes {a} and {b} cannot be multiplied")
    rows = [1 if i == 0 and x.ndim == 1 else x.shape[0] for i, x in enumerate(tensors)]
    last = tensors[-1]
    split = _cheapest_splits([*rows, 1 if last.ndim == 1 else last.shape[1]])

    def product(i: int, j: int) -> Tensor:
        return tensors[i] if i == j else matmul(product(i, split[i, j]), product(split[i, j] + 1, j))

    return product(0, n - 1)


def _cheapest_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """For matrices i…j, of sizes[i] × sizes[i+1] and so on, the k after which to split: dynamic programming."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


def matrix_power(A: Tensor, n: int) -> Tensor:
    """Aⁿ by repeated squaring; the power of the inverse if n is negative, the identity if it is 0.

    Raises
    ------
    LinAlgError
        If n is negative and A is singular.
    """
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not {type(n).__name__}")
    name = "linalg.matrix_power"
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        check_square(A, name)
    if n == 0:
        eye = np.eye(A.shape[-1], dtype=A.dtype, like=A.array)
        return A * 0 + Tensor(eye)
    if n < 0:
        A, n = inv(A), -n
    power = A if n & 1 else None  # A to the binary digits of n so far
    while n := n >> 1:
        A = matmul(A, A)
        if n & 1:
            power = A if power is None else matmul(power, A)
    assert power is not None
    return power.clone() if power is A else power


class Cross(Function):
    """y = a × b.  dL/da = b × g,  dL/db = g × a"""

    reads = ((1,), (0,))

    def __init__(self, dim: int) -> None:
        self.dim = dim  # counted from the back: it is the same for inputs that were broadcast

    def forward(self, a: Any, b: Any) -> Any:
        return np.cross(a, b, axis=self.dim)

    def backward(self, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = self.inputs
        to_a, to_b = self.needs_input_grad
        return Cross(self.dim)(b, g) if to_a else None, Cross(self.dim)(g, a) if to_b else None


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The cross product of vectors of 3 elements, which lie along `dim`."""
    check_tensor(input, "linalg.cross")
    check_tensor(other, "linalg.cross", "other")
    if input.ndim != other.ndim:
        raise RuntimeError(
            f"linalg.cross: inputs must have the same number of dimensions, got {input.ndim} and {other.ndim}."
        )
    d = wrap_dim(dim, input.ndim) - input.ndim
    if input.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.shape[d]} and {other.shape[d]}"
        )
    return Cross(d)(input, other)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Σ x · y along a dimension."""
    return (x * y).sum(dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of the matrices in the last two dimensions (`Tensor.diagonal` takes the first two)."""
    check_tensor(A, "linalg.diagonal", "A")
    return A.diagonal(offset, dim1, dim2)
