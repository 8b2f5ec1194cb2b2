"""Matrix products: `@`, mm, bmm, mv, dot, inner, outer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.promotion import as_operand

__all__ = ["matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "outer", "ger"]


class MatMul(Function):
    """y = a @ b: y_ij = Σ_k a_ik b_kj over the last two dimensions, the leading ones broadcast.

    With g = dL/dy:  dL/da = g bᵀ,  dL/db = aᵀ g.

    A vector (one dimension) is a row on the left and a column on the right, and the result lacks the
    dimension that it lacks: with y_i = Σ_k a_ik b_k, dL/da is the outer product of g and b.
    """

    reads = ((1,), (0,))
    arithmetic = True  # @, .mT and .reshape mean the same on arrays

    def forward(self, a: Any, b: Any) -> Any:
        self.a_ndim, self.b_ndim = a.ndim, b.ndim
        return product_of_arrays(a, b)

    def backward(self, g: Any) -> Any:
        a, b = self.inputs
        need_a, need_b = self.needs_input_grad
        return self._to_left(g, b) if need_a else None, self._to_right(a, g) if need_b else None

    def _to_left(self, g: Any, b: Any) -> Any:
        """dL/da = g bᵀ."""
        if self.b_ndim == 1:
            return g * b if self.a_ndim == 1 else g.reshape(*g.shape, 1) * b
        if self.a_ndim == 1:
            return _product(b, g) if self.b_ndim == 2 else _product(b, g.reshape(*g.shape, 1)).reshape(b.shape[:-1])
        return _product(g, b.mT)

    def _to_right(self, a: Any, g: Any) -> Any:
        """dL/db = aᵀ g. For one matrix b and a batch of a, the product takes the sum over the batch."""
        if self.a_ndim == 1:
            return g * a if self.b_ndim == 1 else a.reshape(-1, 1) * g.reshape(*g.shape[:-1], 1, g.shape[-1])
        if self.b_ndim == 1:
            return _product(_as_matrix(a).mT, g.reshape(math.prod(g.shape)))
        if self.b_ndim == 2 and self.a_ndim > 2:
            a, g = _as_matrix(a), _as_matrix(g)
        return _product(a.mT, g)


def _product(a: Any, b: Any) -> Any:
    return MatMul()(a, b) if isinstance(a, Tensor) else product_of_arrays(a, b)


def _as_matrix(x: Any) -> Any:
    """All leading dimensions as one."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])  # not −1: the last dimension may be empty


def product_of_arrays(a: Any, b: Any) -> Any:
    """`a @ b` of arrays: a batch times one matrix is one large product, and float16 is summed in float32."""
    if a.dtype == np.float16:
        return product_of_arrays(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if b.ndim == 2 and a.ndim > 2:
        return np.matmul(_as_matrix(a), b).reshape(*a.shape[:-1], b.shape[-1])
    return np.matmul(a, b)


# ---- products ----------------------------------------------------------------------------------------------
@method()
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product over the last two dimensions.

    Parameters
    ----------
    input : Tensor (*, n, k) or (k,)
    other : Tensor (*, k, m) or (k,)
        Leading dimensions broadcast. A vector counts as a matrix with one row (left) or one column (right),
        and that dimension is missing in the result.

    Returns
    -------
    Tensor (*, n, m)

    Raises
    ------
    RuntimeError
        If the shapes do not fit, or the dtypes differ.
    """
    if input.ndim == 2 and other.ndim == 2:
        return mm(input, other)
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D"
        )
    if input.ndim == 1 and other.ndim == 1:
        return dot(input, other)
    if input.ndim == 2 and other.ndim == 1:
        return mv(input, other)
    _check_dtypes(input, other, "matmul", "expected m1 and m2 to have the same dtype")
    k = other.shape[-2] if other.ndim > 1 else other.shape[0]
    if input.shape[-1] != k:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied (matmul of {tuple(input.shape)} and "
            f"{tuple(other.shape)}: "
            f"{input.shape[-1]} columns meet {k} rows)"
        )
    batches = input.shape[:-2], other.shape[:-2]
    for i, (m, n) in enumerate(zip(*[batch[::-1] for batch in batches])):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton "
                "dimension "
                f"{max(map(len, batches)) - 1 - i}"
            )
    return MatMul()(input, other)


@method("__matmul__")
def _matmul_operator(self: Tensor, other: Any) -> Tensor:
    other = _operand(other)
    return NotImplemented if other is None else matmul(self, other)


@method("__rmatmul__")
def _matmul_reflected(self: Tensor, other: Any) -> Tensor:
    other = _operand(other)
    return NotImplemented if other is None else matmul(other, self)


def _operand(x: Any) -> Tensor | None:
    """A Tensor, or a NumPy array as one. Numbers cannot be multiplied by `@`: Python says so."""
    x = as_operand(x) if isinstance(x, Tensor | np.ndarray) else None
    return x


@method()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, (n, k) and (k, m). No broadcasting."""
    if input.ndim != 2 or mat2.ndim != 2:
        name = "self" if input.ndim != 2 else "mat2"
        raise RuntimeError(f"mm: {name} must be a matrix, got shapes {tuple(input.shape)} and {tuple(mat2.shape)}")
    if input.shape[1] != mat2.shape[0]:
        (n, k), (l, m) = input.shape, mat2.shape
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{k} and {l}x{m})")
    _check_dtypes(input, mat2, "mm", "expected m1 and m2 to have the same dtype")
    return MatMul()(input, mat2)


@method()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices, (b, n, k) and (b, k, m). No broadcasting."""
    for name, x in (("batch1", input), ("batch2", mat2)):
        if x.ndim != 3:
            raise RuntimeError(f"bmm: {name} must be a 3D tensor, got shape {tuple(x.shape)}")
    expected = [input.shape[0], input.shape[2]]
    if list(mat2.shape[:2]) != expected:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: {expected} but got: "
            f"{list(mat2.shape[:2])}."
        )
    _check_dtypes(input, mat2, "bmm", "expected m1 and m2 to have the same dtype")
    return MatMul()(input, mat2)


@method()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix (n, k) and a vector (k,)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(
            f"mv: expected a matrix and a vector, got shapes {tuple(input.shape)} and {tuple(vec.shape)}"
        )
    if input.shape[1] != vec.shape[0]:
        (n, k), (l,) = input.shape, vec.shape
        raise RuntimeError(f"size mismatch, got input ({n}), mat ({n}x{k}), vec ({l})")
    _check_dtypes(input, vec, "mv", "expected the matrix and the vector to have the same dtype")
    return MatMul()(input, vec)


@method()
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ_i input_i · tensor_i of two vectors of the same length."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"dot: 1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    n, m = input.shape[0], tensor.shape[0]
    if n != m:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of "
            "elements, but got "
            f"{n} and {m} elements respectively"
        )
    _check_dtypes(input, tensor, "dot", "expected both vectors to have same dtype")
    return MatMul()(input, tensor)


@method()
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """`dot`: for real numbers there is nothing to conjugate."""
    return dot(input, other)


@method()
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Σ_k input[…, k] · other[…, k] for every pair of the remaining indices. Numbers multiply."""
    if input.dtype != other.dtype:
        raise RuntimeError(f"inner: both inputs should have same dtype, got {input.dtype} and {other.dtype}")
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    _check_dtypes(input, other, "inner", "")
    product = MatMul()(_as_matrix(input), _as_matrix(other).mT)
    return product.reshape((*input.shape[:-1], *other.shape[:-1]))


@method("outer", "ger")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """y_ij = input_i · vec2_j of two vectors."""
    for name, x in (("self", input), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return input.reshape(-1, 1) * vec2


ger = outer


def _check_dtypes(a: Tensor, b: Tensor, name: str, expected: str) -> None:
    if a.array.dtype != b.array.dtype:
        raise RuntimeError(f"{name}: {expected}, but got: {a.array.dtype} != {b.array.dtype}")
    if a.array.dtype.kind == "b":
        raise NotImplementedError(f"{name!r} not implemented for 'Bool'")
