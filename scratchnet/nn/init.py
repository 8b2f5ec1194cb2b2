"""Initial values of parameters. Each function fills a tensor in place, unrecorded, and returns it.

With the same seed the numbers are torch's.

The variance of what a layer passes on depends on how many values it adds up: `fan_in` of them forward,
`fan_out` backward. Glorot and Bengio ("Understanding the difficulty of training deep feedforward neural
networks", 2010) keep both near 1 with Var(w) = 2 / (fan_in + fan_out); He et al. ("Delving Deep into
Rectifiers", 2015) correct for the half that ReLU discards, Var(w) = gain² / fan.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.deprecated import deprecated
from scratchnet.nn.init_lsuv import lsuv_ as lsuv_
from scratchnet.nn.init_matrices import dirac_, eye_, fill, orthogonal_, sparse_
from scratchnet.nn.init_skipping import change
from scratchnet.random import Generator, default_generator


# ---- plain distributions and constants -------------------------------------------------------------------
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with draws from U(a, b): x = a + (b − a) · u with u uniform in [0, 1)."""
    return change(tensor, lambda t: t.uniform_(a, b, generator=generator))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with draws from N(mean, std²)."""
    return change(tensor, lambda t: t.normal_(mean, std, generator=generator))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with draws from N(mean, std²), redrawn until they lie in [a, b].

    Where [a, b] holds little of the distribution, uniform candidates are accepted in proportion to its density.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may "
            "be incorrect.",
            stacklevel=2,
        )
    draw, shape, dtype = generator or default_generator, tensor.shape, tensor.dtype
    inside = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    if inside > 0.3:
        low, high = dtype.type(a), dtype.type(b)
        values: Any = draw.normal(shape, dtype, mean, std)
        while (outside := (values < low) | (values > high)).any():
            values = np.where(outside, draw.normal(shape, dtype, mean, std), values)
        return fill(tensor, values)

    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    values = None
    pending = np.ones(shape, bool)
    while pending.any():
        candidates = draw.uniform(shape, dtype, a, b)
        values = candidates if values is None else np.where(pending, candidates, values)
        log_density = ((candidates - dtype.type(mean)) / dtype.type(std)) ** 2 * dtype.type(-0.5) - dtype.type(peak)
        with np.errstate(divide="ignore"):
            pending &= np.log(draw.uniform(shape, dtype)) > log_density
    return tensor if values is None else fill(tensor, values)


def _normal_cdf(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value: x = val."""
    return change(tensor, lambda t: t.fill_(val))


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones: x = 1."""
    return constant_(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros: x = 0."""
    return constant_(tensor, 0)


# ---- variance scaling ------------------------------------------------------------------------------------
def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """The factor by which a nonlinearity shrinks the standard deviation, inverted.

    Parameters
    ----------
    nonlinearity : str
        linear, conv1d, …, conv_transpose3d, sigmoid, tanh, relu, leaky_relu or selu.
    param : float, optional
        The negative slope of leaky_relu; 0.01 if not given.
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


_LINEAR = ("linear", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs one output of a layer with this weight adds up, and how many outputs one input reaches.

    For [out, in, *kernel]:  fan_in = in · prod(kernel),  fan_out = out · prod(kernel).
    """
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    out, inp, *kernel = tensor.shape
    return inp * math.prod(kernel), out * math.prod(kernel)


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    modes = ["fan_in", "fan_out"]
    if mode.lower() not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode.lower())]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with U(−a, a), a = gain · √(6 / (fan_in + fan_out))."""
    std = gain * math.sqrt(2 / float(sum(_calculate_fan_in_and_fan_out(tensor))))
    bound = math.sqrt(3) * std
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with N(0, std²), std = gain · √(2 / (fan_in + fan_out))."""
    std = gain * math.sqrt(2 / float(sum(_calculate_fan_in_and_fan_out(tensor))))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with U(−b, b), b = gain · √(3 / fan).

    Parameters
    ----------
    a : float
        Negative slope, for `nonlinearity="leaky_relu"`.
    mode : str
        Whether the variance is kept forward ("fan_in") or backward ("fan_out").
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with N(0, std²), std = gain / √fan. Parameters as for `kaiming_uniform_`."""
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


# ---- old names -------------------------------------------------------------------------------------------
def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function under the name that it had before names of what works in place ended in `_`."""
    new, old = function.__name__, function.__name__.removesuffix("_")
    return deprecated(f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", old)(function)


uniform, normal, constant = _deprecated(uniform_), _deprecated(normal_), _deprecated(constant_)
eye, dirac = _deprecated(eye_), _deprecated(dirac_)
xavier_uniform, xavier_normal = _deprecated(xavier_uniform_), _deprecated(xavier_normal_)
kaiming_uniform, kaiming_normal = _deprecated(kaiming_uniform_), _deprecated(kaiming_normal_)
orthogonal, sparse = _deprecated(orthogonal_), _deprecated(sparse_)
