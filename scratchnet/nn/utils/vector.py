"""All parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one after the other; differentiable with respect to each of them."""
    return ops.cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the values in a vector of `parameters_to_vector`; they share its memory."""
    check_tensor(vec, "vector_to_parameters", "vec")
    start = 0
    for p in parameters:
        size = p.array.size
        p.data = vec[start : start + size].view_as(p)
        start += size
