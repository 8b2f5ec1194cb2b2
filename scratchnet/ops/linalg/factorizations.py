"""Cholesky and QR."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from scratchnet.autograd.function import NOTHING, OUTPUT, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.joining import cat
from scratchnet.ops.linalg.checks import attempt, check_matrices, check_square
from scratchnet.ops.linalg.solving import solve

linalg_qr = namedtuple("linalg_qr", "Q R")


class Cholesky(Function):
    """L, lower triangular, with A = L Lᵀ.

    With Φ(M) the lower triangle of M, its diagonal halved, and S = L⁻ᵀ Φ(Lᵀ G) L⁻¹:  dL/dA = (S + Sᵀ) / 2.
    (I. Murray, "Differentiation of the Cholesky decomposition", 2016.)
    """

    reads = OUTPUT

    def forward(self, a: Any) -> Any:
        failure = (
            "The factorization could not be completed because the input is not positive-definite (a leading "
            "minor is "
            "not positive)."
        )
        return attempt(np.linalg.cholesky, a, name="linalg.cholesky", failure=failure)

    def backward(self, g: Tensor) -> Tensor:
        l = self.output
        m = l.mT @ g
        n, dtype = l.shape[-1], l.dtype
        half = np.tril(np.ones((n, n), dtype, like=l.array)) - np.eye(n, dtype=dtype, like=l.array) / 2
        s = solve(l, solve(l.mT, m * Tensor(half)), left=False)
        return (s + s.mT) / 2


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular L with A = L Lᵀ (or the upper triangular Lᵀ) of a symmetric positive-definite matrix.

    Only one triangle of A is read, the one of the result.

    Raises
    ------
    LinAlgError
        If A is not positive-definite.
    """
    check_square(A, "linalg.cholesky")
    return Cholesky()(A.mT).mT if upper else Cholesky()(A)


class QR(Function):
    """Q with orthonormal columns and R upper triangular, A = Q R, for A with at least as many rows as columns.

    With M = R Gᵣᵀ − G_qᵀ Q and S its lower triangle mirrored to the upper:  dL/dA = (G_q + Q S) R⁻ᵀ.
    (S. Walter, L. Lehmann, "Algorithmic differentiation of linear algebra functions with application in
    optimum experimental design", 2010.)
    """

    reads = OUTPUT

    def forward(self, a: Any) -> Any:
        return tuple(np.linalg.qr(a))

    def backward(self, g_q: Tensor, g_r: Tensor) -> Tensor:
        q, r = self.output
        m = r @ g_r.mT - g_q.mT @ q
        symmetric = m.tril() + m.tril(-1).mT
        return solve(r.mT, g_q + q @ symmetric, left=False)


class QRWithoutGradient(Function):
    """The forms of QR whose gradient is not determined by their results."""

    reads = NOTHING

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def forward(self, a: Any) -> Any:
        if self.mode == "complete":
            return tuple(np.linalg.qr(a, "complete"))
        return np.zeros(0, a.dtype, like=a), np.linalg.qr(a, "r")

    def backward(self, g_q: Tensor, g_r: Tensor) -> Tensor:
        if self.mode == "complete":
            reason = "the QR decomposition is not differentiable when mode='complete' and nrows > ncols"
        else:
            reason = "the derivative depends on Q, which is not computed when mode='r'"
        raise RuntimeError(f"linalg.qr: {reason}. Use mode='reduced'")


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """A = Q R, with orthonormal columns in Q and R upper triangular.

    The signs of R's diagonal are those of Householder's algorithm, as in LAPACK.

    Parameters
    ----------
    A : Tensor (*, m, n)
    mode : {"reduced", "complete", "r"}
        With k = min(m, n): Q (*, m, k) and R (*, k, n); Q (*, m, m) and R (*, m, n); an empty Q, and R (*, k,
        n).

    Returns
    -------
    (Q, R)
        A named tuple.

    Raises
    ------
    RuntimeError
        For an unknown mode; and in backward, for "r", and for "complete" if m > n.
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode {mode!r} but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    m, n = check_matrices(A, "linalg.qr").shape[-2:]
    if mode == "r" or (mode == "complete" and m > n):
        return linalg_qr(*QRWithoutGradient(mode)(A))
    if m >= n:
        return linalg_qr(*QR()(A))
    q, left = QR()(A[..., :m])  # the first m columns determine Q
    return linalg_qr(q, cat([left, q.mT @ A[..., m:]], -1))
