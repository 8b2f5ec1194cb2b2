"""Matrix products that are scaled and added to something: addmm and its kind."""

from __future__ import annotations

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.creation import ones_like
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.matmul import bmm, mm, mv, outer

__all__ = ["addmm", "addmv", "addr", "baddbmm", "addbmm"]


@method()
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · mat1 @ mat2. `input` broadcasts; with beta=0 it is ignored, NaN and all."""
    return _scaled_sum("addmm", input, mm(mat1, mat2), beta, alpha)


@method()
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · mat @ vec."""
    return _scaled_sum("addmv", input, mv(mat, vec), beta, alpha)


@method()
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · outer(vec1, vec2)."""
    return _scaled_sum("addr", input, outer(vec1, vec2), beta, alpha, promoted=True)


@method()
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · bmm(batch1, batch2)."""
    return _scaled_sum("baddbmm", input, bmm(batch1, batch2), beta, alpha)


@method()
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · input + alpha · Σ_b batch1[b] @ batch2[b]."""
    return _scaled_sum("addbmm", input, bmm(batch1, batch2).sum(0), beta, alpha)


def _scaled_sum(name: str, input: Tensor, product: Tensor, beta: float, alpha: float, promoted: bool = False) -> Tensor:
    """beta · input + alpha · product, where `input` may be the smaller one only."""
    a, b = check_tensor(input, name).array, product.array
    if a.dtype != b.dtype and not promoted:
        raise RuntimeError(f"{name}: input and the matrices must have the same dtype, got {a.dtype} and {b.dtype}")
    missing = b.ndim - a.ndim
    if missing < 0 or any([n != 1 and n != m for n, m in zip(a.shape, b.shape[missing:])]):
        raise RuntimeError(f"{name}: input of shape {a.shape} does not expand to the shape {b.shape} of the product")
    if b.dtype.kind != "f":
        alpha, beta = int(alpha), int(beta)
    if alpha != 1:
        # with alpha=0, zeros whatever the product holds, NaN among it
        product = product * alpha if alpha else product.masked_fill(ones_like(product, dtype=bool), 0)
    return product + (input if beta == 1 else input * beta) if beta else product


for _op in (addmm, addmv, addr, baddbmm, addbmm):
    method(_op.__name__ + "_")(in_place(_op))
