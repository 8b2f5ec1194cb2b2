"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.dims import wrap_dim, wrap_dims
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.linalg.checks import check_matrices
from scratchnet.ops.linalg.spectral import svdvals
from scratchnet.ops.norm import Norm
from scratchnet.ops.promotion import cast


def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over `dim`, or over all elements.

    Parameters
    ----------
    x : Tensor
    ord : number
        p. inf and -inf are the greatest and the smallest magnitude, 0 counts what is not 0.
    dim : int, tuple of ints or None
    dtype : dtype, optional
        Convert the input first; not to a narrower dtype.

    Raises
    ------
    RuntimeError
        If the input does not hold floats; for an infinite or negative p without elements.
    """
    check_tensor(x, "linalg.vector_norm", "x")
    x = _converted(x, dtype, "linalg.vector_norm")
    if isinstance(ord, str):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' (position 2) must be Number, not {ord!r}")
    dims = wrap_dims(None if dim == () or dim == [] else dim, x.ndim)
    if (ord < 0 or ord == math.inf) and 0 in [x.shape[d] for d in dims]:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor because the operation does "
            "not have "
            f"an identity: shape {tuple(x.shape)}, dimensions {dims}"
        )
    return Norm(dims, keepdim, float(ord))(x)


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: tuple[int, int] = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The norm of the matrices that two dimensions hold.

    Parameters
    ----------
    A : Tensor (*, m, n)
    ord : {"fro", "nuc", inf, -inf, 1, -1, 2, -2}
        √Σ a², the sum of the singular values; the greatest or smallest sum of a row's (inf) or a column's (1)
        magnitudes; the greatest or smallest singular value (2).
    dim : pair of ints

    Raises
    ------
    RuntimeError
        For another order, or if `dim` is no pair of different dimensions.
    """
    A = _converted(check_matrices(A, "linalg.matrix_norm"), dtype, "linalg.matrix_norm")
    if isinstance(dim, int):
        raise TypeError(f"linalg_matrix_norm(): argument 'dim' must be a tuple of two ints, not {dim}")
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    rows, columns = (wrap_dim(d, A.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got {tuple(dim)}")
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(A.movedim((rows, columns), (-2, -1)))
        y = s.sum(-1) if ord == "nuc" else _extreme(s, -1, ord > 0, False)
        return y.reshape([1 if d in (rows, columns) else n for d, n in enumerate(A.shape)]) if keepdim else y
    if isinstance(ord, str) or abs(ord) not in (1, math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    summed, compared = (rows, columns) if abs(ord) == 1 else (columns, rows)
    y = _extreme(A.abs().sum(summed, keepdim=True), compared, ord > 0, True)
    return y if keepdim else y.squeeze((rows, columns))


def _extreme(x: Tensor, dim: int, greatest: bool, keepdim: bool) -> Tensor:
    """The greatest (0, a constant, if there is none) or the smallest along a dimension."""
    if greatest and x.shape[dim] == 0:
        return x.sum(dim, keepdim=keepdim).detach()
    return x.amax(dim, keepdim) if greatest else x.amin(dim, keepdim)


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """A vector norm or a matrix norm, as `ord` and `dim` say.

    Without `ord`, the 2-norm of all elements, or over `dim`. With it: `matrix_norm` if `dim` names two
    dimensions, or if it is None and A is a matrix, or if `ord` is "fro" or "nuc"; else `vector_norm`.
    """
    check_tensor(A, "linalg.norm", "A")
    if isinstance(ord, str) and isinstance(dim, int):
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    if dim is not None and not isinstance(dim, int) and len(dim) not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    if dim is None and ord is not None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D."
        )
    of_matrix = isinstance(ord, str) or (
        ord is not None and (A.ndim == 2 if dim is None else not isinstance(dim, int) and len(dim) == 2)
    )
    if of_matrix:
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


def _converted(x: Tensor, dtype: Any, name: str) -> Tensor:
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"{name}: Expected a floating point tensor as input. Got {x.dtype}")
    if dtype is None:
        return x
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise RuntimeError(f"{name}: dtype should be floating point, but got {dtype}")
    if dtype.itemsize < x.array.dtype.itemsize:
        raise RuntimeError(
            f"{name}: the dtype of the input ({x.dtype}) should be convertible without narrowing to the "
            "specified "
            f"dtype ({dtype})"
        )
    return cast(x, dtype)
