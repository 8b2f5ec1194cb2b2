"""Nonlinearities made of straight pieces, with fixed, random or learned slopes."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import ops, random
from scratchnet.autograd.function import INPUTS, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import in_place
from scratchnet.nn.functional.activation_operation import (
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    ReLU,
    Softshrink,
    Threshold,
    run,
)
from scratchnet.nn.functional.arguments import refuse_bools, require_float, require_same_dtype
from scratchnet.ops.elementwise import check_tensor


@method()
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0).

    Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.

    Parameters
    ----------
    inplace : bool
        Write the result into `input`.

    Raises
    ------
    RuntimeError
        If the input holds bools.
    """
    if check_tensor(input, "relu").array.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu; convert them, e.g. with .float()")
    return run(input, ReLU(), inplace)


@method()
def relu_(input: Tensor) -> Tensor:
    """In-place form of `relu`."""
    return relu(input, inplace=True)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else `value`.

    Raises
    ------
    NotImplementedError
        If the input holds bools.
    """
    return run(refuse_bools(input, "threshold"), Threshold(threshold, value), inplace)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place form of `threshold`."""
    return run(check_tensor(input, "threshold_"), Threshold(threshold, value), inplace=True)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x, but at least min_val and at most max_val.

    Raises
    ------
    ValueError
        If min_val > max_val.
    NotImplementedError
        If the input holds bools.
    RuntimeError
        If it holds unsigned integers and min_val is negative.
    """
    dtype = check_tensor(input, "hardtanh").array.dtype
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}")
    refuse_bools(input, "hardtanh")
    if dtype.kind == "u" and min_val < 0:
        raise RuntimeError(f"cannot do hardtanh on an unsigned type with negative limits, got {dtype} and {min_val}")
    return run(input, Hardtanh(min_val, max_val), inplace)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place form of `hardtanh`."""
    return hardtanh(input, min_val, max_val, inplace=True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6) (Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010)"""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope · x.

    Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.
    """
    return run(require_float(input, "leaky_relu"), LeakyReLU(negative_slope), inplace)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place form of `leaky_relu`."""
    return leaky_relu(input, negative_slope, inplace=True)


@method()
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where −lambd ≤ x ≤ lambd, else x"""
    return Hardshrink(lambd)(require_float(input, "hardshrink"))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x brought nearer to 0 by lambd, and 0 where it would change sign.

    Donoho, "De-noising by Soft-thresholding", 1995.

    Raises
    ------
    RuntimeError
        If lambd is negative.
    """
    require_float(input, "softshrink")
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambda must be greater or equal to 0, but found to be {lambd}.")
    return Softshrink(lambd)(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6, straight pieces near the sigmoid.

    Courbariaux, Bengio and David, "BinaryConnect", 2015.
    """
    return run(require_float(input, "hardsigmoid"), Hardsigmoid(), inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · min(max(x + 3, 0), 6) / 6 (Howard et al., "Searching for MobileNetV3", 2019)"""
    return run(require_float(input, "hardswish"), Hardswish(), inplace)


class PReLU(Function):
    """y = x where x > 0, else w · x.  dL/dx = g, or w · g;  dL/dw = x · g where x ≤ 0"""

    reads = INPUTS

    def forward(self, x: Any, w: Any) -> Any:
        return np.where(x > 0, x, w * x)

    def backward(self, g: Tensor) -> tuple:
        x, w = self.inputs
        positive = x > 0
        return ops.where(positive, g, w * g), ops.where(positive, 0.0, x * g)


@method()
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else w · x with a learned slope w, one for all or one a channel.

    He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015.

    Parameters
    ----------
    input : [N, C, ...], or [N] with a single weight
    weight : [1] or [C]

    Raises
    ------
    RuntimeError
        If there are neither 1 nor C weights, or the dtypes differ.
    """
    require_same_dtype("prelu", input=input, weight=weight)
    shape, weights = input.array.shape, weight.array.shape
    if len(weights) > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got shape {weights}")
    count = weights[0] if weights else 1
    if weights and count != 1:
        channels = shape[1] if len(shape) > 1 else 1
        if not shape:
            raise RuntimeError(f"prelu: {count} weights are for input of shape [N, {count}, ...], got a single number")
        if count != channels:
            raise RuntimeError(
                f"prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel "
                f"size = {channels}."
            )
        weight = weight.reshape(-1, *(1,) * (len(shape) - 2))
    return PReLU()(input, weight if weights == () or shape else weight.reshape(()))


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """x where x > 0, else r · x: in training r is drawn for each element, uniform in [lower, upper); else it is the mean.

    Xu, Wang, Chen and Li, "Empirical Evaluation of Rectified Activations in Convolution Network", 2015.

    Raises
    ------
    RuntimeError
        If lower > upper, or one of them is not finite.
    """
    x = require_float(input, "rrelu")
    if not (np.isfinite(lower) and np.isfinite(upper)):
        raise RuntimeError(f"rrelu: lower and upper bounds must be finite, got {lower} and {upper}")
    if lower > upper:
        raise RuntimeError(f"rrelu: Lower bound should be less than or equal to the upper bound, got {lower} and {upper}")
    if not training:
        return leaky_relu(x, (lower + upper) / 2, inplace)
    return _random_slopes_(x, lower, upper) if inplace else _random_slopes(x, lower, upper)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """In-place form of `rrelu`."""
    return rrelu(input, lower, upper, training, inplace=True)


def _random_slopes(x: Tensor, lower: float, upper: float) -> Tensor:
    """Only where x ≤ 0 a slope is drawn, with 53 bits: so the stream goes on as torch's."""
    negative = x.array <= 0
    slopes = np.ones_like(x.array)
    slopes[negative] = random.default_generator.uniform(int(negative.sum()), np.float64, lower, upper)
    return x * Tensor(slopes)


_random_slopes_ = in_place(_random_slopes)
