"""What of linear algebra torch also has at the top level and as methods, in some cases with older signatures."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops import linalg
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.linalg.solving import logdet

__all__ = [
    "inverse", "det", "slogdet", "logdet", "cholesky", "qr", "svd", "matrix_power", "pinverse", "cross",
]  # fmt: skip

QR = namedtuple("QR", "Q R")
SVD = namedtuple("SVD", "U S V")

logdet = method()(logdet)
det = method()(linalg.det)
slogdet = method()(linalg.slogdet)
matrix_power = method()(linalg.matrix_power)


@method()
def inverse(input: Tensor) -> Tensor:
    """`linalg.inv`."""
    return linalg.inv(input)


@method()
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """`linalg.cholesky`."""
    return linalg.cholesky(input, upper=upper)


@method()
def qr(input: Tensor, some: bool = True) -> Any:
    """`linalg.qr`: reduced if `some`, else complete."""
    return QR(*linalg.qr(input, "reduced" if some else "complete"))


@method()
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """Singular values with V, not its transpose: input = U diag(S) Vᵀ. `linalg.svd` is the newer form.

    Without `compute_uv`, U and V are zeros.
    """
    if not compute_uv:
        s = linalg.svdvals(input)
        m, n = input.shape[-2:]
        batch = tuple(input.shape[:-2])
        return SVD(input.new_zeros((*batch, m, m)), s, input.new_zeros((*batch, n, n)))
    u, s, vh = linalg.svd(input, full_matrices=not some)
    return SVD(u, s, vh.mT)


@method()
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv`, with rtol=rcond."""
    return linalg.pinv(input, rtol=rcond)


@method()
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """`linalg.cross`, by default along the first dimension of size 3."""
    check_tensor(input, "cross")
    check_tensor(other, "cross", "other")
    if dim is None:
        dim = next((d for d, size in enumerate(input.shape) if size == 3), None)
        if dim is None:
            raise RuntimeError(f"cross: no dimension of size 3 in input, which has shape {tuple(input.shape)}")
    return linalg.cross(input, other, dim=dim)
