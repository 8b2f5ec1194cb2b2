"""Shapes, and the arguments that are to be one."""

from __future__ import annotations

import math


class Size(tuple):
    """The shape of a tensor: a tuple that knows its number of elements."""

    __slots__ = ()

    def numel(self) -> int:
        return math.prod(self)

    def __repr__(self) -> str:
        return f"scratchnet.Size({list(self)})"


def sizes_of(name: str, given: tuple) -> tuple[int, ...]:
    """The arguments of a constructor as sizes.

    Raises
    ------
    TypeError
        If one is no int.
    RuntimeError
        If one is negative.
    """
    for position, size in enumerate(given, 1):
        if isinstance(size, bool) or not hasattr(size, "__index__"):
            raise TypeError(
                f"{name}(): expected sizes as ints, or one sequence of numbers; got {type(size).__name__} at position "
                f"{position}"
            )
        if size < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {size}: {list(given)}")
    return given
