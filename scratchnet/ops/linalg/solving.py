"""Inverses, linear systems and determinants.

The gradients are those of M. Giles, "An extended collection of matrix derivative results for forward and
reverse mode algorithmic differentiation" (2008).
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from scratchnet.autograd.function import INPUTS, OUT, OUTPUT, Function
from scratchnet.autograd.mode import modes
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.linalg.checks import attempt, check_matrices, check_square
from scratchnet.ops.selection import where

linalg_slogdet = namedtuple("linalg_slogdet", "sign logabsdet")

_SINGULAR = "the inversion could not be completed because the input matrix is singular."


class Inv(Function):
    """Y = A⁻¹.  dL/dA = −Yᵀ G Yᵀ"""

    reads = OUTPUT
    arithmetic = True

    def forward(self, a: Any) -> Any:
        return attempt(np.linalg.inv, a, name="linalg.inv", failure=_SINGULAR)

    def backward(self, g: Any) -> Any:
        y = self.output
        return -(y.mT @ g @ y.mT)


def inv(A: Tensor) -> Tensor:
    """The inverse of a square matrix, or of each of a batch. To solve a system, `solve` is faster and more precise.

    Raises
    ------
    LinAlgError
        If a matrix is singular.
    RuntimeError
        If the matrices are not square, or do not hold floats.
    """
    return Inv()(check_square(A, "linalg.inv"))


class Solve(Function):
    """X with A X = B.  dL/dB = A⁻ᵀ G,  dL/dA = −(dL/dB) Xᵀ"""

    reads = ((0, OUT), (0,))

    def forward(self, a: Any, b: Any) -> Any:
        failure = "The solver failed because the input matrix is singular."
        return attempt(np.linalg.solve, a, b, name="linalg.solve", failure=failure)

    def backward(self, g: Tensor) -> tuple[Tensor | None, Tensor]:
        g_b = Solve()(self.inputs[0].mT, g)
        return -(g_b @ self.output.mT) if self.needs_input_grad[0] else None, g_b


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B, or X A = B if not `left`.

    Parameters
    ----------
    A : Tensor (*, n, n)
    B : Tensor (*, n, k) or (*, n)
        A vector, or a batch of them, if it has one dimension or just the shape of A without its last
        dimension.

    Raises
    ------
    LinAlgError
        If A is singular.
    RuntimeError
        If the shapes do not fit, or the dtypes differ.
    """
    check_square(A, "linalg.solve")
    if A.dtype != B.dtype:
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {A.dtype} and B of "
            "type "
            f"{B.dtype} instead"
        )
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    right = B.unsqueeze(-1) if vector else B
    n, rows = A.shape[-1], right.shape[-2 if left else -1]
    if n != rows:
        equation = "AX = B" if left else "XA = B"
        (p, q) = right.shape[-2:]
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation {equation} ({n}x{n} and {p}x{q})"
        )
    x = Solve()(A, right) if left else Solve()(A.mT, right.mT).mT
    return x.squeeze(-1) if vector else x


# ---- determinants ------------------------------------------------------------------------------------------
class Det(Function):
    """y = det A.  dL/dA = g · cof A, the matrix of cofactors: det A · A⁻ᵀ where A has an inverse."""

    reads = INPUTS

    def forward(self, a: Any) -> Any:
        return np.linalg.det(a)

    def backward(self, g: Tensor) -> Tensor:
        (a,) = self.inputs
        # |det A| is at most the product of the rows' lengths
        sizes = np.sqrt((a.array * a.array).sum(-1)).prod(-1)
        singular = np.any(np.abs(np.linalg.det(a.array)) <= 1e-8 * sizes)
        cofactors = Cofactors()(a) if singular else det(a)[..., None, None] * inv(a).mT
        return g[..., None, None] * cofactors


class Cofactors(Function):
    """cof A, the derivative of det A, also where A has no inverse.

    With A = U S Vᵀ:  cof A = det U · det V · U diag(Π_{k≠i} s_k) Vᵀ.  For the derivative, with P_ij =
    Π_{k≠i,j} s_k and G' = Uᵀ G V:  dL/dA = det U · det V · U R Vᵀ,  where R_ii = Σ_{k≠i} P_ik G'_kk and R_ij
    = −P_ij G'_ji.
    """

    reads = ()
    notes = ("factors",)

    def forward(self, a: Any) -> Any:
        u, s, vt = np.linalg.svd(a)
        sign = (np.linalg.det(u) * np.linalg.det(vt))[..., None, None]
        self.factors = sign, u, s, vt
        others = np.where(np.eye(s.shape[-1], dtype=bool, like=s), 1, s[..., None, :])
        return sign * u * others.prod(-1)[..., None, :] @ vt

    def backward(self, g: Tensor) -> Tensor:
        if modes.grad:
            raise NotImplementedError("linalg.det: the third derivative is not implemented for singular matrices")
        sign, u, s, vt = self.factors
        eye = np.eye(s.shape[-1], dtype=bool, like=s)
        one_of_the_pair = eye[:, None, :] | eye[None, :, :]
        pairs = np.where(one_of_the_pair, 1, s[..., None, None, :]).prod(-1) * ~eye
        inner = u.mT @ g.array @ vt.mT
        diagonal = (pairs @ inner.diagonal(0, -2, -1)[..., None]) * eye
        return Tensor(sign * u @ (diagonal - pairs * inner.mT) @ vt)


def det(A: Tensor) -> Tensor:
    """The determinant of a square matrix, or of each of a batch."""
    return Det()(check_square(A, "linalg.det"))


class Slogdet(Function):
    """sign and log |det A|.  dL/dA = g · A⁻ᵀ for the logarithm; the sign does not change."""

    reads = INPUTS

    def forward(self, a: Any) -> Any:
        return tuple(np.linalg.slogdet(a))

    def backward(self, g_sign: Tensor, g: Tensor) -> Tensor:
        return g[..., None, None] * inv(self.inputs[0]).mT


def slogdet(A: Tensor) -> Any:
    """The sign (1, 0 or −1) and the logarithm of the magnitude of the determinant, which may overflow itself.

    Returns
    -------
    (sign, logabsdet)
        A named tuple. Of a singular matrix, (0, −∞).
    """
    return linalg_slogdet(*Slogdet()(check_square(A, "linalg.slogdet")))


def logdet(A: Tensor) -> Tensor:
    """log det A: NaN if the determinant is negative, −∞ if it is 0."""
    sign, logabsdet = slogdet(check_matrices(A, "logdet"))
    return where(sign < 0, float("nan"), logabsdet)
