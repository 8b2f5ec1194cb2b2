"""Eigenvalues of symmetric matrices, singular values, and what follows from them.

The gradients are derived in J. Townsend, "Differentiating the singular value decomposition" (2016), and M.
Giles (2008). Eigenvectors and singular vectors are determined up to their signs; a function of them has a
gradient only if it does not depend on those, and if the eigenvalues (singular values) are distinct.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from scratchnet.autograd.function import INPUTS, OUT, OUTPUT, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.linalg.checks import attempt, check_matrices, check_square
from scratchnet.ops.selection import where

linalg_eigh = namedtuple("linalg_eigh", "eigenvalues eigenvectors")
linalg_svd = namedtuple("linalg_svd", "U S Vh")

_NOT_CONVERGED = "The algorithm failed to converge because the input matrix is ill-conditioned or holds NaN."


class Eigh(Function):
    """λ, ascending, and orthogonal V with A = V diag(λ) Vᵀ, for symmetric A.

    With E_ij = λ_j − λ_i:  dL/dA = V (diag(g_λ) + (Vᵀ G_V) / E off the diagonal) Vᵀ, made symmetric.
    """

    reads = OUTPUT

    def __init__(self, triangle: str) -> None:
        self.triangle = triangle

    def forward(self, a: Any) -> Any:
        return tuple(attempt(np.linalg.eigh, a, self.triangle, name="linalg.eigh", failure=_NOT_CONVERGED))

    def backward(self, g_values: Tensor, g_vectors: Tensor) -> Tensor:
        values, v = self.output
        gaps = values.unsqueeze(-2) - values.unsqueeze(-1)
        g = v @ (_off_diagonal(v.mT @ g_vectors, gaps) + g_values.diag_embed()) @ v.mT
        return (g + g.mT) / 2


class Eigvalsh(Function):
    """λ alone.  dL/dA = V diag(g) Vᵀ, also where eigenvalues are equal."""

    reads = INPUTS
    notes = ("vectors",)

    def __init__(self, triangle: str) -> None:
        self.triangle = triangle

    def forward(self, a: Any) -> Any:
        values, self.vectors = attempt(np.linalg.eigh, a, self.triangle, name="linalg.eigh", failure=_NOT_CONVERGED)
        return values

    def backward(self, g: Tensor) -> Tensor:
        _, v = eigh(self.inputs[0], self.triangle)
        return v * g.unsqueeze(-2) @ v.mT

    def fused_backward(self, g: Any) -> Any:
        return self.vectors * g[..., None, :] @ self.vectors.mT


def _off_diagonal(numerator: Tensor, gaps: Tensor) -> Tensor:
    """numerator / gaps off the diagonal, 0 on it."""
    diagonal = np.eye(gaps.shape[-1], dtype=bool, like=gaps.array)
    return _divided(where(Tensor(diagonal), 0.0, numerator), gaps)


def _divided(numerator: Tensor, divisor: Tensor) -> Tensor:
    """The quotient, and 0 for 0 / 0: no gradient comes from vectors that are not determined."""
    return numerator / where(divisor.eq(0) & numerator.eq(0), 1.0, divisor)


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """Eigenvalues, ascending, and orthonormal eigenvectors, as columns, of a symmetric matrix.

    Parameters
    ----------
    A : Tensor (*, n, n)
    UPLO : {"L", "U"}
        Which triangle of A is read.

    Returns
    -------
    (eigenvalues, eigenvectors)
        A named tuple.
    """
    return linalg_eigh(*Eigh(_triangle(A, UPLO))(A))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues, ascending, of a symmetric matrix. Their gradient exists even where some are equal."""
    return Eigvalsh(_triangle(A, UPLO))(A)


def _triangle(A: Tensor, UPLO: str) -> str:
    check_square(A, "linalg.eigh")
    if UPLO not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO


# ---- singular values ---------------------------------------------------------------------------------------
class SVD(Function):
    """A = U diag(s) Vᵀ, s descending.

    With E_ij = s_j² − s_i² and skew(X) = X − Xᵀ:

    dL/dA = U (skew(Uᵀ G_U)/E · diag(s) + diag(s) · skew(Vᵀ G_V)/E + diag(g_s)) Vᵀ
          + (I − U Uᵀ) G_U diag(s)⁻¹ Vᵀ + U diag(s)⁻¹ G_Vᵀ (I − V Vᵀ)
    """

    reads = OUTPUT

    def __init__(self, full: bool) -> None:
        self.full = full

    def forward(self, a: Any) -> Any:
        return tuple(attempt(np.linalg.svd, a, self.full, name="linalg.svd", failure=_NOT_CONVERGED))

    def backward(self, g_u: Tensor, g_s: Tensor, g_vt: Tensor) -> Tensor:
        u, s, vt = self.output
        k = s.shape[-1]
        u, g_u, vt, g_vt = u[..., :k], g_u[..., :k], vt[..., :k, :], g_vt[..., :k, :]
        row, column = s.unsqueeze(-2), s.unsqueeze(-1)
        gaps = row * row - column * column
        from_u, from_v = u.mT @ g_u, vt @ g_vt.mT
        inner = _off_diagonal(from_u - from_u.mT, gaps) * row + column * _off_diagonal(from_v - from_v.mT, gaps)
        g = u @ (inner + g_s.diag_embed()) @ vt
        if u.shape[-2] > k:
            g = g + _divided(g_u - u @ from_u, row) @ vt
        if vt.shape[-1] > k:
            g = g + u @ _divided(g_vt - from_v.mT @ vt, column)
        return g


class SingularValues(Function):
    """s alone.  dL/dA = U diag(g) Vᵀ, also where singular values are equal or 0."""

    reads = INPUTS
    notes = ("vectors",)

    def forward(self, a: Any) -> Any:
        u, s, vt = attempt(np.linalg.svd, a, False, name="linalg.svd", failure=_NOT_CONVERGED)
        self.vectors = u, vt
        return s

    def backward(self, g: Tensor) -> Tensor:
        u, _, vt = svd(self.inputs[0], full_matrices=False)
        return u * g.unsqueeze(-2) @ vt

    def fused_backward(self, g: Any) -> Any:
        u, vt = self.vectors
        return u * g[..., None, :] @ vt


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """A = U diag(S) Vh, with orthonormal columns in U, orthonormal rows in Vh, and S ≥ 0, descending.

    Parameters
    ----------
    A : Tensor (*, m, n)
    full_matrices : bool
        U (*, m, m) and Vh (*, n, n), instead of (*, m, k) and (*, k, n) with k = min(m, n). The gradient of
        the additional columns and rows is not defined, and is taken as 0.
    driver : None
        Accepted for torch's sake.

    Returns
    -------
    (U, S, Vh)
        A named tuple.
    """
    return linalg_svd(*SVD(full_matrices)(check_matrices(A, "linalg.svd")))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values, descending. Their gradient exists even where some are equal."""
    return SingularValues()(check_matrices(A, "linalg.svd"))


class Pinv(Function):
    """Y = A⁺, the pseudo-inverse.  dL/dA = −Yᵀ G Yᵀ + (I − A Y) Gᵀ Y Yᵀ + Yᵀ Y Gᵀ (I − Y A)

    (G. Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
    variables separate", 1973.) It holds where the rank does not change.
    """

    reads = ((0, OUT),)
    arithmetic = True

    def __init__(self, atol: float, rtol: float, symmetric: bool) -> None:
        self.atol, self.rtol, self.symmetric = atol, rtol, symmetric

    def forward(self, a: Any) -> Any:
        if self.symmetric:
            s, u = attempt(np.linalg.eigh, a, name="linalg.pinv", failure=_NOT_CONVERGED)
            vt = u.mT
        else:
            u, s, vt = attempt(np.linalg.svd, a, False, name="linalg.pinv", failure=_NOT_CONVERGED)
        size = abs(s)
        kept = size > np.maximum(self.atol, self.rtol * size.max(-1, keepdims=True, initial=0))
        inverse = kept / np.where(kept, s, 1)
        return vt.mT * inverse[..., None, :].astype(a.dtype) @ u.mT

    def backward(self, g: Any) -> Any:
        (a,), y = self.inputs, self.output
        missed = g.mT - a @ y @ g.mT
        return missed @ y @ y.mT - y.mT @ g @ y.mT + y.mT @ y @ (g.mT - g.mT @ y @ a)


def pinv(A: Tensor, *, atol: float | None = None, rtol: float | None = None, hermitian: bool = False) -> Tensor:
    """The pseudo-inverse (*, n, m) of A (*, m, n), of Moore and Penrose.

    Parameters
    ----------
    atol, rtol : float, optional
        Singular values up to max(atol, rtol · the greatest) count as 0. Default: 0, and max(m, n) · ε of the
        dtype, or 0 if `atol` is given.
    hermitian : bool
        Take A for symmetric, and read its lower triangle only.
    """
    (check_square if hermitian else check_matrices)(A, "linalg.pinv")
    return Pinv(*_tolerances(A, atol, rtol), hermitian)(A)


def matrix_rank(A: Tensor, *, atol: float | None = None, rtol: float | None = None, hermitian: bool = False) -> Tensor:
    """The number of singular values above max(atol, rtol · the greatest). Parameters are those of `pinv`."""
    (check_square if hermitian else check_matrices)(A, "linalg.matrix_rank")
    size = eigvalsh(A).abs() if hermitian else svdvals(A)
    absolute, relative = _tolerances(A, atol, rtol)
    greatest = size.array.max(-1, keepdims=True, initial=0)
    return (size > Tensor(np.maximum(absolute, relative * greatest))).sum(-1)


def _tolerances(A: Tensor, atol: float | None, rtol: float | None) -> tuple[float, float]:
    if rtol is None:
        rtol = 0.0 if atol else max(A.shape[-2:]) * float(np.finfo(A.array.dtype).eps)
    return atol or 0.0, rtol
