"""Making the parameters of layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet.autograd.device import check_device
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import init
from scratchnet.nn.parameter import Parameter
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.promotion import get_default_dtype


def full(shape: Any, value: float, device: Any = None, dtype: Any = None) -> Tensor:
    """A tensor of one value, of the default dtype if none is given."""
    check_device(device)
    return Tensor(np.full(shape, value, get_default_dtype() if dtype is None else as_dtype(dtype)))


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments `device`, `dtype` and `memory_format` among `kwargs`, and those in `kwargs["factory_kwargs"]`.

    Raises
    ------
    TypeError
        If there are others, or one is given twice.
    """
    given = dict(kwargs or {})
    result = dict(given.pop("factory_kwargs", {}))
    if unknown := given.keys() - {"device", "dtype", "memory_format"}:
        raise TypeError(f"unexpected kwargs {unknown}")
    if twice := given.keys() & result.keys():
        raise TypeError(f"{', '.join(sorted(twice))} specified twice, in **kwargs and in factory_kwargs")
    return result | given


def unset(shape: Any, device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter whose values are still to be set."""
    return Parameter(full(shape, 0, device, dtype))


def set_initial_values(weight: Tensor, bias: Tensor | None) -> None:
    """Both from U(-1/√fan_in, 1/√fan_in): where linear and convolutional layers start."""
    init.kaiming_uniform_(weight, a=math.sqrt(5))  # this slope makes the bound 1/√fan_in
    if bias is not None:
        fan_in, _ = init._calculate_fan_in_and_fan_out(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
        init.uniform_(bias, -bound, bound)


def positive(value: Any, layer: str, argument: str) -> int:
    """A number of features or channels, checked."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{layer}: {argument} must be an int, got {type(value).__name__}")
    if value < 0:
        raise RuntimeError(f"{layer}: {argument} must not be negative, got {value}")
    return int(value)


def reduced(channels: Any, reduction: int, layer: str, argument: str) -> int:
    """channels / reduction, of which at least one must be left."""
    features = positive(channels, layer, argument) // reduction if reduction > 0 else 0
    if features < 1:
        raise ValueError(f"{layer}: reduction must be from 1 to {argument}, got {reduction} and {argument}={channels}")
    return features
