"""Matrix products: `@`, mm, bmm, mv, dot, inner, outer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.elementwise import check_tensor

__all__ = ["matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "outer", "ger"]


_LARGE = 16_000_000  # multiply-adds that are worth more than one thread


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
            return product(b, g) if self.b_ndim == 2 else product(b, g.reshape(*g.shape, 1)).reshape(b.shape[:-1])
        return product(g, b.mT)

    def _to_right(self, a: Any, g: Any) -> Any:
        """dL/db = aᵀ g. For one matrix b and a batch of a, the product takes the sum over the batch."""
        if self.a_ndim == 1:
            return g * a if self.b_ndim == 1 else a.reshape(-1, 1) * g.reshape(*g.shape[:-1], 1, g.shape[-1])
        if self.b_ndim == 1:
            return product(_as_matrix(a).mT, g.reshape(math.prod(g.shape)))
        if self.b_ndim == 2 and self.a_ndim > 2:
            a, g = _as_matrix(a), _as_matrix(g)
        return product(a.mT, g)


def product(a: Any, b: Any) -> Any:
    """`a @ b`, of Tensors or of arrays."""
    return MatMul()(a, b) if isinstance(a, Tensor) else product_of_arrays(a, b)


def _as_matrix(x: Any) -> Any:
    """All leading dimensions as one."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])  # not −1: the last dimension may be empty


def product_of_arrays(a: Any, b: Any, bias: Any = None) -> Any:
    """`a @ b`, plus a bias [N] or [1], of arrays: a batch times one matrix is one large product, and float16 is summed in
    float32."""
    if a.dtype.itemsize == 2 and a.dtype.kind == "f":
        y = product_of_arrays(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    elif b.ndim == 2 and a.ndim > 2:
        return product_of_arrays(_as_matrix(a), b, bias).reshape(*a.shape[:-1], b.shape[-1])
    elif a.size * b.shape[-1] < _LARGE or min(a.ndim, b.ndim) < 2:
        y = np.matmul(a, b)
    else:
        from scratchnet import kernels  # late: it need not be loaded for small products

        return kernels.matmul(a, b, bias)
    if bias is not None:
        y += bias
    return y


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
    a, b = _arrays(input, other, "matmul")
    if a.ndim == 2 and b.ndim == 2:
        return mm(input, other)
    if a.ndim == 0 or b.ndim == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    if a.ndim == 1 and b.ndim == 1:
        return dot(input, other)
    if a.ndim == 2 and b.ndim == 1:
        return mv(input, other)
    rows = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != rows:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied (matmul of {a.shape} and {b.shape}: {a.shape[-1]} columns "
            f"meet {rows} rows)"
        )
    batches = a.shape[:-2], b.shape[:-2]
    for i, (m, n) in enumerate(zip(*[batch[::-1] for batch in batches])):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton dimension "
                f"{max(map(len, batches)) - 1 - i}"
            )
    return MatMul()(input, other)


@method("__matmul__")
def _matmul_operator(self: Tensor, other: Any) -> Tensor:
    if isinstance(other, np.ndarray):
        other = Tensor(other)
    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


@method("__rmatmul__")
def _matmul_reflected(self: Tensor, other: Any) -> Tensor:
    return matmul(Tensor(other), self) if isinstance(other, np.ndarray) else NotImplemented


@method()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, (n, k) and (k, m). No broadcasting."""
    a, b = _arrays(input, mat2, "mm")
    if a.ndim != 2 or b.ndim != 2:
        name = "self" if a.ndim != 2 else "mat2"
        raise RuntimeError(f"mm: {name} must be a matrix, got shapes {a.shape} and {b.shape}")
    if a.shape[1] != b.shape[0]:
        (n, k), (l, m) = a.shape, b.shape
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{k} and {l}x{m})")
    return MatMul()(input, mat2)


@method()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices, (b, n, k) and (b, k, m). No broadcasting."""
    a, b = _arrays(input, mat2, "bmm")
    for name, x in (("batch1", a), ("batch2", b)):
        if x.ndim != 3:
            raise RuntimeError(f"bmm: {name} must be a 3D tensor, got shape {x.shape}")
    expected = [a.shape[0], a.shape[2]]
    if list(b.shape[:2]) != expected:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: {expected} but got: {list(b.shape[:2])}."
        )
    return MatMul()(input, mat2)


@method()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix (n, k) and a vector (k,)."""
    a, b = _arrays(input, vec, "mv")
    if a.ndim != 2 or b.ndim != 1:
        raise RuntimeError(f"mv: expected a matrix and a vector, got shapes {a.shape} and {b.shape}")
    if a.shape[1] != b.shape[0]:
        (n, k), (l,) = a.shape, b.shape
        raise RuntimeError(f"size mismatch, got input ({n}), mat ({n}x{k}), vec ({l})")
    return MatMul()(input, vec)


@method()
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ_i input_i · tensor_i of two vectors of the same length."""
    a, b = _arrays(input, tensor, "dot")
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"dot: 1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.size != b.size:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a.size}] and src [{b.size}] to have the same number of "
            f"elements, but got {a.size} and {b.size} elements respectively"
        )
    return MatMul()(input, tensor)


@method()
def vdot(input: Tensor, other: Tensor) -> Tensor:
    """`dot`: for real numbers there is nothing to conjugate."""
    return dot(input, other)


@method()
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Σ_k input[…, k] · other[…, k] for every pair of the remaining indices. Numbers multiply."""
    if check_tensor(input, "inner").ndim == 0 or check_tensor(other, "inner", "other").ndim == 0:
        return input * other
    a, b = _arrays(input, other, "inner")
    if a.shape[-1] != b.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(a.shape)} and {list(b.shape)}"
        )
    product = MatMul()(_as_matrix(input), _as_matrix(other).mT)
    return product.reshape((*a.shape[:-1], *b.shape[:-1]))


@method("outer", "ger")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """y_ij = input_i · vec2_j of two vectors."""
    check_tensor(input, "outer")
    check_tensor(vec2, "outer", "vec2")
    for name, x in (("self", input), ("vec2", vec2)):
        if x.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {x.ndim}-D")
    return input.reshape(-1, 1) * vec2


ger = outer


def _arrays(x: Any, y: Any, name: str) -> tuple[Any, Any]:
    """The arrays of two Tensors that can be multiplied, as far as their dtypes go."""
    a = check_tensor(x, name).array
    b = check_tensor(y, name, "other").array
    if a.dtype is not b.dtype and a.dtype != b.dtype:
        raise RuntimeError(f"{name}: expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}")
    if a.dtype.kind == "b":
        raise NotImplementedError(f"{name!r} not implemented for 'Bool'")
    return a, b
