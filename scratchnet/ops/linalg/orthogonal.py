"""Maps onto orthogonal matrices: the exponential of a matrix, and products of reflections."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.linalg.checks import check_float, check_square
from scratchnet.ops.matmul import matmul

_NORM = 0.5  # scaled to this, the Taylor polynomials below are exact to rounding: 0.5¹⁵ / 15! < 2⁻⁵², 0.5⁹ / 9! < 2⁻²³
_DEGREE = {np.dtype(np.float64): 14}


def matrix_exp(A: Tensor) -> Tensor:
    """exp(A) = Σ_k Aᵏ / k!, of a square matrix or a batch of them; differentiable any number of times.

    Scaling and squaring: exp(A) = exp(A / 2ˢ) to the power 2ˢ, and the series is short for a small matrix. (Moler and
    Van Loan, "Nineteen Dubious Ways to Compute the Exponential of a Matrix", 1978, the third of them.)

    Parameters
    ----------
    A : [..., n, n]

    Raises
    ------
    RuntimeError
        If it is not square or not of floating-point numbers.
    """
    n = check_square(check_float(A, "matrix_exp"), "matrix_exp").shape[-1]
    norm = np.abs(A.array).sum(-2).max().item() if A.array.size else 0.0
    squarings = max(0, math.ceil(math.log2(norm / _NORM))) if 0 < norm < math.inf else 0
    scaled, one = A * 0.5**squarings, Tensor(np.eye(n, dtype=A.dtype, like=A.array))
    result = one + scaled * 0
    for k in range(_DEGREE.get(A.dtype, 8), 0, -1):  # Horner: 1 + A (1 + A/2 (1 + A/3 (…)))
        result = one + matmul(scaled, result) / k
    for _ in range(squarings):
        result = matmul(result, result)
    return result


def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first k columns of H₁ H₂ … H_k,  Hᵢ = I − τᵢ vᵢ vᵢᵀ, vᵢ = (0, …, 0, 1, what is below the diagonal of column i).

    Parameters
    ----------
    input : [..., n, k] with n ≥ k
        Only what lies below the diagonal counts.
    tau : [..., m] with m ≤ k

    Returns
    -------
    [..., n, k]; with orthonormal columns if τᵢ = 2 / ‖vᵢ‖²

    Raises
    ------
    RuntimeError
        If there are more columns than rows, or more τ than columns.
    """
    n, k = check_float(input, "householder_product").shape[-2:]
    m = check_float(tau, "householder_product").shape[-1]
    if n < k or k < m:
        raise RuntimeError(
            f"householder_product: expected input [..., n, k] and tau [..., m] with n >= k >= m, got shapes "
            f"{tuple(input.shape)} and {tuple(tau.shape)}"
        )
    unit = Tensor(np.eye(n, k, dtype=input.dtype, like=input.array))
    vectors, result = input.tril(-1) + unit, unit
    for i in reversed(range(m)):
        v = vectors[..., i : i + 1]
        result = result - tau[..., i, None, None] * matmul(v, matmul(v.mT, result))
    return result
