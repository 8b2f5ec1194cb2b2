"""Affine layers."""

from __future__ import annotations

import math
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.lazy import LazyModuleMixin, UninitializedParameter
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import positive, set_initial_values, unset


class Identity(Module):
    """y = x. Takes any arguments, to stand in for any layer.

    Input of any shape, a result of the same.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """y = x Wᵀ + b

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
        Whether there is a b.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : [out_features, in_features], bias : [out_features]
        Initial values are drawn from U(−1/√in_features, 1/√in_features).

    Shapes: [..., in_features] to [..., out_features]
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = positive(in_features, "Linear", "in_features")
        self.out_features = positive(out_features, "Linear", "out_features")
        self.weight = unset((out_features, in_features), device, dtype)
        self.register_parameter("bias", unset(out_features, device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        set_initial_values(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class LazyLinear(LazyModuleMixin, Linear):
    """A `Linear` layer whose `in_features` are those of the first input.

    Parameters
    ----------
    out_features, bias, device, dtype : as of `Linear`
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = positive(out_features, "LazyLinear", "out_features")
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Make the parameters for this input."""
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()


class NonDynamicallyQuantizableLinear(Linear):
    """`Linear`, by another name: that of the last layer of `MultiheadAttention` in torch."""


class Bilinear(Module):
    """y_o = x₁ᵀ W_o x₂ + b_o

    Parameters
    ----------
    in1_features, in2_features, out_features : int
    bias : bool
        Whether there is a b.

    Attributes
    ----------
    weight : [out_features, in1_features, in2_features], bias : [out_features]
        Initial values are drawn from U(−1/√in1_features, 1/√in1_features).

    Shapes: [..., in1_features] and [..., in2_features] to [..., out_features]
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = unset((out_features, in1_features, in2_features), device, dtype)
        self.register_parameter("bias", unset(out_features, device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        for p in (self.weight, self.bias):
            if p is not None:
                init.uniform_(p, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
