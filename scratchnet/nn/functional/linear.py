"""Affine maps of the last dimension."""

from __future__ import annotations

import math
from typing import Any

from scratchnet import ops
from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_same_dtype
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.matmul import product, product_of_arrays


class Linear(Function):
    """y = x Wᵀ + b, the last dimension of x with every row of W.

    dL/dx = g W,  dL/dW = gᵀ x  summed over all other dimensions,  dL/db = g summed over them (by the engine)
    """

    reads = ((1,), (0,), ())
    arithmetic = True

    def forward(self, x: Any, w: Any, b: Any = None) -> Any:
        y = product_of_arrays(_rows(x), w.T, b)  # one product of matrices, whatever x.ndim is
        return y if x.ndim == 2 else y.reshape(*x.shape[:-1], len(w))

    def backward(self, g: Any) -> tuple:
        x, w = (*self.inputs, None, None)[:2]  # nothing is kept if only b is wanted
        need_x, need_w, *need_b = self.needs_input_grad
        rows = _rows(g)
        gx = product(rows, w) if need_x else None
        if gx is not None and g.ndim != 2:
            gx = gx.reshape(*g.shape[:-1], w.shape[1])
        return (gx, product(rows.T, _rows(x)) if need_w else None, *(g for _ in need_b))


def _rows(x: Any) -> Any:
    """[..., n] as a matrix."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


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
    x, w = check_tensor(input, "linear").array, check_tensor(weight, "linear", "weight").array
    if x.dtype != w.dtype or (bias is not None and check_tensor(bias, "linear", "bias").array.dtype != x.dtype):
        require_same_dtype("linear", input=input, weight=weight, bias=bias)
    if not x.ndim or w.ndim not in (1, 2):
        raise RuntimeError(
            f"linear: expected input of 1 or more dimensions and weight of 1 or 2, got shapes {x.shape} and {w.shape}"
        )
    if x.shape[-1] != w.shape[-1]:
        raise RuntimeError(
            f"linear: input of shape {x.shape} has {x.shape[-1]} features, but weight of shape {w.shape} "
            f"expects {w.shape[-1]}"
        )
    if w.ndim == 1:
        return _one_output(input, weight, bias)
    if bias is None:
        return Linear()(input, weight)
    if bias.array.shape in ((w.shape[0],), (1,)):
        return Linear()(input, weight, bias)
    return Linear()(input, weight) + _checked(bias, (*x.shape[:-1], w.shape[0]))


def _one_output(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """y = x · w + b, without a dimension for the output."""
    if bias is None:
        return ops.matmul(input, weight)
    if bias.array.ndim:
        raise RuntimeError(
            f"linear: weight of shape {weight.array.shape} expects a bias without dimensions, got {bias.array.shape}"
        )
    return ops.matmul(input, weight) + bias


def _checked(bias: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A bias of an unusual shape may be broadcast, but must not enlarge the result."""
    b = bias.array.shape
    if len(b) > len(shape) or any(n not in (1, m) for n, m in zip(b[::-1], shape[::-1])):
        raise RuntimeError(f"linear: bias of shape {b} does not broadcast to the result's shape {shape}")
    return bias


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_o = x₁ᵀ W_o x₂ + b_o.

    Parameters
    ----------
    input1, input2 : [..., in1_features], [..., in2_features], of equal leading dimensions
    weight : [out_features, in1_features, in2_features]
    bias : [out_features], optional

    Returns
    -------
    [..., out_features]

    Raises
    ------
    RuntimeError
        If the shapes do not fit or the dtypes differ.
    """
    require_same_dtype("bilinear", input1=input1, input2=input2, weight=weight, bias=bias)
    x1, x2, w = input1.array.shape, input2.array.shape, weight.array.shape
    if len(w) != 3 or not x1 or x1[:-1] != x2[:-1] or (x1[-1], x2[-1]) != w[1:]:
        raise RuntimeError(
            "bilinear: expected input1 [..., m], input2 [..., n] and weight [out_features, m, n], got shapes "
            f"{x1}, {x2} and {w}"
        )
    if bias is not None and bias.array.shape != w[:1]:
        raise RuntimeError(f"bilinear: expected a bias of shape {w[:1]}, got {bias.array.shape}")
    left = Linear()(input1, weight.permute(0, 2, 1).reshape(w[0] * w[2], w[1]))  # x₁ᵀ W_o of all o
    y = (left.reshape(*x1[:-1], w[0], w[2]) * input2.unsqueeze(-2)).sum(-1)
    return y if bias is None else y + bias
