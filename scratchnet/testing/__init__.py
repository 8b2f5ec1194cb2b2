"""Check an operation or a layer of your own: against finite differences to second order, and against torch.

    >>> import numpy as np
    >>> from scratchnet import nn
    >>> from scratchnet import testing
    >>> x = testing.values((2, 3), seed=0)
    >>> testing.check_gradient(lambda x: (x * x).exp(), x)        # first and second derivatives
    >>> testing.check_against_torch("exp", x)                    # values, dtypes, gradients, refusals
    >>> testing.check_layer(nn.Linear(3, 4), "Linear(3, 4)", x)  # a module against torch's

All checks return None, or raise an AssertionError whose message is a report. `testing.strategies` holds
Hypothesis strategies for shapes, axes, indices and the geometry of layers; `testing.lockstep` runs CUDA kernels where
there is no GPU. Hypothesis, torch and greenlet are imported only by what needs them.
"""

from __future__ import annotations

import importlib
from typing import Any

from scratchnet.testing.compare import check_against_torch
from scratchnet.testing.gradients import check_gradient
from scratchnet.testing.layers import check_layer
from scratchnet.testing.numbers import values
from scratchnet.testing.strict_array import StrictArray, forbid_host_arrays

__all__ = [
    "StrictArray",
    "check_against_torch",
    "check_gradient",
    "check_layer",
    "forbid_host_arrays",
    "lockstep",
    "strategies",
    "values",
]


def __getattr__(name: str) -> Any:
    if name in ("lockstep", "strategies"):
        return importlib.import_module(f"scratchnet.testing.{name}")
    raise AttributeError(f"module 'scratchnet.testing' has no attribute {name!r}")
