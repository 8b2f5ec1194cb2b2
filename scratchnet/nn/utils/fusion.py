"""Batch normalisation folded into the layer before it: after training one layer does the work of two."""

from __future__ import annotations

import copy
from typing import TypeVar

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module
from scratchnet.nn.parameter import Parameter

L = TypeVar("L", bound=Module)


def _fused(
    w: Tensor,
    b: Tensor | None,
    mean: Tensor,
    var: Tensor,
    eps: float,
    gamma: Tensor | None,
    beta: Tensor | None,
    outputs: int,
) -> tuple[Parameter, Parameter]:
    """γ · (W x + b − μ) / √(σ² + ε) + β  =  (s W) x + ((b − μ) s + β),  s = γ / √(σ² + ε) along W's dimension of outputs."""
    scale = ops.rsqrt(var + eps) if gamma is None else ops.rsqrt(var + eps) * gamma
    shape = [1] * w.ndim
    shape[outputs] = -1
    shift = (-mean if b is None else b - mean) * scale
    weight = w * scale.reshape(shape).to(w.dtype)
    bias = shift if beta is None else shift + beta
    return (
        Parameter(weight.detach(), w.requires_grad),
        Parameter(bias.detach().to(w.dtype if b is None else b.dtype), b is not None and b.requires_grad),
    )


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that does the work of a convolution and the batch norm after it.

    w' = w · γ / √(σ² + ε),  b' = (b − μ) · γ / √(σ² + ε) + β

    Parameters
    ----------
    conv_w : [C, C_in / groups, *kernel], or [C_in, C / groups, *kernel] with `transpose`
    conv_b : [C], optional
    bn_rm, bn_rv : [C]
        Running mean μ and variance σ².
    bn_eps : float
    bn_w, bn_b : [C], optional
        γ and β.

    Returns
    -------
    w' of the shape of conv_w, b' [C]
    """
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, int(transpose))


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """As `fuse_conv_bn_weights` for a linear layer; batch statistics of [1] serve all outputs."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def _check_fusion(layer: Module, bn: Module) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval! Call .eval() of both modules first")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv: L, bn: Module, transpose: bool = False) -> L:
    """One convolution that does the work of `conv` and the batch norm `bn` after it, in evaluation mode.

    Parameters
    ----------
    transpose : bool
        Whether `conv` is a transposed convolution.

    Raises
    ------
    AssertionError
        If one of them is in training mode, or `bn` has no running statistics.
    """
    _check_fusion(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_eval(linear: L, bn: Module) -> L:
    """One linear layer that does the work of `linear` and the batch norm `bn` after it, in evaluation mode.

    Raises
    ------
    AssertionError
        As `fuse_conv_bn_eval`; if `bn` has features other than the layer's outputs, and not one.
    """
    _check_fusion(linear, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        linear.weight, linear.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused
