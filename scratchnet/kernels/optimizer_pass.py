"""What the steps of all optimizers share: one pass over a parameter, its gradient and its states, in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense


def check_step(name: str, parameter: Any, gradient: Any, *states: Any) -> None:
    """Refuse arrays of other shapes or dtypes than the parameter's, and read-only ones; None is a state not kept."""
    shape, dtype = parameter.shape, parameter.dtype
    for i, array in enumerate((gradient, *states), -1):
        if array is not None and (array.shape != shape or array.dtype != dtype):
            label = "gradient" if i < 0 else f"state {i}"
            raise RuntimeError(f"{name}: expected a {label} of shape {shape} and dtype {dtype}, "
                               f"got {array.shape} and {array.dtype}")
    for array in (parameter, *states):
        if array is not None and not array.flags.writeable:
            raise ValueError(f"{name}: the parameter and its states are changed in place, but one is "
                             "read-only")


def one_pass(loop: Any, p: Any, g: Any, states: tuple, constants: tuple, work: float) -> Any:
    """Run ``loop(start, stop, p, g, *states, constants)`` over flat arrays; a state that is None is empty there.

    The constants are an array of p's dtype: the loop takes them out before its first number.
    """
    changed = [p, *(s for s in states if s is not None)]
    if not compilable(g, *changed) or not all(array.flags.carray for array in changed):
        return NotImplemented
    # each its own array: those that overlap would keep the compiler from using vectors
    parallel_for(loop, p.size, work, p.reshape(-1), dense(g).reshape(-1),
                 *(np.empty(0, p.dtype) if s is None else s.reshape(-1) for s in states), np.array(constants, p.dtype))
    return None


def direction(p: Any, g: Any, weight_decay: float, maximize: bool) -> Any:
    """±g + weight_decay·p"""
    d = -g if maximize else g
    return d + weight_decay * p if weight_decay != 0 else d
