"""The p-norm of vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.function import OUT
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.ops.dims import wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.extrema import share_among_ties
from scratchnet.ops.promotion import cast
from scratchnet.ops.reducing import Reduction, numpy_names, reduce, reduced_dims
from scratchnet.ops.selection import where

__all__ = ["norm", "renorm"]


class Norm(Reduction):
    """y = (Σ |x|ᵖ)^(1/p); the greatest |x| for p = ∞, the smallest for −∞, the number of non-zeros for p = 0.

    dL/dx = g · sign x · (|x| / y)ᵖ⁻¹, and 0 where x = 0 or y = 0. For p = ±∞ the gradient is shared evenly by
    the elements with |x| = y. The number of non-zeros has none.
    """

    reads = (0, OUT)

    def __init__(self, dims: tuple[int, ...], keepdim: bool, p: float) -> None:
        super().__init__(dims, keepdim)
        self.p = p

    def forward(self, x: Any) -> Any:
        over = self.dims, self.keepdim
        if self.p == 2:
            return np.sqrt(reduce(np.add, x * x, *over))
        if self.p == math.inf:
            return reduce(np.maximum, abs(x), *over)
        if self.p == -math.inf:
            return reduce(np.minimum, abs(x), *over)
        if self.p == 0:
            return reduce(np.add, x != 0, *over, dtype=x.dtype)
        if self.p == 1:
            return reduce(np.add, abs(x), *over)
        return reduce(np.add, abs(x) ** self.p, *over) ** (1 / self.p)

    def backward(self, g: Tensor) -> Tensor | None:
        (x,), y, p = self.inputs, self.keep(self.output), self.p
        if p == 0:
            return None
        if p == 1:
            return self.keep(g) * x.sign()
        if abs(p) == math.inf:
            return share_among_ties(self, g, x.abs() == y) * x.sign()
        g, y = where(y == 0, 0.0, self.keep(g)), where(y == 0, 1.0, y)
        if p == 2:
            return g * (x / y)
        if p > 2:
            return g * (x * x.abs() ** (p - 2) / y ** (p - 1))
        powers = where(x == 0, 1.0, x.abs()) ** (p - 1)  # below 2 the slope of |x|ᵖ⁻¹ is infinite at 0
        return g * (x.sign() * powers / y ** (p - 1))


@method()
@numpy_names
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The p-norm (Σ |x|ᵖ)^(1/p) over `dim` or all dimensions.

    Parameters
    ----------
    p : number, "fro" or "nuc"
        "fro" is 2, of at most two named dimensions; inf and -inf are the greatest and the smallest magnitude, 0 counts
        what is not 0; "nuc" is the sum of the singular values of a matrix.
    dim : int, tuple of ints or None
    dtype : dtype, optional
        Convert the input first.

    Raises
    ------
    RuntimeError
        If the input does not hold floats, or for an infinite or negative p without elements; for "nuc" of what are not
        two dimensions.
    """
    x = check_tensor(input, "norm")
    if isinstance(p, str) and (p != "fro" or (isinstance(dim, (tuple, list)) and len(dim) > 2)):
        from scratchnet.ops.linalg.norms import matrix_norm  # which is built on Norm

        pair: Any = tuple(range(x.array.ndim)) if dim is None else (dim,) if isinstance(dim, int) else dim
        return matrix_norm(x, p, pair, keepdim, dtype=dtype)
    p = 2.0 if p in ("fro", None) else float(p)
    if x.array.dtype.kind != "f":
        raise RuntimeError(f"norm: expected a floating point tensor as input, got {x.dtype}")
    if dtype is not None:
        x = cast(x, np.dtype(dtype))
    dims = reduced_dims(dim, x.array.ndim)
    if (p < 0 or p == math.inf) and 0 in [x.array.shape[i] for i in dims]:
        raise RuntimeError(
            f"norm: the {p} norm of no elements has no identity, and dimensions {dims} of {x.shape} have none"
        )
    return Norm(dims, keepdim, p)(x)


@method()
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Slices along `dim` whose p-norm is larger than `maxnorm` are shortened to it; the others stay.

    y_i = x_i · maxnorm / (‖x_i‖ₚ + 10⁻⁷) where ‖x_i‖ₚ > maxnorm

    Parameters
    ----------
    input : Tensor of floats, of two dimensions or more
    p : number above 0, or inf
    dim : int
    maxnorm : number, not negative

    Raises
    ------
    RuntimeError
        For another p, maxnorm, dtype or fewer dimensions.
    IndexError
        If `input` has no dimension `dim`.
    """
    x = check_tensor(input, "renorm")
    for name, value in (("p", p), ("maxnorm", maxnorm)):
        if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
            raise TypeError(f"renorm(): argument {name!r} must be Number, not {type(value).__name__}")
    if not p > 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported, got p={p}")
    if not maxnorm >= 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    ndim = x.array.ndim
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    along = wrap_dim(dim, ndim)
    norms = norm(x, p, tuple(d for d in range(ndim) if d != along), keepdim=True)
    return x * where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)


method("renorm_")(in_place(renorm))
