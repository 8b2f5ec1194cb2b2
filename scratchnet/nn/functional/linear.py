"""Affine maps of the last dimension."""

from __future__ import annotations

import math
from typing import Any

from scratchnet import ops
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_same_dtype
from scratchnet.ops.elementwise import check_tensor


class Linear(Function):
    """y = x Wᵀ + b, the last dimension of x with every row of W.

    dL/dx = g W,  dL/dW = gᵀ x  summed over all other dimensions,  dL/db = g summed over them (by the engine)
    """

    reads = ((1,), (0,), ())
    arithmetic = True

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        self.rows, (out, inp) = math.prod(x.shape[:-1]), w.shape
        y = (x.reshape(self.rows, inp) @ w.T).reshape(*x.shape[:-1], out)  # one product of matrices whatever x.ndim is
        if b is not None:
            y += b
        return y

    def backward(self, g: Any) -> tuple:
        x, w = self.inputs[:2]
        need_x, need_w, *need_b = self.needs_input_grad
        rows = g.reshape(self.rows, g.shape[-1])
        return (
            (rows @ w).reshape(*g.shape[:-1], w.shape[1]) if need_x else None,
            rows.T @ x.reshape(self.rows, x.shape[-1]) if need_w else None,
            *(g for _ in need_b),
        )


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b.

    Parameters
    ----------
    input : [..., in_features]
    weight : [out_features, in_features], or [in_features] for one output without a dimension of its own
    bias : [out_features], optional

    Returns
    -------
    [..., out_features]

    Raises
    ------
    RuntimeError
        If the shapes do not fit or the dtypes differ.
    """
    check_tensor(weight, "linear", "weight")
    require_same_dtype("linear", input=check_tensor(input, "linear"), weight=weight, bias=bias)
    x, w = input.array.shape, weight.array.shape
    if not x or len(w) not in (1, 2):
        raise RuntimeError(
            f"linear: expected input of 1 or more dimensions and weight of 1 or 2, got shapes {x} and {w}"
        )
    if x[-1] != w[-1]:
        raise RuntimeError(f"linear: input of shape {x} has {x[-1]} features, but weight of shape {w} expects {w[-1]}")
    if len(w) == 1:
        if bias is not None and bias.array.ndim:
            raise RuntimeError(f"linear: weight of shape {w} expects a bias without dimensions, got {bias.array.shape}")
        y = ops.matmul(input, weight)
        return y if bias is None else y + bias
    if bias is None:
        return Linear()(input, weight)
    if len(bias.array.shape) == 1 and bias.array.shape[0] in (1, w[0]):
        return Linear()(input, weight, bias)
    return Linear()(input, weight) + _check_bias(bias, (*x[:-1], w[0]))


def _check_bias(bias: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A bias of an unusual shape may be broadcast, but must not enlarge the result."""
    b = bias.array.shape
    if len(b) > len(shape) or any(n not in (1, m) for n, m in zip(b[::-1], shape[::-1])):
        raise RuntimeError(f"linear: bias of shape {b} does not broadcast to the result's shape {shape}")
    return bias
