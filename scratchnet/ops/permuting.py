"""Dimensions in another order. All of these return views."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.function import NOTHING
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import ViewFunction
from scratchnet.ops.dims import given_shape, wrap_dim
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.shape import Reshape

__all__ = ["transpose", "swapaxes", "swapdims", "t", "permute", "movedim", "moveaxis", "adjoint"]



class Transpose(ViewFunction):
    """y = x with two dimensions swapped.  dL/dx = g with them swapped back."""

    reads = NOTHING
    arithmetic = True

    def __init__(self, dim0: int, dim1: int) -> None:
        self.dims = dim0, dim1

    def forward(self, x: Any) -> Any:
        return x.swapaxes(*self.dims)

    def backward(self, g: Any) -> Any:
        return g.swapaxes(*self.dims)


class Permute(ViewFunction):
    """y[…, i, …] = x in another order of dimensions.  dL/dx = g in the inverse order."""

    reads = NOTHING

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims
        self.inverse = tuple(sorted(range(len(dims)), key=dims.__getitem__))

    def forward(self, x: Any) -> Any:
        return x.transpose(self.dims)

    def backward(self, g: Tensor) -> Tensor:
        return permute(g, self.inverse)

    def fused_backward(self, g: Any) -> Any:
        return g.transpose(self.inverse)


@method("transpose", "swapaxes", "swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """With two dimensions swapped."""
    check_tensor(input, "transpose")
    ndim = input.array.ndim
    dim0, dim1 = wrap_dim(dim0, ndim), wrap_dim(dim1, ndim)
    return Transpose(dim0, dim1)(input) if ndim else Reshape(())(input)


swapaxes = swapdims = transpose


@method()
def t(input: Tensor) -> Tensor:
    """A matrix transposed; tensors of fewer dimensions as they are."""
    check_tensor(input, "t")
    if input.array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.array.ndim}D")
    return Transpose(0, 1)(input) if input.array.ndim == 2 else Reshape(input.array.shape)(input)


@method()
def permute(input: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in another order: `permute(x, (2, 0, 1))`, `x.permute(2, 0, 1)`."""
    given = given_shape("permute", "dims", order, dims)
    ndim = input.array.ndim
    if len(given) != ndim:
        raise RuntimeError(
            "permute: number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(given)}"
        )
    given = tuple(wrap_dim(d, ndim) for d in given)
    if len(set(given)) != ndim:
        raise RuntimeError(f"permute(): duplicate dims are not allowed, got {given}")
    return Permute(given)(input)


@method()
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """With dimensions `source` at positions `destination` (ints or tuples); the rest keep their order."""
    check_tensor(input, "movedim")
    ndim = input.array.ndim
    given = [tuple(d) if isinstance(d, tuple | list) else (d,) for d in (source, destination)]
    if len(given[0]) != len(given[1]):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({list(given[0])} dims) should contain the "
            f"same number of dims as destination ({list(given[1])} dims)"
        )
    from_, to = (tuple(wrap_dim(d, ndim) for d in dims) for dims in given)
    for name, dims in (("source", from_), ("destination", to)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({list(dims)})")
    if not ndim:
        return Reshape(())(input)
    order = [d for d in range(ndim) if d not in from_]
    for position, d in sorted(zip(to, from_)):
        order.insert(position, d)
    return Permute(tuple(order))(input)


moveaxis = method("moveaxis")(movedim)


@method()
def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions swapped: the adjoint of real matrices."""
    check_tensor(input, "adjoint")
    return _matrix_transpose(input, "adjoint()")


def _matrix_transpose(input: Tensor, what: str) -> Tensor:
    if input.array.ndim < 2:
        raise RuntimeError(
            f"tensor.{what} is only supported on matrices or batches of matrices. Got {input.array.ndim}-D "
            "tensor."
        )
    return Transpose(-2, -1)(input)


def _hermitian(input: Tensor) -> Tensor:
    if input.array.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {input.array.ndim}-D tensor. For "
            "batches of matrices, consider using tensor.mH"
        )
    return t(input)


method("T")(property(lambda self: Permute(tuple(range(self.array.ndim))[::-1])(self), doc="Dimensions reversed."))
method("mT")(property(lambda self: _matrix_transpose(self, "mT"), doc="The last two dimensions swapped."))
method("mH")(property(lambda self: _matrix_transpose(self, "mH"), doc="As mT: the numbers are real."))
method("H")(property(_hermitian, doc="A matrix transposed: the numbers are real."))
